"""What we tell a traveller of wishes and bookings: first what is so, then the money, then next."""

from collections.abc import Mapping

from domain.account_notices import ACCOUNT_WRITERS
from domain.attempts import FailureReason
from domain.letters import Draft, Letter, NoticeFacts, Page, Writer, finish
from domain.words import IN_ENGLISH, Words


def compose(event: str, facts: NoticeFacts, say: Words = IN_ENGLISH) -> Letter:
    """Write the message of an event, in the reader's language where all of it is known there.

    Raises:
        KeyError: nobody has written a message for this event.
    """
    theirs = say.afresh()
    letter = _written(event, facts, theirs)
    return letter if theirs.complete else _written(event, facts, say.in_english())


def _written(event: str, facts: NoticeFacts, say: Words) -> Letter:
    if event in ACCOUNT_WRITERS:
        draft = ACCOUNT_WRITERS[event](facts, say)
        because = say("You get this because this address belongs to an account of Parker Flight.")
    else:
        draft = WRITERS[event](facts, say)
        because = _because(facts, say)
    return finish(draft, facts, say, because)


def _because(facts: NoticeFacts, say: Words) -> str:
    if facts.wish:
        return say("You get this because of your wish: {wish}.", wish=facts.wish)
    if facts.booking_id:
        return say("You get this because of your booking.")
    return say("You get this because you have an account with Parker Flight.")


def _booked(facts: NoticeFacts, say: Words) -> Draft:
    reference, price = facts.data["booking_reference"], facts.money("price_minor")
    return Draft(
        say("Booked: {reference}", reference=reference),
        say(
            "Your flights are booked for {price}; your booking reference is {reference}.",
            price=price,
            reference=reference,
        ),
        (
            say(
                "We charged {price} to your card, once. The tickets are being issued.", price=price
            ),
            say("You need to do nothing now. We watch the booking until you have flown."),
        ),
        _see_booking(say),
        flights=True,
    )


def _ticketed(facts: NoticeFacts, say: Words) -> Draft:
    reference = facts.data["booking_reference"]
    numbers = ", ".join(facts.tickets) or say("see the booking")
    return Draft(
        say("Your tickets for {reference}", reference=reference),
        say(
            "Your tickets are issued: {numbers}. Your booking reference is {reference}.",
            numbers=numbers,
            reference=reference,
        ),
        (say("Nothing more is charged."),),
        _see_booking(say),
        flights=True,
    )


def _failed(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("We tried to book and did not"),
        say("We found flights for you, but {why}.", why=_why(facts, say)),
        (
            say("Nothing was charged; what was held on your card has been released."),
            say("We go on watching. You need to do nothing."),
        ),
        (say("See the wish"), Page.WISH),
    )


def _allowance_ended(facts: NoticeFacts, say: Words) -> Draft:
    return Draft(
        say("Not booked: the flights that you allowed"),
        say("The flights that you allowed are not booked: {why}.", why=_why(facts, say)),
        (
            say("Nothing was charged; what was held on your card has been released."),
            say("The budget of your wish is as it was, and we go on watching."),
        ),
        (say("See the wish"), Page.WISH),
    )


def _why(facts: NoticeFacts, say: Words) -> str:
    match FailureReason(facts.data["reason"]):
        case FailureReason.OFFER_GONE:
            return say("the flights were sold before we could book them")
        case FailureReason.PRICE_ROSE:
            return say("the price rose above what you allow")
        case FailureReason.ALLOWANCE_LAPSED:
            return say("they were not booked within the time that you gave")
        case FailureReason.CRITERIA_NOT_MET:
            return say("the flights no longer satisfied your wish")
        case FailureReason.ORDER_REFUSED:
            return say("the airline refused the booking")
        case FailureReason.ORDER_NEVER_HAPPENED:
            return say("the airline never confirmed the booking")
        case FailureReason.PROVIDER_UNAVAILABLE:
            return say("the airline could not be reached")
        case FailureReason.BOOKING_STOPPED:
            return say("booking is stopped for everybody for the moment")
        case FailureReason.CARD_TRY_LATER:
            return say("your card could not be charged just now")
        case _:
            return say("the booking did not come about")


def _action_needed(facts: NoticeFacts, say: Words) -> Draft:
    what, remedy, action = _remedy(facts.data["reason"], say)
    seat = say("Nothing was charged and no seat is held.")
    if facts.data["reason"] == "capture_refused":
        # A person may still have to give the seat back: nothing is said of it.
        seat = say("Nothing was charged.")
    return Draft(
        what,
        f"{what}. {seat}",
        (say("Your wish is paused until you act."), remedy),
        action,
    )


def _remedy(reason: str, say: Words) -> tuple[str, str, tuple[str, Page]]:
    cards = (say("Go to your cards"), Page.CARDS)
    match reason:
        case "card_declined":
            how = say("Add another card or make another one the default, then resume the wish.")
            return say("Your card was declined"), how, cards
        case "authentication_lapsed":
            how = say(
                "Resume the wish; when the next match needs your bank again, answer within 24"
                " hours."
            )
            return say("Your bank was waiting for you"), how, (say("Open the wish"), Page.WISH)
        case "capture_refused":
            how = say("Add another card, then resume the wish.")
            return say("Your card could not be charged"), how, cards
        case "traveller_data":
            how = say("Check names, birth dates and documents, then resume the wish.")
            what = say("A traveller's details need a look")
            return what, how, (say("Check the travellers"), Page.TRAVELLERS)
        case "no_card":
            how = say("Add a card, then resume the wish.")
            return say("There is no card to pay with"), how, (say("Add a card"), Page.CARDS)
        case "consent_needed":
            how = say(
                "What you agreed to does not cover this wish as it is now, so nothing may be"
                " charged. Read what you allow, and consent again."
            )
            return say("Your consent is needed again"), how, (say("Open the wish"), Page.WISH)
        case _:
            how = say("Open it to see why.")
            return say("Your wish needs you"), how, (say("Open the wish"), Page.WISH)


def _authentication(facts: NoticeFacts, say: Words) -> Draft:
    amount = facts.money("amount_minor")
    return Draft(
        say("Your bank asks for you"),
        say("Your bank asks you to confirm that we may hold {amount}.", amount=amount),
        (
            say("We found flights for your wish. Nothing is charged or held yet."),
            say(
                "The link leads to your bank and is good until {ends}. After that we let these"
                " flights go.",
                ends=facts.instant("lapses_at"),
            ),
        ),
        (say("Confirm {amount} with your bank", amount=amount), Page.LINK),
    )


def _approval(facts: NoticeFacts, say: Words) -> Draft:
    price = facts.money("price_minor")
    return Draft(
        say("Flights for {price}: shall we book?", price=price),
        say("We found flights for {price} that satisfy your wish.", price=price),
        (
            say(
                "Nothing is held and nothing is charged. If you approve, we search them afresh and"
                " book them at this price or below."
            ),
            say(
                "Please answer by {ends}; after that we go on watching.",
                ends=facts.instant("expires_at"),
            ),
        ),
        (say("Look at these flights and decide"), Page.WISH),
        flights=True,
    )


def _fare_found(facts: NoticeFacts, say: Words) -> Draft:
    price = facts.money("price_minor")
    return Draft(
        say("Flights for {price}", price=price),
        say("We found flights for {price} that satisfy your wish.", price=price),
        (
            say("Nothing was booked and nothing is held: you asked to be told, not booked."),
            say("Fares like this may be gone within hours."),
        ),
        (say("See what we found"), Page.WISH),
        flights=True,
    )


def _expiring(facts: NoticeFacts, say: Words) -> Draft:
    ends = facts.instant("ends_at").date()
    return Draft(
        say("Your wish ends soon"),
        say("Your wish ends on {day} and is not booked yet.", day=ends),
        (
            say("Nothing was charged."),
            say("A higher budget or wider dates may help; you can edit the wish until then."),
        ),
        (say("Edit the wish"), Page.WISH_EDIT),
    )


def _expired(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Your wish has ended"),
        say("Your wish has ended without a booking: no flights satisfied it in time."),
        (say("Nothing was charged and nothing is held."),),
        (say("Make a new wish"), Page.NEW_WISH),
    )


def _cancelled(facts: NoticeFacts, say: Words) -> Draft:
    reference = facts.data["booking_reference"]
    if facts.data.get("cancelled_by") == "airline":
        sentence = say("The airline has cancelled your booking {reference}.", reference=reference)
        money = say("You do not pay for flights that are not flown: the refund follows by itself.")
    else:
        sentence = say("We have cancelled your booking {reference}.", reference=reference)
        money = say("What comes back to your card, and when, is told in a message of its own.")
        if facts.data.get("refund_minor") == 0:
            money = say("As the quote said, this fare gives nothing back.")
    subject = say("Cancelled: {reference}", reference=reference)
    return Draft(subject, sentence, (money,), _see_booking(say))


def _refunded(facts: NoticeFacts, say: Words) -> Draft:
    amount = facts.money("refund_minor")
    return Draft(
        say("Refund of {amount}", amount=amount),
        say("We have given {amount} back to your card.", amount=amount),
        (say("It usually arrives within 5 to 10 business days, depending on your bank."),),
        _see_booking(say),
    )


def _refund_by_person(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Your refund is being looked at"),
        say("The airline gives back something other than money to your card."),
        (
            say("It may be a voucher or a credit, or it does not say how much."),
            say("A person is looking at it and will write to you."),
        ),
        _see_booking(say),
    )


def _not_cancellable(facts: NoticeFacts, say: Words) -> Draft:
    reference = facts.data["booking_reference"]
    return Draft(
        say("Not cancelled: {reference}", reference=reference),
        say(
            "The airline did not accept the cancellation of {reference}; your booking stands.",
            reference=reference,
        ),
        (say("Nothing was charged or given back. Ask for a new quote to try again."),),
        _see_booking(say),
    )


def _schedule(facts: NoticeFacts, say: Words) -> Draft:
    reference = facts.data["booking_reference"]
    return Draft(
        say("The airline changed your flights: {reference}", reference=reference),
        say("The airline changed the flights of your booking {reference}.", reference=reference),
        (
            say("Nothing is charged. Your booking stands until you answer."),
            say("See what was, what is new and what you may ask for, and answer there."),
        ),
        _see_booking(say),
    )


def _card_expiring(facts: NoticeFacts, say: Words) -> Draft:
    card, over = facts.card or say("Your card"), bool(facts.data.get("expired"))
    subject = say("Your card has expired") if over else say("Your card expires soon")
    paragraphs = [say("Nothing is charged or changed now.")]
    if facts.data.get("wishes"):
        paragraphs.append(
            say("A wish that would be paid with it cannot be booked once it has expired.")
        )
    return Draft(
        subject,
        _ends(card, facts, say),
        (*paragraphs, say("Add the new card, or make another one the default.")),
        (say("Go to your cards"), Page.CARDS),
    )


def _passport_expiring(facts: NoticeFacts, say: Words) -> Draft:
    who, over = facts.traveller or say("a traveller"), bool(facts.data.get("expired"))
    subject = say("A passport has expired") if over else say("A passport expires soon")
    return Draft(
        subject,
        _ends(say("The passport of {who}", who=who), facts, say),
        (
            say("Many countries want it to be good for six months after the trip."),
            say("Enter the new one when it is there."),
        ),
        (say("Go to the travellers"), Page.TRAVELLERS),
    )


def _ends(what: str, facts: NoticeFacts, say: Words) -> str:
    if facts.expires_on is None:
        return say("{what} expires soon.", what=what)
    if facts.data.get("expired"):
        return say("{what} expired on {day}.", what=what, day=facts.expires_on)
    return say("{what} expires on {day}.", what=what, day=facts.expires_on)


def _address_refused(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("Our mail does not reach you"),
        say("Mail to your address is refused, so you may miss what we have to tell you."),
        (
            say("Your wishes go on, and everything we wrote stands among your notices."),
            say("Check the address of your account, or give us another one."),
        ),
        (say("Look at your address"), Page.ADDRESS),
    )


def _webhook_disabled(facts: NoticeFacts, say: Words) -> Draft:
    del facts
    return Draft(
        say("A webhook was switched off"),
        say("One of your webhooks did not answer for days, so we stopped calling it."),
        (
            say("Nothing else changed: your wishes go on, and you are told by mail and here."),
            say("Once it answers again, switch it on and send what it missed."),
        ),
        (say("Look at your webhooks"), Page.WEBHOOKS),
    )


def _see_booking(say: Words) -> tuple[str, Page]:
    return (say("See the booking"), Page.BOOKING)


WRITERS: Mapping[str, Writer] = {
    "booked": _booked,
    "ticketed": _ticketed,
    "failed": _failed,
    "allowance_ended": _allowance_ended,
    "action_needed": _action_needed,
    "no_card": _action_needed,
    "consent_needed": _action_needed,
    "authentication_required": _authentication,
    "approval_needed": _approval,
    "fare_found": _fare_found,
    "expiring_soon": _expiring,
    "expired": _expired,
    "booking_cancelled": _cancelled,
    "refunded": _refunded,
    "refund_by_person": _refund_by_person,
    "not_cancellable": _not_cancellable,
    "schedule_changed": _schedule,
    "card_expiring": _card_expiring,
    "passport_expiring": _passport_expiring,
    "address_refused": _address_refused,
    "webhook_disabled": _webhook_disabled,
}
