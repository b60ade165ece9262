"""What was consented to for a wish: the words, the signatures, and what was taken under them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.rest.mandates import KEYS_PATH
from api.rest.schemas.mandates import MandateBody
from api.web.pages import render
from api.web.views.wish_card import wish_path
from api.web.visits import SignedInDep
from api.web.wishes import load_wish
from db.models.mandate import MandateRow
from db.queries.mandates import Taken, mandates_of, uses_of
from domain.mandate_document import BadMandate, MandateKind, read_document
from domain.mandates import CONSENT_TEXTS, consent_text
from domain.money import Money
from domain.wish_words import route_words

router = APIRouter(tags=["pages"], include_in_schema=False)
_STANDINGS = {
    "standing": ("Holds", "good", "✓"),
    "withdrawn": ("Withdrawn", "quiet", "✕"),
    "ended": ("Has ended", "quiet", "–"),
    "not_yet": ("Begins later", "wait", "!"),
    "unsigned": ("Allows nothing: it was never signed", "wait", "!"),
    "not_genuine": ("Allows nothing: it was changed after it was signed", "bad", "✕"),
}


@dataclass(frozen=True)
class MandateView:
    """One consent in words, with what it takes to check it without us."""

    words: str
    standing: tuple[str, str, str]
    once: bool
    cap: Money
    given_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    document: str | None
    key_id: str | None
    signature: str | None
    by_passkey: bool
    uses: tuple[Taken, ...]


@router.get("/auto-booking/wishes/{campaign_id}/mandate")
async def show_mandate(campaign_id: UUID, visit: SignedInDep) -> HTMLResponse:
    """Show the consent that holds for a wish, and those that held before."""
    read = await load_wish(visit, campaign_id)
    async with visit.transaction() as session:
        rows = await mandates_of(session, campaign_id)
        uses = await uses_of(session, campaign_id)
    views = [_view(visit, row, uses) for row in rows]
    return render(
        visit,
        "wishes/mandate.html",
        title=route_words(read.brief.wish),
        path=wish_path(campaign_id),
        mandates=views,
        holds=next((one for one in views if one.standing[0] == "Holds"), None),
        keys_path=KEYS_PATH,
    )


def _view(visit: SignedInDep, row: MandateRow, uses: list[Taken]) -> MandateView:
    body = MandateBody.of(row, uses, visit.services.settings.mandate_signing, visit.now)
    return MandateView(
        words=_words(row),
        standing=_STANDINGS[body.standing],
        once=row.kind is MandateKind.ALLOW_ONCE,
        cap=Money(minor=row.cap_minor, currency=row.currency),
        given_at=row.consented_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        document=row.document,
        key_id=row.key_id,
        signature=row.signature,
        by_passkey=row.passkey is not None,
        uses=tuple(one for one in uses if one.use.mandate_id == row.id),
    )


def _words(row: MandateRow) -> str:
    """Return the words that were agreed to: those that were signed, where something was."""
    if row.document is not None:
        try:
            return read_document(row.document).consent.words
        except BadMandate:
            return "The text of this consent cannot be read any more."
    if row.text_version in CONSENT_TEXTS:
        cap = Money(minor=row.cap_minor, currency=row.currency)
        return consent_text(row.text_version, cap, row.expires_at)
    return "This consent is from before its words were kept."
