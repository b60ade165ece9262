"""A fare's conditions in plain words, with the amount and until when."""

from collections import Counter

from domain.money import Money
from domain.order_details import Bags, ExtraService, FareCondition
from domain.values import Value


class Rule(Value):
    """One condition: `good` says whether it leaves the traveller free, None where unknown."""

    title: str
    sentence: str
    good: bool | None


def rules_of(change: FareCondition | None, refund: FareCondition | None) -> tuple[Rule, ...]:
    return change_rule(change), refund_rule(refund)


def change_rule(condition: FareCondition | None) -> Rule:
    title = "Change"
    if condition is None:
        return Rule(
            title=title,
            sentence="The airline does not say whether this fare can be changed.",
            good=None,
        )
    if not condition.allowed:
        return Rule(title=title, sentence="Not allowed with this fare.", good=False)
    fee = _fee(condition.penalty)
    return Rule(
        title=title,
        sentence=f"{fee} until departure, and what the new flights cost more.",
        good=True,
    )


def refund_rule(condition: FareCondition | None) -> Rule:
    title = "Cancel"
    if condition is None:
        return Rule(
            title=title,
            sentence=(
                "The airline does not say what it gives back. Ask for a quote before you decide: "
                "asking cancels nothing."
            ),
            good=None,
        )
    if not condition.allowed:
        return Rule(
            title=title,
            sentence="This fare gives no money back. If the airline cancels, it must refund you.",
            good=False,
        )
    if condition.penalty is None:
        return Rule(
            title=title,
            sentence="Allowed until departure; the airline keeps a part that only a quote shows.",
            good=True,
        )
    if condition.penalty.minor == 0:
        return Rule(title=title, sentence="All of the money back until departure.", good=True)
    return Rule(
        title=title,
        sentence=f"The airline keeps {condition.penalty} until departure; the rest comes back.",
        good=True,
    )


def bag_words(bags: Bags) -> str:
    """Say what one person may bring: `1 checked bag and 1 cabin bag`."""
    if bags.checked is None and bags.carry_on is None:
        return "the airline does not say"
    parts = [
        _count(bags.checked, "checked bag"),
        _count(bags.carry_on, "cabin bag"),
    ]
    said = [part for part in parts if part]
    return " and ".join(said) if said else "no bag but a personal item"


def same_everywhere(bags: tuple[Bags, ...]) -> Bags | None:
    """Return what holds on all flights; None where flights differ, or none are known."""
    return bags[0] if len(Counter(bags)) == 1 else None


def service_words(service: ExtraService) -> str:
    names = {
        "baggage": "extra bag",
        "seat": "seat",
        "cancel_for_any_reason": "right to cancel for any reason",
    }
    name = names.get(service.kind, service.kind.replace("_", " "))
    weight = f" of up to {service.weight_kg} kg" if service.weight_kg else ""
    plural = "s" if service.quantity > 1 and name.endswith(("bag", "seat")) else ""
    return f"{service.quantity} {name}{plural}{weight}"


def _fee(penalty: Money | None) -> str:
    if penalty is None:
        return "Allowed, for a fee that the airline does not tell,"
    return "Free of charge" if penalty.minor == 0 else f"For {penalty}"


def _count(number: int | None, word: str) -> str:
    if not number:
        return ""
    return f"{number} {word}{'s' if number > 1 else ''}"
