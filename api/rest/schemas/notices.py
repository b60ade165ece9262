"""What people are told, and where, as JSON."""

from datetime import datetime, time
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.inbox import InboxItem
from api.rest.schemas.common import Request, Response
from domain.telling import (
    ALWAYS,
    CHOSEN,
    LEAST_CHANGE_PERCENT,
    Channel,
    Choice,
    Kind,
    Preferences,
    QuietHours,
)


class ActionResponse(Response):
    words: str
    path: str = Field(description="Where it is done, on this site.")


class NoticeResponse(Response):
    """One thing that you were told."""

    id: UUID
    event: str = Field(examples=["booked"])
    kind: Kind
    created_at: datetime
    read_at: datetime | None
    campaign_id: UUID | None
    booking_id: UUID | None
    subject: str
    sentence: str
    paragraphs: list[str]
    flights: list[str]
    action: ActionResponse | None
    because: str
    sandbox: bool

    @classmethod
    def of(cls, item: InboxItem) -> Self:
        letter = item.letter
        action = letter.action
        return cls(
            id=item.id,
            event=item.event,
            kind=item.kind,
            created_at=item.at,
            read_at=item.read_at,
            campaign_id=item.campaign_id,
            booking_id=item.booking_id,
            subject=letter.subject,
            sentence=letter.sentence,
            paragraphs=list(letter.paragraphs),
            flights=list(letter.flights),
            action=ActionResponse(words=action.words, path=action.path) if action else None,
            because=letter.because,
            sandbox=letter.sandbox is not None,
        )


class ReadNoticesRequest(Request):
    """Which were seen: these, or without any all that were written by `until`."""

    notice_ids: Annotated[list[UUID], Field(max_length=100)] | None = None
    until: datetime | None = None


class ReadNoticesResponse(Response):
    read: int = Field(description="How many were unread until now.")
    unread: int = Field(description="How many still are, counted up to 100.")


class CellBody(Request):
    """One kind of news on one channel."""

    kind: Kind
    channel: Channel
    choice: Choice


class QuietHoursBody(Request):
    """Every night between two hours of the account's time zone."""

    begins: time = Field(examples=["22:00"])
    ends: time = Field(examples=["07:00"])

    @model_validator(mode="after")
    def _plain(self) -> Self:
        if self.begins.tzinfo or self.ends.tzinfo:
            raise ValueError("hours go by the account's own time zone; leave out any other")
        if self.begins == self.ends:
            raise ValueError("quiet hours that begin when they end would be none")
        return self


class PreferencesRequest(Request):
    """What is absent is told at once. What is always told cannot be chosen."""

    choices: Annotated[list[CellBody], Field(max_length=50, default_factory=list)]
    quiet_hours: QuietHoursBody | None = None
    least_change_percent: Annotated[int, Field(ge=1, le=50)] = LEAST_CHANGE_PERCENT

    @model_validator(mode="after")
    def _choosable(self) -> Self:
        for cell in self.choices:
            if (cell.kind, cell.channel) not in choosable():
                raise ValueError(f"{cell.kind} on {cell.channel} cannot be chosen")
            if cell.choice is Choice.DAILY and cell.channel is not Channel.EMAIL:
                raise ValueError("only mail can be sent once a day")
        return self

    def cells(self) -> dict[tuple[Kind, Channel], Choice]:
        return {(cell.kind, cell.channel): cell.choice for cell in self.choices}

    def quiet(self) -> QuietHours | None:
        hours = self.quiet_hours
        return QuietHours(begins=hours.begins, ends=hours.ends) if hours else None


class PreferencesResponse(Response):
    choices: list[CellBody]
    always: list[Kind] = Field(description="Told at once, by mail and here, whatever is chosen.")
    quiet_hours: QuietHoursBody | None
    time_zone: str
    least_change_percent: int = Field(
        description="A fare is news again once it fell by so many percent of what was told."
    )

    @classmethod
    def of(cls, chosen: Preferences) -> Self:
        return cls(
            choices=[
                CellBody(kind=kind, channel=channel, choice=chosen.choice(kind, channel))
                for kind, channel in choosable()
            ],
            always=[kind for kind in Kind if kind in ALWAYS],
            quiet_hours=QuietHoursBody(begins=chosen.quiet.begins, ends=chosen.quiet.ends)
            if chosen.quiet
            else None,
            time_zone=chosen.time_zone,
            least_change_percent=chosen.least_change_percent,
        )


def choosable() -> list[tuple[Kind, Channel]]:
    """Return the cells of the matrix that are a person's to choose."""
    return [(kind, channel) for kind in CHOSEN for channel in (Channel.EMAIL, Channel.WEBHOOK)]
