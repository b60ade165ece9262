"""A traveller's wish, for up to twelve months. It sleeps; looks and people wake it."""

from collections import deque
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.allowances import AllowanceActivities
    from activities.campaigns import CampaignActivities
    from activities.consents import ConsentActivities
    from activities.notices import SEND_NOTICES, NoticeActivities
    from activities.options import ROWS
    from activities.second_thoughts import SecondThoughtActivities
    from domain.campaigns import ENDED, CampaignState
    from domain.ids import CampaignId, ProposalId, derive
    from domain.messages.attempt import AttemptInput, attempt_workflow_id
    from domain.messages.campaign import (
        AllowOnce,
        AllowOnceInput,
        Asked,
        AttemptFinished,
        CampaignAnswer,
        CampaignAnswerCode,
        CampaignEdit,
        CampaignFacts,
        CampaignInput,
        CampaignProgress,
        Consent,
        ConsentInput,
        EditInput,
        OfferFound,
        Opened,
        Opening,
        OpenInput,
        ProposalInput,
    )
    from domain.messages.search import search_workflow_id
    from workflows.attempt import AttemptWorkflow
    from workflows.moving_on import move_on, time_to_move_on
    from workflows.telling import Telling

STATE = SearchAttributeKey.for_keyword("CampaignState")
MATCHES_FIRST = "matches-first"  # campaigns that slept before asked the row first
KEEPS_MATCHES = "keeps-matches"  # an edit forgot what its own row had found meanwhile
FOLLOWED_AGAIN = "followed-again"  # nothing followed on a request that was done before
OPENED_IN_VAIN = "opened-in-vain"  # what an edit had withdrawn let go of what was found since
INBOX_LIMIT = 100  # matches beyond this are dropped: the next look finds them again


@workflow.defn
class CampaignWorkflow:
    @workflow.init
    def __init__(self, campaign: CampaignInput) -> None:
        self._id = campaign.campaign_id
        self._new = campaign.new
        self._opened = campaign.progress.opened
        self._warned = campaign.progress.warned
        self._inbox: deque[OfferFound] = deque(campaign.progress.inbox)
        self._created: CampaignAnswer | None = None
        self._changed = False
        self._running_attempt = campaign.progress.attempt_id
        self._telling = Telling(self._send_notices)
        self._state: CampaignState | None = None

    @workflow.run
    async def run(self, campaign: CampaignInput) -> CampaignState:
        del campaign
        if not await self._create():
            await workflow.wait_condition(workflow.all_handlers_finished)
            return CampaignState.CANCELLED
        facts = await self._facts()
        await self._nudge_search(facts)
        while not _over(facts):
            await self._book_what_is_open(facts)
            await self._sleep(facts)
            await self._move_on_if_long()
            facts = await self._turn()
        await self._finish()
        return facts.state

    # The chapters

    async def _create(self) -> bool:
        """Commit the row. A key that was used for another wish ends this run at once."""
        if self._new is None:
            answer = await workflow.execute_local_activity_method(
                CampaignActivities.campaign_answer, self._id, **ROWS
            )
        else:
            answer = await workflow.execute_local_activity_method(
                CampaignActivities.create_campaign, self._new, **ROWS
            )
        self._created = answer
        return answer.code is not CampaignAnswerCode.KEY_CLASH

    async def _turn(self) -> CampaignFacts:
        """Do what is due: expiry first, then the matches that came in.

        A match that comes alone is acted on at once: its activity asks the row itself.
        """
        self._changed = False
        if self._work_waits() and workflow.patched(MATCHES_FIRST):
            facts = await self._answer_matches()
        else:
            facts = await self._facts()
        now = workflow.now()
        if facts.undo_until and now >= facts.undo_until:
            await workflow.execute_local_activity_method(
                SecondThoughtActivities.close_cancelled, self._id, **ROWS
            )
            facts = await self._facts()
        if facts.state in ENDED:
            return facts
        if now >= facts.ends_at and not facts.past_no_return:
            return await self._expire()
        if facts.warn_at and now >= facts.warn_at and not self._warned:
            await self._warn()
        if facts.proposal_expires_at and now >= facts.proposal_expires_at:
            await workflow.execute_local_activity_method(
                CampaignActivities.lapse_proposal, self._id, **ROWS
            )
            facts = await self._facts()
            await self._nudge_search(facts)
        if self._inbox and facts.state is CampaignState.ACTIVE:
            facts = await self._answer_matches()
        return facts

    async def _answer_matches(self) -> CampaignFacts:
        """Act on the first match that still holds; the others come again with the next look."""
        facts: CampaignFacts | None = None
        while self._inbox:
            opened = await self._open(self._inbox.popleft())
            facts = opened.facts
            if opened.what is not Opening.NOTHING and not self._still_watches(facts):
                self._inbox.clear()
        return self._know(facts) if facts else await self._facts()

    def _still_watches(self, facts: CampaignFacts | None) -> bool:
        """Say whether the row watches although something came of a match.

        It may only have been told; or an edit has withdrawn what was opened, and what was found for
        the wish of since then waits behind that match.
        """
        watches = facts is not None and facts.state is CampaignState.ACTIVE
        return watches and bool(self._inbox) and workflow.patched(OPENED_IN_VAIN)

    async def _open(self, match: OfferFound, proposal_id: ProposalId | None = None) -> Opened:
        self._opened += 1
        opened = await workflow.execute_local_activity_method(
            CampaignActivities.act_on_match,
            OpenInput(
                campaign_id=self._id,
                opening_key=f"{self._id}:{workflow.info().first_execution_run_id}:{self._opened}",
                offer=match,
                proposal_id=proposal_id,
            ),
            **ROWS,
        )
        if opened.what in {Opening.PROPOSAL, Opening.TOLD}:
            self._telling.tell()
        if opened.attempt:
            await self._start(opened.attempt)
        return opened

    async def _book_what_is_open(self, facts: CampaignFacts) -> None:
        """Follow the rows: an attempt that stands there and that nobody runs is started."""
        started = facts.attempt_id is None or facts.attempt_id == self._running_attempt
        if started or facts.undo_until:  # what is cancelled begins nothing, even for a moment
            return
        attempt = await workflow.execute_local_activity_method(
            CampaignActivities.live_attempt, self._id, **ROWS
        )
        if attempt:
            await self._start(attempt)

    async def _start(self, attempt: AttemptInput) -> None:
        self._running_attempt = attempt.attempt_id
        try:
            await workflow.start_child_workflow(
                AttemptWorkflow.run,
                attempt,
                id=attempt_workflow_id(attempt.attempt_id),
                parent_close_policy=ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"book for at most {attempt.limit}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the attempt runs already")

    async def _expire(self) -> CampaignFacts:
        await workflow.execute_local_activity_method(
            CampaignActivities.expire_campaign, self._id, **ROWS
        )
        self._telling.tell()
        return await self._facts()

    async def _warn(self) -> None:
        await workflow.execute_local_activity_method(
            CampaignActivities.warn_expiring, self._id, **ROWS
        )
        self._warned = True
        self._telling.tell()

    async def _sleep(self, facts: CampaignFacts) -> None:
        instants = [facts.ends_at, facts.proposal_expires_at]
        instants.append(None if self._warned else facts.warn_at)
        wake = min(i for i in instants if i is not None)
        wake = facts.undo_until or wake
        if facts.past_no_return:  # the attempt's report will come; look again if it does not
            wake = max(wake, workflow.now() + timedelta(hours=6))
        try:
            await workflow.wait_condition(
                lambda: self._changed or self._work_waits(),
                timeout=max(wake - workflow.now(), timedelta(0)),
                timeout_summary=_what_is_next(facts, wake),
            )
        except TimeoutError:
            return

    def _work_waits(self) -> bool:
        return bool(self._inbox) and self._state is CampaignState.ACTIVE

    async def _move_on_if_long(self) -> None:
        if not time_to_move_on():
            return
        await self._telling.finish()
        await workflow.wait_condition(workflow.all_handlers_finished)
        move_on(
            CampaignInput(
                campaign_id=self._id,
                progress=CampaignProgress(
                    opened=self._opened,
                    warned=self._warned,
                    attempt_id=self._running_attempt,
                    inbox=tuple(self._inbox),
                ),
            )
        )

    async def _finish(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        await self._telling.finish()

    # Messages. Handlers change the row and answer; none waits for a step of the saga.

    @workflow.update
    async def created(self) -> CampaignAnswer:
        """Answer once the row is committed."""
        await workflow.wait_condition(lambda: self._created is not None)
        assert self._created is not None
        return self._created

    @workflow.update
    async def edit(self, edit: CampaignEdit) -> CampaignAnswer:
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            CampaignActivities.edit_campaign, EditInput(campaign_id=self._id, edit=edit), **ROWS
        )
        # A look may have found something for the new wish before we hear that it was written down;
        # what was found for the old one is refused by the row.
        kept = self._inbox if self._inbox and workflow.patched(KEEPS_MATCHES) else ()
        self._inbox = deque(kept)
        await self._after(answer, nudge=True)
        return answer

    @workflow.update
    async def pause(self) -> CampaignAnswer:
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            CampaignActivities.pause_campaign, self._asked(), **ROWS
        )
        await self._after(answer)
        return answer

    @workflow.update
    async def resume(self) -> CampaignAnswer:
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            CampaignActivities.resume_campaign, self._asked(), **ROWS
        )
        await self._after(answer, nudge=True)
        return answer

    @workflow.update
    async def cancel(self) -> CampaignAnswer:
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            CampaignActivities.cancel_campaign, self._asked(), **ROWS
        )
        await self._after(answer)
        return answer

    @workflow.update
    async def cancel_with_undo(self) -> CampaignAnswer:
        """Cancel at once, and close a moment later, unless that is taken back."""
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            SecondThoughtActivities.cancel_with_undo, self._asked(), **ROWS
        )
        await self._after(answer)
        return answer

    @workflow.update
    async def undo(self) -> CampaignAnswer:
        """Take a cancelling back while there is time."""
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            SecondThoughtActivities.undo_cancel, self._asked(), **ROWS
        )
        await self._after(answer, nudge=True)
        return answer

    @workflow.update
    async def consent(self, consent: Consent) -> CampaignAnswer:
        """Take a consent, the first one or another; what waited for it watches."""
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            ConsentActivities.give_consent,
            ConsentInput(campaign_id=self._id, consent=consent),
            **ROWS,
        )
        await self._after(answer, nudge=True)
        return answer

    @workflow.update
    async def approve(self, proposal_id: ProposalId) -> CampaignAnswer:
        """Book these flights at or below the price proposed, searched afresh."""
        await self._committed()
        approved = await workflow.execute_local_activity_method(
            CampaignActivities.approve_proposal,
            ProposalInput(campaign_id=self._id, proposal_id=proposal_id),
            **ROWS,
        )
        if approved.offer:
            await self._open(approved.offer, proposal_id)
        await self._after(approved.answer)
        return approved.answer

    @workflow.update
    async def allow_once(self, allow: AllowOnce) -> CampaignAnswer:
        """Book flights that cost more than the wish allows, under a consent to them alone."""
        await self._committed()
        allowed = await workflow.execute_local_activity_method(
            AllowanceActivities.allow_once,
            AllowOnceInput(campaign_id=self._id, allow=allow),
            **ROWS,
        )
        if allowed.attempt:
            await self._start(allowed.attempt)
        await self._after(allowed.answer)
        return allowed.answer

    @workflow.update
    async def reject(self, proposal_id: ProposalId) -> CampaignAnswer:
        await self._committed()
        answer = await workflow.execute_local_activity_method(
            CampaignActivities.reject_proposal,
            ProposalInput(campaign_id=self._id, proposal_id=proposal_id),
            **ROWS,
        )
        await self._after(answer, nudge=True)
        return answer

    @workflow.signal
    def offer_found(self, match: OfferFound) -> None:
        if len(self._inbox) < INBOX_LIMIT:
            self._inbox.append(match)

    @workflow.signal
    def row_changed(self) -> None:
        """Somebody else has changed the row: read it, and tell what is to be told."""
        self._changed = True

    @workflow.signal
    async def attempt_finished(self, report: AttemptFinished) -> None:
        self._changed = True
        if not report.booked:
            # Nobody was watching during the attempt: the search must hear that somebody does again.
            await self._nudge_search(await self._facts())

    # Small steps

    async def _committed(self) -> CampaignAnswer:
        await workflow.wait_condition(lambda: self._created is not None)
        assert self._created is not None  # the condition above
        return self._created

    def _asked(self) -> Asked:
        """Say what is asked of the wish now: the update's id is the request's."""
        update = workflow.current_update_info()
        assert update is not None  # only handlers of updates ask
        return Asked(campaign_id=self._id, request=derive("request", self._id, update.id))

    async def _after(self, answer: CampaignAnswer, *, nudge: bool = False) -> None:
        self._changed = True
        # A step that took effect before its worker died answers that it was so already.
        again = answer.code is CampaignAnswerCode.ALREADY and workflow.patched(FOLLOWED_AGAIN)
        if answer.code is not CampaignAnswerCode.DONE and not again:
            return
        if answer.attempt_id and answer.state is not CampaignState.BOOKING:
            await self._withdraw(answer)
        if nudge:
            await self._nudge_search(await self._facts())

    async def _withdraw(self, answer: CampaignAnswer) -> None:
        """Hurry an attempt that the row has overtaken; the row alone would stop it too."""
        assert answer.attempt_id is not None
        attempt = workflow.get_external_workflow_handle(attempt_workflow_id(answer.attempt_id))
        try:
            await attempt.signal("withdraw")
        except ApplicationError:
            workflow.logger.info("the attempt has ended by itself")

    async def _nudge_search(self, facts: CampaignFacts) -> None:
        search = workflow.get_external_workflow_handle(search_workflow_id(facts.seller))
        try:
            await search.signal("nudge")
        except ApplicationError:
            workflow.logger.info("no search loop runs; the schedule will start it")

    async def _facts(self) -> CampaignFacts:
        return self._know(
            await workflow.execute_local_activity_method(
                CampaignActivities.campaign_facts, CampaignId(self._id), **ROWS
            )
        )

    def _know(self, facts: CampaignFacts) -> CampaignFacts:
        if facts.state is not self._state:
            self._state = facts.state
            workflow.upsert_search_attributes([STATE.value_set(facts.state)])
        workflow.set_current_details(facts.summary)
        if facts.untold and not self._telling.underway:
            self._telling.tell()
        return facts

    async def _send_notices(self) -> int:
        return await workflow.execute_activity_method(
            NoticeActivities.send_notices, self._id, **SEND_NOTICES
        )


def _over(facts: CampaignFacts) -> bool:
    """Say whether nothing can come of the wish any more; a cancelling may still be taken back."""
    return facts.state in ENDED and facts.undo_until is None


def _what_is_next(facts: CampaignFacts, wake: datetime) -> str:
    if facts.undo_until:
        return "the cancelling is final"
    if facts.proposal_expires_at == wake:
        return "the proposal lapses"
    return "expires" if facts.ends_at == wake else "warn that it expires"
