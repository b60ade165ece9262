"""The only way to the database: one transaction at a time, on behalf of somebody."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from domain.ids import UserId

APP_ROLE = "parker_app"
WORKER_ROLE = "parker_worker"


@dataclass(frozen=True)
class SystemActor:
    """A part of the product that acts for no one person. Under the API's role it sees no person."""

    name: str


class Database:
    """A pool of connections that all act under one role.

    `role` is parker_app (sees the rows of the transaction's person), parker_worker (sees all), or
    None for the login itself.
    """

    def __init__(self, url: str, *, role: str | None, pool_size: int = 10) -> None:
        self._url, self._role = url, role
        self._engine = create_async_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            connect_args={"options": self._options()},
            pool_size=pool_size,
            max_overflow=0,
            # A server that was restarted is found out here instead of in the middle of a step.
            pool_pre_ping=True,
        )
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self, actor: UserId | SystemActor) -> AsyncIterator[AsyncSession]:
        """Open a transaction for the actor; commit at its end, roll back on any error."""
        person = "" if isinstance(actor, SystemActor) else str(actor)
        async with self._sessions.begin() as session:
            await session.execute(
                text("SELECT set_config('app.user_id', :person, true)"), {"person": person}
            )
            yield session

    async def ping(self) -> None:
        """Raise what the driver raises unless the server answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        """Hear a channel's payloads on a connection of its own.

        Listening has begun when the block is entered, so reading the tables after that misses
        nothing. When the connection is lost, the iterator raises `psycopg.OperationalError`.
        """
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, options=self._options()
        )
        payloads = _payloads(connection)
        try:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield payloads
        finally:
            # Not `async with connection`: its end would wait for the lock that listening holds.
            await payloads.aclose()
            await connection.close()

    def _options(self) -> str:
        return "-c timezone=UTC" + (f" -c role={self._role}" if self._role else "")


async def _payloads(connection: psycopg.AsyncConnection) -> AsyncGenerator[str, None]:
    async with aclosing(connection.notifies()) as notifications:
        async for notification in notifications:
            yield notification.payload
