"""What we write about an account itself: its address, its password, what it is opened with.

These belong to no wish, cannot be muted, and wait for no morning.
"""

from collections.abc import Mapping

from domain.letters import Draft, NoticeFacts, Page, Writer
from domain.privacy_notices import PRIVACY_WRITERS
from domain.words import Words

# The page that a link works at, once; its token is made when the mail is written.
ONE_TIME_LINKS: Mapping[str, str] = {
    "confirm_email": "confirm",
    "confirm_new_email": "confirm",
    "reset_password": "reset",
    "email_change_asked": "keep",
}


def _confirm(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("Confirm your address"),
        say("Confirm that this address is yours, so that we may book for you."),
        (
            _good_until(facts, say),
            say("If you did not ask for an account, do nothing: nobody can use it without this."),
        ),
        (say("Confirm this address"), Page.LINK),
    )


def _confirm_new(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("Confirm your new address"),
        say("Confirm that this address is yours; until then we write to the one before."),
        (_good_until(facts, say), say("If you did not ask for this, do nothing.")),
        (say("Confirm this address"), Page.LINK),
    )


def _reset(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("Choose a new password"),
        say("Somebody, probably you, asked to choose a new password for your account."),
        (
            _good_until(facts, say),
            say(
                "A new password ends every session, and no new consent to a charge can be given"
                " for 24 hours. If you did not ask, do nothing: your password stays."
            ),
        ),
        (say("Choose a new password"), Page.LINK),
    )


def _exists(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("You have an account already"),
        say("Somebody, probably you, tried to open an account with this address; there is one."),
        (say("Sign in, or choose a new password if you forgot it. Nothing was changed."),),
        (say("Sign in"), Page.SIGN_IN),
    )


def _password(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Your password was changed"),
        say("The password of your account was changed, and every other session was ended."),
        (say("Your wishes go on as they are."), _not_you(say)),
        _look(say),
    )


def _reset_done(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Your password was reset"),
        say(
            "A new password was set by a link from your mail, and every browser was signed out."
            " For 24 hours no new consent to a charge can be given."
        ),
        (
            say("Your wishes go on as they are, within what you allowed before."),
            say(
                "If this was not you, somebody reads your mail: choose a new password here, and"
                " one for your mail."
            ),
        ),
        (say("Choose a new password"), Page.FORGOT),
    )


def _change_asked(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("Is your address to change?"),
        say("Somebody, probably you, asked to write to another address from now on."),
        (
            say("It counts once the link that we sent there is followed."),
            say("If this was not you, keep this address: that signs every browser out."),
            _good_until(facts, say),
        ),
        (say("It was not me"), Page.LINK),
    )


def _kept(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Your address stays as it was"),
        say(
            "A change of your address was stopped, and every browser was signed out. For 24 hours"
            " no new consent to a charge can be given."
        ),
        (say("Choose a new password: somebody else knows the old one."),),
        (say("Choose a new password"), Page.FORGOT),
    )


def _address(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Your address was changed"),
        say("The address of your account was changed; from now on we write to the new one."),
        (say("If this was not you, the mail before this one has a link that undoes it."),),
    )


def _factor_added(facts: NoticeFacts, say: Words) -> Draft:
    what = _factor(facts, say)
    return Draft(
        say("Your account can now be opened with {what}", what=what),
        say("Somebody, probably you, added {what} to your account.", what=what),
        (_not_you(say),),
        _look(say),
    )


def _factor_removed(facts: NoticeFacts, say: Words) -> Draft:
    what = _factor(facts, say)
    return Draft(
        say("Your account is no longer opened with {what}", what=what),
        say("Somebody, probably you, removed {what} from your account.", what=what),
        (_not_you(say),),
        _look(say),
    )


def _recovery(facts: NoticeFacts, say: Words) -> Draft:
    left = int(facts.data.get("left", 0))
    return Draft(
        say("A recovery code was used"),
        say("Your account was opened with a recovery code; {left} are left.", left=left),
        (say("Make new ones when few are left."), _not_you(say)),
        _look(say),
    )


def _guessed(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Somebody knows your password"),
        say("Somebody gave your password and then wrong codes of a second factor, several times."),
        (
            say("They did not get in; from now on each further try takes longer."),
            say("If this was not you, choose a new password at once."),
        ),
        _look(say),
    )


def _api_key(facts: NoticeFacts, say: Words) -> Draft:
    spends = bool(facts.data.get("may_spend"))
    return Draft(
        say("An API key was made"),
        say("Somebody, probably you, made an API key for your account."),
        (
            say("It may book within the limit that was set.")
            if spends
            else say("It cannot spend money."),
            say("If this was not you, revoke it and choose a new password."),
        ),
        _look(say),
    )


def _factor(facts: NoticeFacts, say: Words) -> str:
    match facts.data.get("factor"):
        case "passkey":
            return say("a passkey")
        case "totp":
            return say("the codes of an authenticator app")
        case "identity":
            return say("an identity at another provider")
        case "recovery_codes":
            return say("recovery codes")
        case "all":
            return say("any second factor")
        case _:
            return say("another factor")


def _good_until(facts: NoticeFacts, say: Words) -> str:
    ends = facts.instant("expires_at")
    return say("The link is good until {ends} and works once.", ends=ends)


def _not_you(say: Words) -> str:
    return say(
        "If this was not you, choose a new password at once; that ends every session of the"
        " account."
    )


def _look(say: Words) -> tuple[str, Page]:
    return (say("Look at your account"), Page.ACCOUNT)


ACCOUNT_WRITERS: Mapping[str, Writer] = {
    "confirm_email": _confirm,
    "confirm_new_email": _confirm_new,
    "reset_password": _reset,
    "account_exists": _exists,
    "password_changed": _password,
    "password_reset": _reset_done,
    "email_change_asked": _change_asked,
    "email_changed": _address,
    "email_kept": _kept,
    "factor_added": _factor_added,
    "factor_removed": _factor_removed,
    "recovery_code_used": _recovery,
    "codes_guessed": _guessed,
    "api_key_created": _api_key,
    **PRIVACY_WRITERS,
}
