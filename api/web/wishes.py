"""The page of one wish: what is so, why not yet, what happened; up to date while it is open."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from api.errors import not_found
from api.web.banners import banners_of
from api.web.live_stream import LivePage, Part, follow
from api.web.pages import redirect, render, render_part
from api.web.views.wish_answer import proposal_view
from api.web.views.wish_page import WishPage, story_of, wish_page
from api.web.visits import SignedInDep, Visit
from api.wish_reading import WishRead, read_wish
from domain.attempts import AttemptState
from domain.campaigns import CampaignState
from domain.orders import BookingState
from runtime.tokens import PAY_PURPOSE, sign_token

router = APIRouter(prefix="/auto-booking/wishes/{campaign_id}", tags=["pages"])
PARTS = ("now", "steps", "chart", "why", "story")
_WHOLE_STORY = 200
_BOOKING_OVER = frozenset({BookingState.TICKETED, BookingState.CANCELLED, BookingState.FLOWN})


@router.get("", include_in_schema=False)
async def show_wish(campaign_id: UUID, visit: SignedInDep, story: str = "") -> HTMLResponse:
    """Show one wish; `story=all` shows all that happened."""
    read = await load_wish(visit, campaign_id)
    view = wish_page(read, visit.now, visit.me.time_zone)
    return render(
        visit,
        "wishes/detail.html",
        view=view,
        story=story_of(read, _WHOLE_STORY) if story == "all" else view.story,
        now=visit.now,
        banners=banners_of(stopped=read.stopped, away=read.away),
        over=is_over(read),
    )


@router.get("/events", include_in_schema=False)
async def follow_wish(campaign_id: UUID, visit: SignedInDep) -> Response:
    """Send the page's parts as they change: a stream, or one answer to a poll."""
    await load_wish(visit, campaign_id)

    async def read() -> LivePage | None:
        found = await read_wish(visit.services, visit.user_id, campaign_id)
        return None if found is None else _live(visit, found)

    return await follow(visit, campaign_id, read)


@router.get("/approve", include_in_schema=False)
async def show_approval(campaign_id: UUID, visit: SignedInDep) -> Response:
    """Show the flights that wait for a yes, what it would cost, and how long there is."""
    read = await load_wish(visit, campaign_id)
    proposal = read.brief.proposal
    if proposal is None:
        return redirect(
            f"/auto-booking/wishes/{campaign_id}",
            say="These flights are not on offer any more. If fares fit again, we ask you again.",
        )
    return render(
        visit,
        "wishes/approve.html",
        view=wish_page(read, visit.now, visit.me.time_zone),
        proposal=proposal_view(read, proposal),
        now=visit.now,
    )


@router.get("/bank", include_in_schema=False)
async def go_to_bank(campaign_id: UUID, visit: SignedInDep) -> Response:
    """Lead to the page from which the payment is confirmed, if one waits for that."""
    read = await load_wish(visit, campaign_id)
    attempt, payment = read.standing.attempt, read.to_confirm
    waits = attempt is not None and attempt.state is AttemptState.AWAITING_AUTHENTICATION
    if attempt is None or payment is None or not waits:
        return redirect(
            f"/auto-booking/wishes/{campaign_id}",
            say="Your bank needs nothing from you at the moment.",
        )
    settings = visit.services.settings
    secret = settings.hmac_secret.get_secret_value()
    lapses_at = payment.created_at + settings.policy.authentication_time
    token = sign_token(secret, PAY_PURPOSE, attempt.id, lapses_at, owner=visit.user_id)
    return redirect(f"/pay/{token}")


async def load_wish(visit: Visit, campaign_id: UUID) -> WishRead:
    """Return the visitor's wish; what is somebody else's is not there."""
    found = await read_wish(visit.services, visit.user_id, campaign_id)
    if found is None:
        raise not_found("wish")
    return found


def is_over(read: WishRead) -> bool:
    """Say whether nothing more will happen that the page would have to show."""
    if read.row.status in {CampaignState.CANCELLED, CampaignState.EXPIRED}:
        attempt = read.standing.attempt
        settled = attempt is None or attempt.finished_at is not None
        return settled and read.row.undo_until is None
    booking = read.standing.booking
    booked = read.row.status is CampaignState.BOOKED
    return booked and booking is not None and booking.state in _BOOKING_OVER


def _live(visit: Visit, read: WishRead) -> LivePage:
    view = wish_page(read, visit.services.clock(), visit.me.time_zone)
    return LivePage(
        version=view.version,
        code=view.code,
        say=view.sentence,
        parts={f"live-{name}": _part(visit, view, name) for name in PARTS},
        at=visit.services.clock(),
        over=is_over(read),
    )


def _part(visit: Visit, view: WishPage, name: str) -> Part:
    def draw() -> str:
        return render_part(
            visit,
            f"wishes/_{name}.html",
            view=view,
            story=view.story,
            now=visit.services.clock(),
        )

    return Part(view.version, draw)
