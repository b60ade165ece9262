"""The only way to the database: one transaction at a time, on behalf of somebody."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction
from sqlmodel import SQLModel

from db.journal import noted_in, notice
from db.own_words import Book, leave_book, own
from domain.ids import UserId
from runtime import database_roles
from runtime.journal import Journal

OWNER_ROLE = database_roles.OWNER
APP_ROLE = database_roles.APP
WORKER_ROLE = database_roles.WORKER
OPERATOR_ROLE = database_roles.OPERATOR
BACKUP_ROLE = database_roles.BACKUP

# Reading and planning a statement takes Postgres as long as doing it: a connection has that done
# once for each. The driver counts no more of them than it keeps, and a booking has above a hundred.
_PREPARE_AFTER = 2
_PREPARED_AT_MOST = 400

_PERSON = "person"
_READ = "read"
_LAST = "rows written last"


@dataclass(frozen=True)
class SystemActor:
    """A part of the product that acts for no one person. Under the API's role it sees no person."""

    name: str


@dataclass(frozen=True)
class OperatorActor:
    """An operator who looks at one person under a reason that is on record (`db/reads.py`)."""

    person: UserId
    read_id: UUID


Actor = UserId | SystemActor | OperatorActor


class Database:
    """A pool of connections that all act under one role.

    `words` seals and opens people's own words for things, see `db/own_words.py`.
    `journal` is where it is written down what no backup may bring back, see `db/journal.py`.
    `role` is parker_app (sees the rows of the transaction's person), parker_worker (sees all),
    parker_operator (sees a person under a reason), or None for the login itself.
    """

    def __init__(
        self,
        url: str,
        *,
        role: str | None,
        pool_size: int = 10,
        words: Book | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._url, self._role, self._journal = url, role, journal
        self._engine = create_async_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            # The driver opens no transaction by itself: `_ActingSession` does, in one round trip.
            connect_args={
                "options": self._options(),
                "autocommit": True,
                "prepare_threshold": _PREPARE_AFTER,
            },
            pool_size=pool_size,
            max_overflow=0,
            # The connection used last knows most statements by now, here and at the server.
            pool_use_lifo=True,
        )
        event.listen(self._engine.sync_engine, "connect", _remember_statements)
        leave_book(self._engine.dialect, words)
        self._sessions = async_sessionmaker(
            self._engine, sync_session_class=_ActingSession, expire_on_commit=False
        )

    @asynccontextmanager
    async def transaction(self, actor: Actor) -> AsyncIterator[AsyncSession]:
        """Open a transaction for the actor; commit at its end, roll back on any error."""
        async with self._sessions(info=_acting(actor)) as session:
            await _connect(session)
            yield session
            session.add_all(session.info.pop(_LAST, ()))
            await self._write_down(session)
            await session.commit()

    async def _write_down(self, session: AsyncSession) -> None:
        """Let the journal know first: a commit that fails after it has taken nothing away."""
        if self._journal is None:
            return
        await session.flush()
        if entries := noted_in(session):
            lines = [entry.model_dump(mode="json") for entry in entries]
            await asyncio.to_thread(self._journal.append, lines)

    async def ping(self) -> None:
        """Raise what the driver raises unless the server answers."""
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        """Hear one channel's payloads; see `listen_to`."""
        async with self.listen_to([channel]) as told:
            yield (payload async for _, payload in told)

    @asynccontextmanager
    async def listen_to(
        self, channels: Sequence[str]
    ) -> AsyncIterator[AsyncIterator[tuple[str, str]]]:
        """Hear channels and their payloads on a connection of its own.

        Listening has begun when the block is entered, so reading the tables after that misses
        nothing. When the connection is lost, the iterator raises `psycopg.OperationalError`.
        """
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, options=self._options()
        )
        payloads = _payloads(connection)
        try:
            for channel in channels:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield payloads
        finally:
            # Not `async with connection`: its end would wait for the lock that listening holds.
            await payloads.aclose()
            await connection.close()

    def _options(self) -> str:
        return "-c timezone=UTC" + (f" -c role={self._role}" if self._role else "")


async def act_as(session: AsyncSession, person: UserId) -> None:
    """Go on in this transaction as the person whose id a look-up has just returned."""
    session.info[_PERSON] = str(UUID(str(person)))
    await session.execute(
        text("SELECT set_config('app.user_id', :person, true)"), {"person": session.info[_PERSON]}
    )


class ActsForAnother(Exception):
    """A transaction on behalf of one person was about to open what is another's."""


def acts_for(session: AsyncSession, owner: UserId) -> None:
    """Refuse unless this transaction acts for the owner, or for no one person.

    Raises:
        ActsForAnother: it acts for somebody else.
    """
    person = session.info.get(_PERSON, "")
    if person and person != str(owner):
        raise ActsForAnother


def write_last(session: AsyncSession, row: SQLModel) -> None:
    """Have a row written with others of its kind, in one statement, when the transaction ends."""
    session.info.setdefault(_LAST, []).append(row)


def person_of(session: AsyncSession) -> str:
    """Return on whose behalf this transaction is; empty: no one person's."""
    return str(session.info.get(_PERSON, ""))


def _acting(actor: Actor) -> dict[str, str]:
    match actor:
        case SystemActor():
            return {_PERSON: "", _READ: ""}
        case OperatorActor():
            return {_PERSON: str(UUID(str(actor.person))), _READ: str(UUID(str(actor.read_id)))}
        case _:
            return {_PERSON: str(UUID(str(actor))), _READ: ""}


class _ActingSession(Session):
    """Begins each transaction on behalf of `info[_PERSON]`; one not set sees no person's rows."""


@event.listens_for(_ActingSession, "before_flush")
def _own_words(session: Session, context: object, instances: object) -> None:
    del context, instances
    for row in (*session.new, *session.dirty):
        own(row)
    for row in session.dirty:
        notice(session, row)


@event.listens_for(_ActingSession, "after_begin")
def _act(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    del transaction
    # Several statements in one round trip take no parameters; both are UUIDs or nothing.
    person, read = session.info[_PERSON], session.info[_READ]
    connection.exec_driver_sql(
        f"BEGIN; SELECT set_config('app.user_id', '{person}', true),"
        f" set_config('app.read_id', '{read}', true)"
    )


def _remember_statements(connection: DBAPIConnection, record: object) -> None:
    del record
    connection.driver_connection.prepared_max = _PREPARED_AT_MOST


async def _connect(session: AsyncSession) -> None:
    """Begin, on a fresh connection if the server was restarted since this one was used.

    Nothing has been done yet, so that beginning again repeats nothing.
    """
    try:
        await session.connection()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        await session.rollback()
        await session.connection()


async def _payloads(connection: psycopg.AsyncConnection) -> AsyncGenerator[tuple[str, str], None]:
    async with aclosing(connection.notifies()) as notifications:
        async for notification in notifications:
            yield notification.channel, notification.payload
