"""What we write about being forgotten: when it was asked for, what it waits for, and that it is."""

from collections.abc import Mapping

from domain.erasures import Obstacle
from domain.letters import Draft, NoticeFacts, Page, Writer
from domain.words import Words


def _whose(facts: NoticeFacts, say: Words) -> str:
    return say("one of your travellers") if facts.data.get("traveler") else say("your account")


def _asked(facts: NoticeFacts, say: Words) -> Draft:
    traveler = bool(facts.data.get("traveler"))
    return Draft(
        say("You asked us to erase {whose}", whose=_whose(facts, say)),
        say(
            "We erase {whose} on {day}; until then you can take it back.",
            whose=_whose(facts, say),
            day=facts.instant("due_at"),
        ),
        (
            ""
            if traveler
            else say("Your wishes are paused from now on, so nothing is booked or charged."),
            say("What the law makes us keep is listed on the page."),
            say("If this was not you, take it back and choose a new password at once."),
        ),
        (say("Look, or take it back"), Page.PRIVACY),
    )


def _waits(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("Erasing {whose} has to wait", whose=_whose(facts, say)),
        say(
            "We cannot erase {whose} yet: {why}. We look again on {day}.",
            whose=_whose(facts, say),
            why=", ".join(obstacle_words(Obstacle(o), say) for o in facts.data["waits_for"]),
            day=facts.instant("due_at"),
        ),
        (say("You need to do nothing."),),
        (say("See what it waits for"), Page.PRIVACY),
    )


def _withdrawn(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("Nothing is erased"),
        say("You took back that we erase {whose}; nothing was erased.", whose=_whose(facts, say)),
        (say("Wishes that were paused stay paused until you resume them."),)
        if not facts.data.get("traveler")
        else (),
        (say("Look at your data"), Page.PRIVACY),
    )


def _begun(facts: NoticeFacts, say: Words) -> Draft:
    if facts.data.get("traveler"):
        return Draft(
            say("Your traveller is erased"),
            say("We have begun to erase one of your travellers; it is done within minutes."),
            (say("It cannot be taken back any more."),),
        )
    return Draft(
        say("Your account is erased"),
        say("We have begun to erase your account; it is done within minutes."),
        (
            say("Every session and key has ended. Nothing more will be booked or charged."),
            say("Receipts and signed consents stay as long as the law wants them."),
            say("This is our last mail to you."),
        ),
    )


def obstacle_words(obstacle: Obstacle, say: Words) -> str:
    """Say what is in the way, as part of a sentence."""
    match obstacle:
        case Obstacle.TRIP:
            return say("a trip has not ended")
        case Obstacle.BOOKING:
            return say("a booking is being made")
        case Obstacle.REFUND:
            return say("a refund is on its way to you")
        case Obstacle.HOLD:
            return say("money is still held on your card")
        case Obstacle.TASK:
            return say("one of us has to settle something about a booking")
        case Obstacle.WISH:
            return say("a wish is still to be booked for this traveller")


PRIVACY_WRITERS: Mapping[str, Writer] = {
    "erasure_asked": _asked,
    "erasure_waits": _waits,
    "erasure_withdrawn": _withdrawn,
    "erasure_begun": _begun,
}
