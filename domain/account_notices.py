"""What we write about an account itself: its address, its password, what it is opened with.

These belong to no wish, cannot be muted, and wait for no morning.
"""

from collections.abc import Callable, Mapping
from typing import Any

Data = Mapping[str, Any]
# The page that a link works at, once; its token is made when the mail is written.
ONE_TIME_LINKS: Mapping[str, str] = {
    "confirm_email": "confirm",
    "confirm_new_email": "confirm",
    "reset_password": "reset",
}
BECAUSE = "You get this because this address belongs to an account with Parker Flight."
_NOT_YOU = (
    "If this was not you, choose a new password at once; that ends every session of the account."
)
_FACTORS = {
    "passkey": "a passkey",
    "totp": "the codes of an authenticator app",
    "recovery_codes": "the recovery codes",
}


def _confirm(data: Data) -> tuple[str, list[str]]:
    return (
        "Confirm your address",
        [
            "Confirm that this address is yours, so that we may book for you.",
            f"The link is good until {_until(data)} and works once.",
            "If you did not ask for an account, do nothing: nobody can use it without this.",
        ],
    )


def _confirm_new(data: Data) -> tuple[str, list[str]]:
    return (
        "Confirm your new address",
        [
            "Confirm that this address is yours; until then we write to the one before.",
            f"The link is good until {_until(data)} and works once.",
            "If you did not ask for this, do nothing.",
        ],
    )


def _reset(data: Data) -> tuple[str, list[str]]:
    return (
        "Choose a new password",
        [
            "Somebody, probably you, asked to choose a new password for your account.",
            f"The link is good until {_until(data)} and works once.",
            (
                "A new password ends every session, and no new consent to a charge can be given "
                "for 24 hours. If you did not ask, do nothing: your password stays."
            ),
        ],
    )


def _exists(data: Data) -> tuple[str, list[str]]:
    del data
    return (
        "You have an account already",
        [
            "Somebody, probably you, tried to open an account with this address; there is one.",
            "Sign in, or choose a new password if you have forgotten it. Nothing was changed.",
        ],
    )


def _password(data: Data) -> tuple[str, list[str]]:
    del data
    return (
        "Your password was changed",
        [
            "The password of your account was changed, and every other session was ended.",
            "Your wishes go on as they are. " + _NOT_YOU,
        ],
    )


def _address(data: Data) -> tuple[str, list[str]]:
    del data
    return (
        "Your address was changed",
        [
            "The address of your account was changed; from now on we write to the new one.",
            "If this was not you, answer this mail at once: a person looks at it.",
        ],
    )


def _factor_added(data: Data) -> tuple[str, list[str]]:
    what = _factor(data)
    return (
        f"Your account can now be opened with {what}",
        [f"Somebody, probably you, added {what} to your account.", _NOT_YOU],
    )


def _factor_removed(data: Data) -> tuple[str, list[str]]:
    what = _factor(data)
    return (
        f"Your account is no longer opened with {what}",
        [f"Somebody, probably you, removed {what} from your account.", _NOT_YOU],
    )


def _recovery(data: Data) -> tuple[str, list[str]]:
    left = int(data.get("left", 0))
    return (
        "A recovery code was used",
        [
            f"Your account was opened with a recovery code. {left} are left.",
            "Make new ones when few are left. " + _NOT_YOU,
        ],
    )


def _api_key(data: Data) -> tuple[str, list[str]]:
    spends = bool(data.get("may_spend"))
    return (
        "An API key was made",
        [
            "Somebody, probably you, made an API key for your account.",
            "It may book within the limit that was set." if spends else "It cannot spend money.",
            "If this was not you, revoke it on the page of your keys and choose a new password.",
        ],
    )


def _factor(data: Data) -> str:
    return _FACTORS.get(str(data.get("factor")), "another factor")


def _until(data: Data) -> str:
    return str(data["expires_at"])[:16].replace("T", " ") + " UTC"


ACCOUNT_WRITERS: Mapping[str, Callable[[Data], tuple[str, list[str]]]] = {
    "confirm_email": _confirm,
    "confirm_new_email": _confirm_new,
    "reset_password": _reset,
    "account_exists": _exists,
    "password_changed": _password,
    "email_changed": _address,
    "factor_added": _factor_added,
    "factor_removed": _factor_removed,
    "recovery_code_used": _recovery,
    "api_key_created": _api_key,
}
