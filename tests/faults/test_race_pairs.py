"""What the traveller and the clock ask for, against each step of a booking under way.

Every state of an attempt has a course that rests in it for a while; a state without one fails here.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

import pytest
from consents import signed_edit
from fault_case import Played
from fault_stage import Stage
from house import TESTS, eventually
from sqlalchemy import text
from temporalio.service import RPCError, RPCStatusCode

from domain.attempts import PAST_NO_RETURN, AttemptState
from domain.campaigns import BookingMode
from domain.ids import AttemptId
from domain.messages.campaign import (
    AttemptFinished,
    CampaignAnswer,
    CampaignAnswerCode,
    CampaignEdit,
)
from tests.conftest import Counted
from tests.faults.matrix import Scenario

pytestmark = pytest.mark.timeout(600)
REST = 25.0  # seconds that each course rests in its state: all pairs are played side by side
SIDE_BY_SIDE = 12
_S, _Code = AttemptState, CampaignAnswerCode


class Request(StrEnum):
    EDIT = "edit"
    PAUSE = "pause"
    CANCEL = "cancel"
    APPROVE = "approve"
    EXPIRE = "expire"


def _rule(vendor: str, operation: str, effect: str, **more: object) -> dict[str, Any]:
    return {"vendor": vendor, "operation": operation, "effect": effect, **more}


_REFUSED = _rule("duffel", "create_order", "payment_declined")
RESTS_IN: Mapping[AttemptState, Scenario] = {
    _S.VALIDATING: Scenario("validating", (_rule("duffel", "get_offer", "delay", seconds=REST),)),
    _S.AUTHORISING: Scenario(
        "authorising", (_rule("stripe", "confirm_payment_intent", "delay", seconds=REST),)
    ),
    _S.AWAITING_AUTHENTICATION: Scenario("bank", card="pm_card_authenticationRequired"),
    _S.ORDERING: Scenario("ordering", (_rule("duffel", "create_order", "delay", seconds=REST),)),
    _S.ORDER_UNKNOWN: Scenario(
        "unknown",
        (_rule("duffel", "create_order", "order_202_then_created", value={"seconds": REST}),),
    ),
    _S.CAPTURING: Scenario(
        "capturing", (_rule("stripe", "capture_payment_intent", "delay", seconds=REST),)
    ),
    # Captured is where ticketing begins.
    _S.CAPTURED: Scenario(
        "ticketing",
        (_rule("duffel", "create_order", "delayed_ticketing", value={"seconds": REST}),),
    ),
    _S.COMPENSATING: Scenario(
        "compensating",
        (_REFUSED, _rule("stripe", "cancel_payment_intent", "delay", seconds=REST)),
    ),
    _S.FAILED: Scenario("failed", (_REFUSED,)),
}


@dataclass
class Pair:
    request: Request
    state: AttemptState
    played: Played | None = None
    answer: CampaignAnswer | None = None
    reached: bool = False

    def __str__(self) -> str:
        return f"{self.request} x {self.state}"

    @property
    def expected(self) -> CampaignAnswerCode | None:
        """Return the only true answer; the clock gets none."""
        if self.request is Request.EXPIRE:
            return None
        if self.state is _S.CAPTURED:
            return _Code.BOOKED
        if self.request is Request.APPROVE:
            return _Code.NO_SUCH_PROPOSAL if self.state is _S.FAILED else _Code.ALREADY
        if self.state is _S.FAILED:
            return _Code.DONE
        if self.request is Request.EDIT or self.state in PAST_NO_RETURN:
            return _Code.BEING_BOOKED
        return _Code.DONE

    @property
    def ends(self) -> frozenset[str]:
        """Return the states in which the campaign may come to rest after that answer."""
        past = self.state in PAST_NO_RETURN
        stops = {Request.PAUSE: "paused", Request.CANCEL: "cancelled", Request.EXPIRE: "expired"}
        if self.request in stops and not past:
            return frozenset({stops[self.request]})
        if past:
            return frozenset({"booked"})
        if self.state is _S.AWAITING_AUTHENTICATION:
            return frozenset({"needs_action"})  # nobody came back from the bank
        refused = self.state in {_S.COMPENSATING, _S.FAILED}
        return frozenset({"active"} if refused else {"booked"})


def test_every_state_has_a_course_that_rests_in_it() -> None:
    assert set(RESTS_IN) == set(AttemptState)


@pytest.fixture(scope="module")
async def working(stage: Stage) -> AsyncIterator[Stage]:
    await stage.worker(patience=4 * REST)
    yield stage
    stage.end_all()


async def test_every_pair_gets_a_true_answer(working: Stage, counted: Counted) -> None:
    pairs = [Pair(request, state) for state in RESTS_IN for request in Request]
    width = asyncio.Semaphore(SIDE_BY_SIDE)
    await asyncio.gather(*(_race(working, pair, width) for pair in pairs))
    played = [p.played for p in pairs if p.played]
    problems = await working.finish(played)
    states = await working.states()
    ledger = working.house.sandbox.ledger()
    for pair in pairs:
        assert pair.played
        end = states[pair.played.new.campaign_id]
        problems += [f"{pair}: {each}" for each in _wrong(pair, end, ledger)]
    problems += await working.close(played) + await working.judge(played)
    missed = [f"{pair}: not reached" for pair in pairs if not pair.reached]
    counted(
        f"races: {len(pairs)} pairs, {len(pairs) - len(missed)} reached, {len(problems)} violations"
    )
    assert not problems + missed, "\n".join(problems + missed)


async def _race(stage: Stage, pair: Pair, width: asyncio.Semaphore) -> None:
    """Let the course come to its state, ask, and see that it was still there."""
    async with width:
        await _run_into_each_other(stage, pair)


async def _run_into_each_other(stage: Stage, pair: Pair) -> None:
    asks = pair.request is Request.APPROVE
    mode = BookingMode.ASK_ME_FIRST if asks else BookingMode.AUTO
    played = pair.played = await stage.play(RESTS_IN[pair.state], mode=mode)
    proposal = await _approved(stage, played) if asks else None
    house, attempt_id = stage.house, played.attempt_id

    async def there() -> bool:
        await asyncio.sleep(0.2)  # many ask at once, and the machine has other work
        query = "SELECT state FROM booking_attempts WHERE id = :id"
        return [r["state"] for r in await house.rows(query, id=attempt_id)] == [pair.state]

    await eventually(there, seconds=120)
    pair.answer = await _ask(stage, pair, played, proposal)
    pair.reached = await there() or _withdrew(pair)


def _withdrew(pair: Pair) -> bool:
    """Say whether the request itself may have moved the attempt on."""
    return pair.request in {Request.PAUSE, Request.CANCEL, Request.EXPIRE} and (
        pair.state not in PAST_NO_RETURN
    )


async def _approved(stage: Stage, played: Played) -> object:
    """Wait for the proposal and say yes once; the race is the second yes."""
    await stage.house.until(played.new.campaign_id, "awaiting_approval", seconds=120)
    query = "SELECT id FROM proposals WHERE campaign_id = :id"
    proposal = (await stage.house.rows(query, id=played.new.campaign_id))[0]["id"]
    answer = await stage.house.update(played.new.campaign_id, "approve", proposal)
    assert answer.code in {_Code.DONE, _Code.ALREADY}  # asked twice where an answer was lost
    return proposal


async def _ask(stage: Stage, pair: Pair, played: Played, proposal: object) -> CampaignAnswer | None:
    house, new = stage.house, played.new
    match pair.request:
        case Request.EXPIRE:
            await _end_now(stage, played)
            return None
        case Request.APPROVE:
            return await house.update(new.campaign_id, "approve", proposal)
        case Request.EDIT:
            edit = CampaignEdit(
                expected_version=1,
                name="another wish",
                criteria=new.criteria,
                mode=new.mode,
                traveler_ids=new.traveler_ids,
                party=new.party,
                consent=new.consent,
                ends_at=new.ends_at,
            )
            return await house.update(new.campaign_id, "edit", signed_edit(new, edit))
        case Request.PAUSE | Request.CANCEL:
            return await house.update(new.campaign_id, pair.request.value)


async def _end_now(stage: Stage, played: Played) -> None:
    """Let the campaign's end be now. Its own clock cannot be moved while an attempt runs."""
    house, campaign_id = stage.house, played.new.campaign_id
    async with house.database.transaction(TESTS) as session:
        await session.execute(
            text("UPDATE autobooking_campaigns SET ends_at = :now WHERE id = :id"),
            {"now": datetime.now(UTC), "id": campaign_id},
        )
    # A report of no attempt in particular: the campaign looks at its row again.
    wake = AttemptFinished(attempt_id=AttemptId(uuid4()), booked=False)
    try:
        await house.campaign(campaign_id).signal("attempt_finished", wake)
    except RPCError as error:  # it has looked by itself meanwhile, and ended
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def _wrong(pair: Pair, end: str, ledger: dict[str, Any]) -> list[str]:
    """Hold the answer and the end against each other and against the sandboxes' books."""
    assert pair.played
    campaign = str(pair.played.new.campaign_id)

    def of_campaign(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [o for o in objects if (o.get("metadata") or {}).get("campaign_id") == campaign]

    living = [o for o in of_campaign(ledger["duffel"]["orders"]) if o["status"] == "live"]
    intents = of_campaign(ledger["stripe"]["payment_intents"])
    taken = sum(i["amount_received"] for i in intents)
    held = sum(i["amount_capturable"] for i in intents)
    wrong = []
    code = pair.answer.code if pair.answer else None
    # A step that a busy machine ran twice says that it is so already.
    good = {pair.expected} | ({_Code.ALREADY} if pair.expected is _Code.DONE else set())
    if code not in good:
        wrong.append(f"answered {code}, not {pair.expected}")
    if end not in pair.ends:
        wrong.append(f"ended {end}, not {' or '.join(sorted(pair.ends))}")
    if (end == "booked") != bool(living) or bool(living) != bool(taken) or held:
        wrong.append(f"{end} with {len(living)} orders, {taken} taken, {held} held")
    if code is _Code.BOOKED and pair.answer:
        references = [o["booking_reference"] for o in living]
        if pair.answer.booking_reference not in references:
            wrong.append(f"told {pair.answer.booking_reference}, the airline has {references}")
    return wrong
