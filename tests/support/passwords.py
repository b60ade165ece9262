"""A password for people of the tests."""

from typing import Any

from sqlalchemy import text

from db.session import Database, SystemActor
from runtime.passwords import Passwords

PASSWORD = "correct horse battery staple"


async def give_password(database: Database, person: Any, *, memory_kib: int = 64) -> None:
    """Give a person the password, hashed with the cheap parameters that the tests run with."""
    hashed = await Passwords(memory_kib=memory_kib, rounds=1, lanes=1).hash(PASSWORD)
    async with database.transaction(SystemActor("tests")) as session:
        await session.execute(
            text("UPDATE users SET password_hash = :hash WHERE id = :id"),
            {"hash": hashed, "id": person.user_id},
        )
