"""The rules that hold in this installation, and which reading of each contradiction is active."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.dependencies import ServicesDep
from domain.mandates import (
    ALLOWANCE_TEXTS,
    ASKED_CONSENT,
    CONSENT_TEXTS,
    CURRENT_ALLOWANCE,
    CURRENT_CONSENT,
)
from runtime.policy import MonitorMode, Policy

router = APIRouter(prefix="/api/v1", tags=["policy"])


class Reading(BaseModel):
    """Where the documents behind this product disagree, and what this installation does."""

    id: str = Field(examples=["C13"])
    question: str
    active: str
    alternatives: list[str]


class ConsentText(BaseModel):
    version: str
    template: str = Field(description="`{cap}` and `{expires}` are filled in for each campaign.")


class PolicyResponse(BaseModel):
    policy: dict[str, Any] = Field(description="Every rule with its value.")
    readings: list[Reading]
    consent: ConsentText = Field(description="The text that a new consent must name.")
    asked_consent: ConsentText = Field(
        description="The text that it may name instead where you are asked first."
    )
    allowance: ConsentText = Field(description="The text for allowing certain flights once.")


@router.get("/policy", operation_id="get_policy")
async def show(services: ServicesDep) -> PolicyResponse:
    """Show the rules that hold here."""
    policy = services.settings.policy
    return PolicyResponse(
        policy=policy.model_dump(mode="json"),
        readings=readings(policy),
        consent=_text(CURRENT_CONSENT),
        asked_consent=_text(ASKED_CONSENT),
        allowance=ConsentText(
            version=CURRENT_ALLOWANCE, template=ALLOWANCE_TEXTS[CURRENT_ALLOWANCE]
        ),
    )


def _text(version: str) -> ConsentText:
    return ConsentText(version=version, template=CONSENT_TEXTS[version])


def readings(policy: Policy) -> list[Reading]:
    """Return which reading of each contradiction is active."""
    cards = policy.payment_methods_max_per_user
    pace = (
        f"fixed: every date pair each {policy.monitor_interval_seconds} s, within the quota"
        if policy.monitor_mode is MonitorMode.FIXED
        else "budgeted: looks go where a booking is likeliest"
    )
    return [
        Reading(
            id="C1",
            question="Who is the merchant of record?",
            active="stripe: we charge the card",
            alternatives=["duffel_payments", "duffel_card", "invoice"],
        ),
        Reading(
            id="C2",
            question="Who searches for a campaign?",
            active=policy.search_strategy.value,
            alternatives=["duffel_only"],
        ),
        Reading(
            id="C3",
            question="Is another seller tried after a definite no?",
            active=policy.fallback_provider.value,
            alternatives=["none"],
        ),
        Reading(
            id="C6",
            question="How many cards may a person keep?",
            active="as many as wanted, one default" if cards is None else f"at most {cards}",
            alternatives=["as many as wanted, one default", "at most 1"],
        ),
        Reading(
            id="C7",
            question="What comes first, the money or the order?",
            active=policy.charge_mode.value,
            alternatives=["authorize_then_capture"],
        ),
        Reading(
            id="C13",
            question="How often is a date pair looked at?",
            active=pace,
            alternatives=["budgeted", "fixed"],
        ),
        Reading(
            id="C15",
            question="How does a client follow a campaign?",
            active="server-sent events with Last-Event-ID, or polling with ETag",
            alternatives=["server-sent events", "polling"],
        ),
        Reading(
            id="C29",
            question="What of a window beyond what airlines sell?",
            active=f"it sleeps until its dates are within {policy.horizon_days} days",
            alternatives=["sleep", "refuse"],
        ),
        Reading(
            id="C30",
            question="Until when does cancelling undo everything?",
            active="until the order is sent; then it is a cancellation with a quote",
            alternatives=["until the order is sent"],
        ),
    ]
