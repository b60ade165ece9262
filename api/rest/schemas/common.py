"""Shapes that several resources share."""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from fastapi import Header, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.errors import Problem
from domain.errors import MoneyFormat
from domain.money import Money

T = TypeVar("T")


class Request(BaseModel):
    """Base of every body that we take in: surplus fields are refused, not overlooked."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Response(BaseModel):
    """Base of every body that we give."""

    model_config = ConfigDict(extra="forbid")


class MoneyBody(BaseModel):
    """An amount with as many decimals as its currency has."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[str, StringConstraints(pattern=r"^-?\d{1,12}(\.\d{1,3})?$")] = Field(
        examples=["520.00"]
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(examples=["USD"])

    def money(self) -> Money:
        try:
            return Money.parse(self.amount, self.currency)
        except MoneyFormat as error:
            raise ValueError(str(error)) from error

    @classmethod
    def of(cls, money: Money) -> Self:
        return cls(amount=money.amount(), currency=money.currency)

    @classmethod
    def maybe(cls, money: Money | None) -> Self | None:
        return None if money is None else cls.of(money)

    @classmethod
    def minor(cls, minor: int | None, currency: str | None) -> Self | None:
        if minor is None or currency is None:
            return None
        return cls.of(Money(minor=minor, currency=currency))


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is absent on the last one."""

    items: list[T]
    next_cursor: str | None = Field(default=None, description="Give it as `cursor` for more.")


Cursor = Annotated[
    str | None, Query(description="`next_cursor` of the page before.", max_length=400)
]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Your name for this request; repeating it does nothing twice.",
        examples=["5c1d6f0e-lisbon-in-may"],
    ),
]
OptionalKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Your name for this request; repeating it does nothing twice.",
    ),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of what you saw.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="The ETag you have.")]

_MEANINGS = {
    400: "The body is not JSON.",
    401: "No API key, or not a good one.",
    403: "The key's scope or limits, or the account as it is, do not reach so far.",
    404: "There is no such object, or it is somebody else's.",
    409: "The state does not allow it; the detail says why.",
    412: "It was changed since you saw it.",
    413: "The body is too large.",
    422: "Fields that cannot hold, each with its reason and remedy.",
    428: "Say which version you saw.",
    502: "A provider gave no usable answer.",
    503: "Not available or not confirmed; see Retry-After.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the refusals of a route for the OpenAPI document."""
    return {
        status: {
            "model": Problem,
            "description": _MEANINGS[status],
            "content": {"application/problem+json": {}},
        }
        for status in sorted({401, 403, 422, *statuses})
    }


def body_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the refusals of a route that takes a body."""
    return problems(400, 413, *statuses)


def headers(**described: str) -> Mapping[str, Any]:
    return {
        name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
        for name, text in described.items()
    }


class Link(Response):
    id: UUID
    href: str
