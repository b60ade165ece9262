"""Passwords of the roles' logins, as the settings have them."""

import psycopg
from psycopg import sql
from sqlalchemy import make_url


def give_passwords(owner_url: str, logins: dict[str, str]) -> list[str]:
    """Give each role the password that its address carries; return those that got one.

    An address with another login than the role's own is left alone: that login is somebody else's
    to make.
    """
    given = []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for role, address in logins.items():
            login = make_url(address)
            if login.username != role or not login.password:
                continue
            # Only the digest travels, so that no log of the server can hold the password.
            digest = connection.pgconn.encrypt_password(login.password.encode(), role.encode())
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(digest.decode())
                )
            )
            given.append(role)
    return given
