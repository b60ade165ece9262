"""The installation itself: its providers, its policy, and the switch that stops booking."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.rest.policy import readings
from api.web.admin.doing import new_key, seen
from api.web.admin.entry import OperatorDep, console, operating
from api.web.admin.queues import read_queues
from db.models.switch import SwitchRow
from db.queries.console.health import ProviderFigures, provider_figures
from db.queries.switches import BOOKING
from runtime.settings import ProviderMode, Settings, Vendor

router = APIRouter(tags=["console"], include_in_schema=False)
SWITCH = "/admin/switch"
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_WHAT: dict[Vendor, str] = {
    "duffel": "Flights: offers, orders, tickets, cancellations",
    "stripe": "Cards: holds, charges, refunds",
    "smtp": "Mail",
}
_MODES = {
    ProviderMode.SANDBOX: "our stand-in: nothing is real",
    ProviderMode.TEST: "the provider's test mode",
    ProviderMode.LIVE: "live: real seats and money",
}


@dataclass(frozen=True)
class ProviderView:
    name: str
    what: str
    mode: str
    reachable: bool
    address: str
    limits: tuple[str, ...]
    hour: ProviderFigures | None
    day: ProviderFigures | None


@router.get("/admin/providers")
async def show_providers(visit: OperatorDep) -> HTMLResponse:
    """Show each provider: what it is here, whether it answers, its limits and how it did."""
    services, settings = visit.services, visit.services.settings
    reachable = await services.providers_watch.check(services)
    queues = await read_queues(services)
    async with operating(visit) as session:
        hour = {one.provider: one for one in await provider_figures(session, visit.now - _HOUR)}
        day = {one.provider: one for one in await provider_figures(session, visit.now - _DAY)}
    views = [
        ProviderView(
            name=one.name,
            what=_WHAT[one.name],
            mode=_MODES[one.mode],
            reachable=one.reachable,
            address=_address(settings, one.name),
            limits=_limits(settings, one.name),
            hour=hour.get(one.name),
            day=day.get(one.name),
        )
        for one in reachable
    ]
    room = "/admin/providers"
    return console(visit, "admin/providers.html", room=room, providers=views, queues=queues)


def _address(settings: Settings, vendor: Vendor) -> str:
    match vendor:
        case "duffel":
            return settings.duffel_api_url
        case "stripe":
            return settings.stripe_api_url
        case "smtp":
            return f"{settings.smtp_host}:{settings.smtp_port}"


def _limits(settings: Settings, vendor: Vendor) -> tuple[str, ...]:
    """Return the limits that we keep ourselves, in words."""
    if vendor != "duffel":
        return ()
    return (f"{settings.policy.searches_per_minute} searches a minute, kept by the task queue",)


def _plain(value: Any) -> str:
    """Write a rule's value as its setting has it."""
    if isinstance(value, dict):
        return ", ".join(f"{name}:{each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


@router.get("/admin/policy")
async def show_policy(visit: OperatorDep) -> HTMLResponse:
    """Show every rule that holds here, and which reading of each contradiction."""
    policy = visit.services.settings.policy
    rules = policy.model_dump(mode="json")
    return console(
        visit,
        "admin/policy.html",
        room="/admin/policy",
        rules=[(name, _plain(value)) for name, value in sorted(rules.items())],
        readings=readings(policy),
    )


@router.get(SWITCH)
async def show_switch(visit: OperatorDep) -> HTMLResponse:
    """Ask once more before booking is stopped, or allowed, for everybody."""
    async with operating(visit) as session:
        row = await session.get(SwitchRow, BOOKING)
    stopped = bool(row and row.value.get("stopped"))
    return console(
        visit,
        "admin/switch.html",
        room="/admin",
        row=row,
        stopped=stopped,
        expected=seen(_word(stopped=stopped)),
        key=new_key(),
    )


def _word(*, stopped: bool) -> str:
    return "stopped" if stopped else "running"
