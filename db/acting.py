"""Who acts at this moment, for the audit log: set where it becomes known, read where it is written.

Each request, activity and command runs in a context of its own, so nobody sees another's. A
transaction on behalf of a person in which nothing was set acts as that person.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from db.session import person_of
from domain.audit import Actor, ActorKind, Channel

_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


def act_from_here(actor: Actor) -> None:
    """Let this actor have done whatever this request, activity or command does from here on."""
    _acting.set(actor)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Let this actor have done what is done within the block."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def said_of_actor() -> bytes | None:
    """Write down who acts, for a process that is asked for something; no network goes along."""
    known = _acting.get()
    if known is None or not known.id:
        return None
    said = {"kind": known.kind, "id": known.id, "channel": known.channel, "role": known.role}
    return json.dumps(said).encode()


def actor_in(said: bytes) -> Actor:
    """Read who asked; what a sender of ours wrote is never anything else."""
    found = json.loads(said)
    return Actor(
        ActorKind(found["kind"]), str(found["id"]), Channel(found["channel"]), str(found["role"])
    )


def who_acts(session: AsyncSession) -> Actor:
    known, person = _acting.get(), person_of(session)
    if known is not None:
        return known if known.id else replace(known, id=person or "a visitor")
    if person:
        return Actor(ActorKind.PERSON, person, Channel.API)
    return Actor(ActorKind.PRODUCT, "parker", Channel.WORKER)
