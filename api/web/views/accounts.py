"""What the pages of an account show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.models.user import Role, UserRow
from db.models.web_session import WebSessionRow
from domain.accounts import ConsentStanding, consent_standing


@dataclass(frozen=True)
class AccountView:
    """An account at a glance."""

    address: str
    confirmed: bool
    has_password: bool
    since: datetime
    role: Role
    browsers: int
    second_factors: int
    consent: ConsentStanding


@dataclass(frozen=True)
class SessionView:
    """One browser that is signed in."""

    session_id: UUID
    device: str
    since: datetime
    seen: datetime
    ends: datetime
    is_here: bool


def account_view(
    user: UserRow, *, address: str, browsers: int, second_factors: int, now: datetime
) -> AccountView:
    return AccountView(
        address=address,
        confirmed=user.email_confirmed_at is not None,
        has_password=user.password_hash is not None,
        since=user.created_at,
        role=user.role,
        browsers=browsers,
        second_factors=second_factors,
        consent=consent_standing(
            email_confirmed_at=user.email_confirmed_at,
            blocked_until=user.consent_blocked_until,
            now=now,
        ),
    )


def session_views(
    rows: Sequence[WebSessionRow], *, here: UUID, idle: timedelta, now: datetime
) -> list[SessionView]:
    """Return the sessions that still stand, this browser's first, then the one seen last."""
    live = [row for row in rows if now < ends_at(row, idle)]
    live.sort(key=lambda row: (row.id != here, now - row.last_seen_at))
    return [
        SessionView(
            session_id=row.id,
            device=row.device,
            since=row.created_at,
            seen=row.last_seen_at,
            ends=ends_at(row, idle),
            is_here=row.id == here,
        )
        for row in live
    ]


def ends_at(row: WebSessionRow, idle: timedelta) -> datetime:
    """Return when a session ends if nobody comes any more."""
    return min(row.expires_at, row.last_seen_at + idle)
