"""Who may do what: every route of the application, and how it answers whom.

This is the one place where that is written down. `tests/api/test_access_matrix.py` walks the
routes: one without a row here fails, and so does one that answers anybody in another way. To add a
route, add its row; where no rule below fits, write a rule.

HEARD means that the request is taken in, whatever comes of it; all else is how it is turned away.
"""

from collections.abc import Mapping
from enum import StrEnum

from domain.api_keys import Scope


class Who(StrEnum):
    """Everybody who may ask, with what they show: a browser signed in and a key, or neither."""

    NOBODY = "nobody"
    OWNER = "owner"
    OTHER = "other"
    """Somebody with an account of their own, asking for what is not theirs."""
    SALES = "sales"
    SUPPORT = "support"
    ADMIN = "admin"
    """A role gives nothing of another person's by itself. These have shown no second factor yet."""
    UNCONFIRMED = "unconfirmed"
    """The owner, before the address of the account was confirmed."""
    STEPPED_UP = "stepped up"
    """The owner, who has just shown a second factor. Nobody else here has."""


OPERATORS = (Who.SALES, Who.SUPPORT, Who.ADMIN)


class Answer(StrEnum):
    HEARD = "heard"
    KEY_NEEDED = "401"
    FORBIDDEN = "403"
    ABSENT = "404"
    """What is somebody else's is answered like what does not exist."""
    SIGN_IN = "to the door"
    CONFIRM = "to the page that asks for the address to be confirmed"
    STEP_UP = "to the page that asks for a second factor"


Rule = Mapping[Who, Answer]


def _rule(
    everybody: Answer,
    *,
    nobody: Answer | None = None,
    strangers: Answer | None = None,
    operators: Answer | None = None,
    unconfirmed: Answer | None = None,
    stepped_up: Answer | None = None,
) -> Rule:
    """Spell a rule out. Strangers are all who have an account and are not the owner."""
    stranger = strangers or everybody
    operator = operators or stranger
    return {
        Who.NOBODY: nobody or stranger,
        Who.OWNER: everybody,
        Who.OTHER: stranger,
        Who.SALES: operator,
        Who.SUPPORT: operator,
        Who.ADMIN: operator,
        Who.UNCONFIRMED: unconfirmed or everybody,
        Who.STEPPED_UP: stepped_up or everybody,
    }


OPEN = _rule(Answer.HEARD)
"""Says nothing about anybody."""
LINK = OPEN
"""Whoever holds the address may: it holds a secret of its own, for one purpose."""
SIGNED = OPEN
"""Whoever holds a provider's signing secret: the request itself is signed."""
KEY = _rule(Answer.HEARD, nobody=Answer.KEY_NEEDED)
"""What belongs to whoever asks; there is nothing of another person's to name."""
KEY_OF_OWNER = _rule(Answer.HEARD, nobody=Answer.KEY_NEEDED, strangers=Answer.ABSENT)
"""One thing of one person's."""

PAGE = _rule(Answer.HEARD, nobody=Answer.SIGN_IN, operators=Answer.STEP_UP)
"""A page of whoever is signed in; there is nothing of another person's to name."""
SET_UP = _rule(Answer.HEARD, nobody=Answer.SIGN_IN)
"""Where a second factor is shown or set up: an operator who owes one gets no further."""
PAGE_OF_OWNER = _rule(
    Answer.HEARD, nobody=Answer.SIGN_IN, strangers=Answer.ABSENT, operators=Answer.STEP_UP
)
"""A page about one thing of one person's."""
ORDER_OF_OWNER = _rule(
    Answer.STEP_UP,
    nobody=Answer.SIGN_IN,
    strangers=Answer.ABSENT,
    operators=Answer.STEP_UP,
    unconfirmed=Answer.CONFIRM,
    stepped_up=Answer.HEARD,
)
"""What may cost money, about one thing of one person's."""
SHARED = _rule(
    Answer.HEARD, nobody=Answer.SIGN_IN, operators=Answer.STEP_UP, unconfirmed=Answer.CONFIRM
)
"""What is given away is given by somebody whose address is confirmed."""
SHARED_BY_OWNER = _rule(
    Answer.HEARD,
    nobody=Answer.SIGN_IN,
    strangers=Answer.ABSENT,
    operators=Answer.STEP_UP,
    unconfirmed=Answer.CONFIRM,
)
DOOR = _rule(Answer.HEARD)
"""Where nobody needs to be signed in; whoever is, is led on or is told so."""
MONEY_PAGE = _rule(Answer.STEP_UP, nobody=Answer.SIGN_IN, stepped_up=Answer.HEARD)
"""Where money can be made to move: a second factor comes first, whosever thing it is."""
FACTOR_FIRST = MONEY_PAGE
"""What opens an account, or shows more than its pages do, is changed after a second factor too."""
FACTOR_SHOWN = _rule(
    Answer.STEP_UP, nobody=Answer.SIGN_IN, strangers=Answer.HEARD, stepped_up=Answer.HEARD
)
"""The owner has a second factor and must show it; the others have none yet, and just signed in."""
FACTOR_SHOWN_OF_OWNER = _rule(
    Answer.STEP_UP, nobody=Answer.SIGN_IN, strangers=Answer.ABSENT, stepped_up=Answer.HEARD
)

# Which roles may open which page of the console, and do what there. A link that somebody may not
# follow is not shown to them. Everything else of it is for nobody.
_ALL = frozenset(OPERATORS)
_CARE = frozenset({Who.SUPPORT, Who.ADMIN})
_ADMIN = frozenset({Who.ADMIN})
CONSOLE: Mapping[str, frozenset[Who]] = {
    "GET /admin": _ALL,
    "GET /admin/switch": _ADMIN,
    "POST /admin/switch": _ADMIN,
    "GET /admin/tasks": _CARE,
    "GET /admin/tasks/{task_id}": _CARE,
    "POST /admin/tasks/{task_id}/close": _CARE,
    "GET /admin/bookings": _ALL,
    "GET /admin/bookings.csv": _ALL,
    "GET /admin/bookings/{booking_id}": _ALL,
    "POST /admin/bookings/{booking_id}/refund": _CARE,
    "GET /admin/attempts": _CARE,
    "GET /admin/attempts/{attempt_id}": _CARE,
    "POST /admin/attempts/{attempt_id}/act": _CARE,
    "GET /admin/refunds": _CARE,
    "GET /admin/refunds/limits": _CARE,
    "POST /admin/refunds/limits": _ADMIN,
    "GET /admin/decisions": _ADMIN,
    "POST /admin/decisions/{action_id}": _ADMIN,
    "GET /admin/campaigns": _ALL,
    "GET /admin/people": _CARE,
    "POST /admin/people/find": _CARE,
    "GET /admin/people/{user_id}": _CARE,
    "POST /admin/people/{user_id}/look": _CARE,
    "POST /admin/people/{user_id}/sees": _CARE,
    "POST /admin/people/{user_id}/sign-out": _CARE,
    "GET /admin/notices": _CARE,
    "GET /admin/notices/{notice_id}": _CARE,
    "POST /admin/notices/{notice_id}/resend": _CARE,
    "GET /admin/webhooks": _CARE,
    "GET /admin/webhooks/{delivery_id}": _CARE,
    "POST /admin/webhooks/{delivery_id}/replay": _CARE,
    "GET /admin/providers": _ALL,
    "GET /admin/policy": _ALL,
    "GET /admin/retention": _CARE,
    "GET /admin/users": _ADMIN,
    "GET /admin/users/{user_id}": _ADMIN,
    "POST /admin/users/{user_id}/role": _ADMIN,
    "GET /admin/audit": _ADMIN,
    "GET /admin/audit.csv": _ADMIN,
}


def console_opens(who: str, route: str) -> bool:
    """Say whether a role may send this request to the console."""
    return any(one == who for one in CONSOLE.get(route, ()))


def _console(roles: frozenset[Who]) -> Rule:
    """Operators show a second factor first. To travellers there is no such place."""
    theirs = {who: Answer.STEP_UP if who in roles else Answer.FORBIDDEN for who in OPERATORS}
    return {**_rule(Answer.ABSENT, nobody=Answer.SIGN_IN), **theirs}


ROUTES: Mapping[str, Rule] = {
    **{route: _console(roles) for route, roles in CONSOLE.items()},
    # What the application is
    "GET /openapi.json": OPEN,
    "GET /docs": OPEN,
    "GET /static": OPEN,
    "GET /manifest.webmanifest": OPEN,
    "GET /service-worker.js": OPEN,
    "GET /offline": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /api/v1/health": OPEN,
    "GET /api/v1/policy": OPEN,
    "GET /api/v1/places": OPEN,
    "POST /api/v1/places/near": OPEN,
    "GET /api/v1/airlines": OPEN,
    # Trips kept in mind
    "POST /api/v1/backtests": KEY,
    "POST /api/v1/trip-requests": KEY,
    "GET /api/v1/trip-requests": KEY,
    "GET /api/v1/trip-requests/{trip_request_id}": KEY_OF_OWNER,
    "DELETE /api/v1/trip-requests/{trip_request_id}": KEY_OF_OWNER,
    # Campaigns
    "POST /api/autobooking/campaigns": KEY,
    "GET /api/autobooking/campaigns": KEY,
    "GET /api/autobooking/campaigns/{campaign_id}": KEY_OF_OWNER,
    "PATCH /api/autobooking/campaigns/{campaign_id}": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/pause": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/resume": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/cancel": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/undo": KEY_OF_OWNER,
    "DELETE /api/autobooking/campaigns/{campaign_id}": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/allow-once": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/approve": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/reject": KEY_OF_OWNER,
    "GET /api/autobooking/campaigns/{campaign_id}/status": KEY_OF_OWNER,
    "GET /api/autobooking/campaigns/{campaign_id}/results": KEY_OF_OWNER,
    "GET /api/autobooking/campaigns/{campaign_id}/decisions": KEY_OF_OWNER,
    "GET /api/autobooking/campaigns/{campaign_id}/mandate": KEY_OF_OWNER,
    "POST /api/autobooking/campaigns/{campaign_id}/consent": KEY_OF_OWNER,
    "GET /.well-known/parker-mandate-keys.json": OPEN,
    # Travellers
    "GET /api/autobooking/traveler": KEY,
    "POST /api/autobooking/traveler": KEY,
    "GET /api/autobooking/traveler/{traveler_id}": KEY_OF_OWNER,
    "PUT /api/autobooking/traveler/{traveler_id}": KEY_OF_OWNER,
    "DELETE /api/autobooking/traveler/{traveler_id}": KEY_OF_OWNER,
    "GET /travelers": PAGE,
    "GET /travelers/new": PAGE,
    "POST /travelers/new": PAGE,
    "GET /travelers/{traveler_id}": PAGE_OF_OWNER,
    "GET /travelers/{traveler_id}/name": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/name": PAGE_OF_OWNER,
    "GET /travelers/{traveler_id}/contact": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/contact": PAGE_OF_OWNER,
    "GET /travelers/{traveler_id}/loyalty": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/loyalty": PAGE_OF_OWNER,
    "GET /travelers/{traveler_id}/remove": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/remove": PAGE_OF_OWNER,
    "GET /travelers/{traveler_id}/documents/new": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/documents/new": PAGE_OF_OWNER,
    "GET /travelers/{traveler_id}/documents/{document_id}/replace": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/documents/{document_id}/replace": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/documents/{document_id}/delete": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/files": PAGE_OF_OWNER,
    "GET /travelers/{traveler_id}/files/{file_id}": PAGE_OF_OWNER,
    "POST /travelers/{traveler_id}/files/{file_id}/delete": PAGE_OF_OWNER,
    # Cards
    "GET /api/autobooking/payment-methods": KEY,
    "POST /api/autobooking/payment-methods": KEY,
    "GET /api/autobooking/payment-methods/setups/return": LINK,
    "POST /api/autobooking/payment-methods/setups/{setup_id}/complete": KEY_OF_OWNER,
    "GET /api/autobooking/payment-methods/{method_id}": KEY_OF_OWNER,
    "PUT /api/autobooking/payment-methods/{method_id}/default": KEY_OF_OWNER,
    "DELETE /api/autobooking/payment-methods/{method_id}": KEY_OF_OWNER,
    "GET /billing": PAGE,
    "GET /billing/{payment_id}": PAGE_OF_OWNER,
    "GET /billing/{payment_id}/receipt.pdf": PAGE_OF_OWNER,
    "GET /payment-methods": PAGE,
    "GET /payment-methods/add": MONEY_PAGE,
    "POST /payment-methods/add": MONEY_PAGE,
    "POST /payment-methods/{method_id}/default": MONEY_PAGE,
    "GET /payment-methods/{method_id}/remove": PAGE_OF_OWNER,
    "POST /payment-methods/{method_id}/remove": MONEY_PAGE,
    # Bookings
    "GET /api/bookings": KEY,
    "GET /api/bookings/{booking_id}": KEY_OF_OWNER,
    "GET /api/bookings/{booking_id}/itinerary.pdf": KEY_OF_OWNER,
    "GET /api/bookings/{booking_id}/calendar.ics": KEY_OF_OWNER,
    "POST /api/bookings/{booking_id}/cancellation": KEY_OF_OWNER,
    "POST /api/bookings/{booking_id}/cancellation/confirm": KEY_OF_OWNER,
    # The doors
    "GET /sign-up": DOOR,
    "POST /sign-up": DOOR,
    "GET /sign-in": DOOR,
    "POST /sign-in": DOOR,
    "GET /sign-out": DOOR,
    "POST /sign-out": DOOR,
    "GET /forgot": DOOR,
    "POST /forgot": DOOR,
    "GET /reset/{token}": LINK,
    "POST /reset/{token}": LINK,
    "GET /confirm/{token}": LINK,
    "POST /confirm/{token}": LINK,
    "GET /keep/{token}": LINK,
    "POST /keep/{token}": LINK,
    # The account
    "GET /account": PAGE,
    "GET /account/confirm": PAGE,
    "POST /account/confirm": PAGE,
    "GET /account/password": PAGE,
    "POST /account/password": PAGE,
    "GET /account/email": PAGE,
    "POST /account/email": PAGE,
    "GET /account/sessions": PAGE,
    "POST /account/sessions/end-others": PAGE,
    "POST /account/sessions/extend": PAGE,
    "POST /account/sessions/{session_id}/end": PAGE_OF_OWNER,
    # By way of an identity provider, where the installation has one
    "GET /sign-in/provider": DOOR,
    "GET /sign-in/provider/return": DOOR,
    "GET /sign-in/provider/new": DOOR,
    "POST /sign-in/provider/new": DOOR,
    "GET /account/identity": PAGE,
    "GET /first-admin/{token}": FACTOR_FIRST,
    "POST /first-admin/{token}": FACTOR_FIRST,
    "POST /account/identity/link": FACTOR_FIRST,
    "GET /account/identity/confirm": PAGE,
    "POST /account/identity/confirm": FACTOR_FIRST,
    "POST /account/identity/{identity_id}/remove": FACTOR_FIRST,
    "GET /account/privacy": PAGE,
    "GET /account/privacy/export": MONEY_PAGE,
    "GET /account/privacy/erase": PAGE,
    "POST /account/privacy/erase": MONEY_PAGE,
    "GET /account/privacy/travelers/{traveler_id}/erase": PAGE_OF_OWNER,
    "POST /account/privacy/travelers/{traveler_id}/erase": MONEY_PAGE,
    "POST /account/privacy/erasures/{erasure_id}/withdraw": PAGE_OF_OWNER,
    "GET /api/v1/account/privacy": KEY,
    "POST /api/v1/account/export": KEY,
    # Watching wishes
    "GET /auto-booking/dashboard": PAGE,
    "GET /auto-booking/dashboard/events": PAGE,
    "GET /auto-booking/wishes/{campaign_id}": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/events": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/approve": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/bank": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/mandate": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/pause": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/resume": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/cancel": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/undo": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/allow-once": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/allow-once": ORDER_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/approve": ORDER_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/reject": PAGE_OF_OWNER,
    "GET /auto-booking/history": PAGE,
    "GET /auto-booking/history.csv": PAGE,
    "GET /bookings/{booking_id}": PAGE_OF_OWNER,
    "GET /bookings/{booking_id}/events": PAGE_OF_OWNER,
    "GET /bookings/{booking_id}/offline": PAGE_OF_OWNER,
    "GET /bookings/{booking_id}/itinerary.pdf": PAGE_OF_OWNER,
    "GET /bookings/{booking_id}/calendar.ics": PAGE_OF_OWNER,
    "GET /bookings/{booking_id}/share": PAGE_OF_OWNER,
    "POST /bookings/{booking_id}/share": SHARED_BY_OWNER,
    "POST /bookings/{booking_id}/share/{link_id}/revoke": PAGE_OF_OWNER,
    "POST /bookings/{booking_id}/change": PAGE_OF_OWNER,
    "GET /bookings/{booking_id}/cancel": PAGE_OF_OWNER,
    "POST /bookings/{booking_id}/cancel": PAGE_OF_OWNER,
    "POST /bookings/{booking_id}/cancel/quote": PAGE_OF_OWNER,
    # What is given away, by addresses that hold a secret of their own
    "GET /i/{token}": LINK,
    "GET /calendar/{token}.ics": LINK,
    "GET /account/calendar": PAGE,
    "POST /account/calendar": SHARED,
    "POST /account/calendar/off": PAGE,
    # What people are told
    "GET /api/v1/notices": KEY,
    "POST /api/v1/notices/read": KEY,
    "GET /api/v1/notices/{notice_id}": KEY_OF_OWNER,
    "GET /api/v1/notice-preferences": KEY,
    "PUT /api/v1/notice-preferences": KEY,
    "GET /api/v1/webhooks": KEY,
    "POST /api/v1/webhooks": KEY,
    "GET /api/v1/webhooks/{webhook_id}": KEY_OF_OWNER,
    "DELETE /api/v1/webhooks/{webhook_id}": KEY_OF_OWNER,
    "POST /api/v1/webhooks/{webhook_id}/secret": KEY_OF_OWNER,
    "POST /api/v1/webhooks/{webhook_id}/test": KEY_OF_OWNER,
    "POST /api/v1/webhooks/{webhook_id}/enable": KEY_OF_OWNER,
    "GET /api/v1/webhooks/{webhook_id}/deliveries": KEY_OF_OWNER,
    "POST /api/v1/webhooks/{webhook_id}/deliveries/resend": KEY_OF_OWNER,
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": KEY_OF_OWNER,
    "GET /notices": PAGE,
    "POST /notices/read": PAGE,
    "POST /notices/{notice_id}/read": PAGE_OF_OWNER,
    "POST /notices/{notice_id}/unread": PAGE_OF_OWNER,
    "GET /account/notices": PAGE,
    "POST /account/notices": PAGE,
    "GET /account/settings": PAGE,
    "POST /account/settings": PAGE,
    "GET /account/webhooks": PAGE,
    "POST /account/webhooks": PAGE,
    "GET /account/webhooks/{webhook_id}": PAGE_OF_OWNER,
    "POST /account/webhooks/{webhook_id}/test": PAGE_OF_OWNER,
    "POST /account/webhooks/{webhook_id}/enable": PAGE_OF_OWNER,
    "POST /account/webhooks/{webhook_id}/resend": PAGE_OF_OWNER,
    "POST /account/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": PAGE_OF_OWNER,
    "POST /account/webhooks/{webhook_id}/secret": PAGE_OF_OWNER,
    "GET /account/webhooks/{webhook_id}/remove": PAGE_OF_OWNER,
    "POST /account/webhooks/{webhook_id}/remove": PAGE_OF_OWNER,
    # Signed addresses
    "GET /pay/{token}": LINK,
    "POST /pay/{token}": LINK,
    "GET /pay/{token}/return": LINK,
    # Second factors: the door, the step up, and the account's
    "GET /sign-in/second-factor": DOOR,
    "POST /sign-in/second-factor": DOOR,
    "POST /sign-in/second-factor/passkey": DOOR,
    "POST /sign-in/second-factor/lost": DOOR,
    "POST /sign-in/passkey/options": DOOR,
    "POST /sign-in/passkey": DOOR,
    "GET /step-up": SET_UP,
    "POST /step-up": SET_UP,
    "POST /step-up/passkey": SET_UP,
    "GET /account/security": SET_UP,
    "GET /account/security/password": FACTOR_SHOWN,
    "POST /account/security/password": FACTOR_SHOWN,
    "POST /account/security/app": FACTOR_SHOWN,
    "GET /account/security/app": FACTOR_SHOWN,
    "POST /account/security/app/confirm": FACTOR_SHOWN,
    "GET /account/security/app/remove": FACTOR_SHOWN,
    "POST /account/security/app/remove": FACTOR_SHOWN,
    "POST /account/security/recovery-codes": FACTOR_SHOWN,
    "GET /account/security/passkeys/new": FACTOR_SHOWN,
    "POST /account/security/passkeys/options": FACTOR_SHOWN,
    "POST /account/security/passkeys": FACTOR_SHOWN,
    "POST /account/security/passkeys/{passkey_id}/name": FACTOR_SHOWN_OF_OWNER,
    "GET /account/security/passkeys/{passkey_id}/remove": FACTOR_SHOWN_OF_OWNER,
    "POST /account/security/passkeys/{passkey_id}/remove": FACTOR_SHOWN_OF_OWNER,
    # A key that may spend wants a second factor, which the form says.
    "GET /account/api-keys": PAGE,
    "GET /account/api-keys/new": PAGE,
    "POST /account/api-keys": PAGE,
    "POST /account/api-keys/{api_key_id}/revoke": PAGE_OF_OWNER,
    # Making a wish and changing one
    "GET /auto-booking/new": PAGE,
    "POST /auto-booking/new": PAGE,
    "GET /auto-booking/new/map": PAGE,
    "GET /auto-booking/new/{draft_id}": PAGE_OF_OWNER,
    "POST /auto-booking/new/{draft_id}/past": PAGE_OF_OWNER,
    "GET /auto-booking/new/{draft_id}/{step}": PAGE_OF_OWNER,
    "POST /auto-booking/new/{draft_id}/check": ORDER_OF_OWNER,
    "POST /auto-booking/new/{draft_id}/{step}": PAGE_OF_OWNER,
    "POST /auto-booking/new/{draft_id}/discard": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/edit": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/edit": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/edit/{step}": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/edit/{step}": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/edit/discard": PAGE_OF_OWNER,
    "GET /": DOOR,
    "POST /auto-booking/samples/{name}": PAGE,
    "GET /auto-booking/trips/{trip_request_id}": PAGE_OF_OWNER,
    "POST /auto-booking/trips/{trip_request_id}/auto-booking": PAGE_OF_OWNER,
    "POST /auto-booking/trips/{trip_request_id}/forget": PAGE_OF_OWNER,
    "GET /auto-booking/wishes/{campaign_id}/consent": PAGE_OF_OWNER,
    "POST /auto-booking/wishes/{campaign_id}/consent": ORDER_OF_OWNER,
    # What providers tell us
    "POST /api/webhooks/stripe": SIGNED,
    # Operators' tools: the address is the permission
    "OPTIONS /api/temporal-codec/{tag}/decode": LINK,
    "POST /api/temporal-codec/{tag}/decode": LINK,
}

# What an API key needs for a request. To look, `read` is enough everywhere; everything else says
# here what it needs. `spend`: what lets money move, or changes what it is taken from.
SCOPES: Mapping[str, Scope] = {
    # A consent that comes along is held against the key's limits besides; see `api/spending.py`.
    "POST /api/autobooking/campaigns": Scope.WRITE,
    "PATCH /api/autobooking/campaigns/{campaign_id}": Scope.WRITE,
    "POST /api/autobooking/campaigns/{campaign_id}/pause": Scope.WRITE,
    "POST /api/autobooking/campaigns/{campaign_id}/resume": Scope.WRITE,
    "POST /api/autobooking/campaigns/{campaign_id}/cancel": Scope.WRITE,
    # What is taken back may be booked, under a consent that was given to it before.
    "POST /api/autobooking/campaigns/{campaign_id}/undo": Scope.SPEND,
    "DELETE /api/autobooking/campaigns/{campaign_id}": Scope.WRITE,
    "POST /api/autobooking/campaigns/{campaign_id}/consent": Scope.SPEND,
    "POST /api/autobooking/campaigns/{campaign_id}/allow-once": Scope.SPEND,
    "POST /api/autobooking/campaigns/{campaign_id}/approve": Scope.SPEND,
    "POST /api/autobooking/campaigns/{campaign_id}/reject": Scope.WRITE,
    "POST /api/v1/backtests": Scope.READ,
    # No money moves by it; but passports are in it, and such a key was made with a second factor.
    "POST /api/v1/account/export": Scope.SPEND,
    "POST /api/v1/trip-requests": Scope.WRITE,
    "DELETE /api/v1/trip-requests/{trip_request_id}": Scope.WRITE,
    "POST /api/v1/notices/read": Scope.WRITE,
    "PUT /api/v1/notice-preferences": Scope.WRITE,
    "POST /api/v1/webhooks": Scope.WRITE,
    "DELETE /api/v1/webhooks/{webhook_id}": Scope.WRITE,
    "POST /api/v1/webhooks/{webhook_id}/secret": Scope.WRITE,
    "POST /api/v1/webhooks/{webhook_id}/test": Scope.WRITE,
    "POST /api/v1/webhooks/{webhook_id}/enable": Scope.WRITE,
    "POST /api/v1/webhooks/{webhook_id}/deliveries/resend": Scope.WRITE,
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": Scope.WRITE,
    "POST /api/autobooking/traveler": Scope.WRITE,
    "PUT /api/autobooking/traveler/{traveler_id}": Scope.WRITE,
    "DELETE /api/autobooking/traveler/{traveler_id}": Scope.WRITE,
    "POST /api/autobooking/payment-methods": Scope.SPEND,
    "POST /api/autobooking/payment-methods/setups/{setup_id}/complete": Scope.SPEND,
    "PUT /api/autobooking/payment-methods/{method_id}/default": Scope.SPEND,
    "DELETE /api/autobooking/payment-methods/{method_id}": Scope.SPEND,
    "POST /api/bookings/{booking_id}/cancellation": Scope.WRITE,
    "POST /api/bookings/{booking_id}/cancellation/confirm": Scope.SPEND,
}


def scope_of(method: str, path: str) -> Scope:
    """Return what a key needs at a route; for one that is not listed, everything."""
    if method in {"GET", "HEAD"}:
        return Scope.READ
    return SCOPES.get(f"{method} {path}", Scope.SPEND)
