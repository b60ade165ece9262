"""The pages of a traveller's own webhooks: added, tried out, their log, their secret, their end."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from api import travellers_hooks as hooks
from api.errors import ApiProblem, not_found
from api.telling import tell
from api.web.forms import FormDep, Problems
from api.web.pages import redirect, render, say_for
from api.web.views.webhooks import PATH, delivery_view, endpoint_view, list_sentence
from api.web.visits import SignedInDep, Visit
from db.models.webhook import DeliveryState, WebhookEndpointRow
from db.queries.webhooks import (
    get_delivery,
    get_endpoint,
    list_deliveries,
    send_again,
    send_failed_again,
    tries_of,
)
from domain.ids import derive
from domain.words import mark

router = APIRouter(prefix=PATH, tags=["pages"], include_in_schema=False)
_ONE = "/{webhook_id}"
_LIST, _DETAIL, _SECRET = "webhooks/list.html", "webhooks/detail.html", "webhooks/secret.html"
Cursor = Annotated[str | None, Query(max_length=400)]


@router.get("")
async def show_webhooks(visit: SignedInDep) -> Response:
    """List a person's webhooks, and offer to add one."""
    return await _list_page(visit)


@router.post("")
async def submit_webhook(visit: SignedInDep, form: FormDep) -> Response:
    """Add a webhook and show its secret, this once; sent twice, it is added once."""
    url, key = form.text("url"), form.text("key") or str(uuid4())
    say, problems = say_for(visit, _LIST), Problems()
    problems.need(form, {"url": say("Write the address of your server.")})
    if problems:
        return await _list_page(visit, url, problems)
    try:
        async with visit.transaction() as session:
            row, secret = await hooks.add_endpoint(
                session, visit.services, visit.user_id, derive("webhook", visit.user_id, key), url
            )
    except ApiProblem as problem:
        return await _list_page(visit, url, Problems.of(problem))
    return _secret_page(visit, row, secret)


@router.get(_ONE)
async def show_webhook(visit: SignedInDep, webhook_id: UUID, after: Cursor = None) -> Response:
    """Show a webhook with the log of its calls."""
    say = say_for(visit, _DETAIL)
    async with visit.transaction() as session:
        row = await _mine(session, visit, webhook_id)
        one = endpoint_view(await hooks.endpoint_of(session, visit.services, row), visit.now, say)
        page = await list_deliveries(session, webhook_id, cursor=after)
        tries = await tries_of(session, [each.id for each in page.rows])
    path = f"{PATH}/{webhook_id}"
    return render(
        visit,
        _DETAIL,
        one=one,
        deliveries=[delivery_view(each, tries[each.id], say) for each in page.rows],
        failed=any(each.state is DeliveryState.FAILED for each in page.rows),
        next_path=f"{path}?after={page.next_cursor}" if page.next_cursor else None,
        first_path=path if after else None,
    )


@router.post(f"{_ONE}/test")
async def submit_test(visit: SignedInDep, webhook_id: UUID, _form: FormDep) -> Response:
    """Have a test event sent; the log shows what came of it."""

    async def send(session: AsyncSession, row: WebhookEndpointRow) -> None:
        await hooks.send_test(session, visit.services, row, uuid4())

    return await _changed(
        visit,
        webhook_id,
        send,
        "A test event is on its way. Reload this page to see what came back.",
    )


@router.post(f"{_ONE}/enable")
async def submit_enable(visit: SignedInDep, webhook_id: UUID, _form: FormDep) -> Response:
    """Call a webhook again that was switched off."""

    async def switch_on(session: AsyncSession, row: WebhookEndpointRow) -> None:
        await hooks.switch_on(session, visit.services, row)

    return await _changed(
        visit, webhook_id, switch_on, mark("The webhook is called again from now on.")
    )


@router.post(f"{_ONE}/resend")
async def submit_resend_failed(visit: SignedInDep, webhook_id: UUID, _form: FormDep) -> Response:
    """Send everything again that was given up."""

    async def send(session: AsyncSession, row: WebhookEndpointRow) -> None:
        await send_failed_again(session, row.id, visit.now)

    return await _changed(visit, webhook_id, send, mark("What had failed is sent again."))


@router.post(f"{_ONE}/deliveries/{{delivery_id}}/resend")
async def submit_resend(
    visit: SignedInDep, webhook_id: UUID, delivery_id: UUID, _form: FormDep
) -> Response:
    """Send one message again, under the same id."""

    async def send(session: AsyncSession, row: WebhookEndpointRow) -> None:
        delivery = await get_delivery(session, row.id, delivery_id)
        if delivery is None:
            raise not_found("delivery")
        await send_again(session, delivery, visit.now)

    return await _changed(visit, webhook_id, send, mark("The message is sent again."))


@router.post(f"{_ONE}/secret")
async def submit_secret(visit: SignedInDep, webhook_id: UUID, _form: FormDep) -> Response:
    """Replace the secret and show the new one, this once."""
    async with visit.transaction() as session:
        row = await _mine(session, visit, webhook_id)
        secret = await hooks.replace_secret(session, visit.services, row)
    return _secret_page(visit, row, secret)


@router.get(f"{_ONE}/remove")
async def show_removal(visit: SignedInDep, webhook_id: UUID) -> Response:
    """Say what removing means, before it is done."""
    template = "webhooks/remove.html"
    async with visit.transaction() as session:
        row = await _mine(session, visit, webhook_id)
        endpoint = await hooks.endpoint_of(session, visit.services, row)
    return render(visit, template, one=endpoint_view(endpoint, visit.now, say_for(visit, template)))


@router.post(f"{_ONE}/remove")
async def submit_removal(visit: SignedInDep, webhook_id: UUID, _form: FormDep) -> Response:
    """Call a webhook no more."""
    async with visit.transaction() as session:
        await hooks.remove(session, visit.services, await _mine(session, visit, webhook_id))
    say = say_for(visit, _LIST)
    return redirect(PATH, say=say("The webhook is removed and is called no more."))


async def _changed(
    visit: Visit,
    webhook_id: UUID,
    change: Callable[[AsyncSession, WebhookEndpointRow], Awaitable[None]],
    done: str,
) -> Response:
    """Change something about a webhook, have what is due sent, and go back to its page."""
    async with visit.transaction() as session:
        await change(session, await _mine(session, visit, webhook_id))
    await tell(visit.services, visit.user_id)
    return redirect(f"{PATH}/{webhook_id}", say=say_for(visit, _DETAIL)(done))


async def _list_page(visit: Visit, url: str = "", problems: Problems | None = None) -> Response:
    say, most = say_for(visit, _LIST), visit.services.settings.notices.webhooks_per_person
    async with visit.transaction() as session:
        found = await hooks.endpoints_of(session, visit.services, visit.user_id)
    shown = [endpoint_view(each, visit.now, say) for each in found]
    return render(
        visit,
        _LIST,
        status=422 if problems else 200,
        endpoints=shown,
        sentence=list_sentence(shown, most, say),
        room=len(shown) < most,
        url=url,
        key=str(uuid4()),
        problems=problems,
    )


def _secret_page(visit: Visit, row: WebhookEndpointRow, secret: str | None) -> Response:
    return render(
        visit,
        _SECRET,
        secret=secret,
        old_until=row.old_secret_until if secret else None,
        path=f"{PATH}/{row.id}",
    )


async def _mine(session: AsyncSession, visit: Visit, webhook_id: UUID) -> WebhookEndpointRow:
    row = await get_endpoint(session, visit.user_id, webhook_id, lock=True)
    if row is None:
        raise not_found("webhook")
    return row
