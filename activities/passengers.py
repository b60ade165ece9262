"""An offer's passengers by name, as an airline's order wants them."""

from collections.abc import Sequence
from datetime import date

from domain.travelers import PassengerKind, TravelerDetails, age_on, passenger_kind
from providers.ports import OrderPassenger, PassengerDocument


def order_passengers(
    people: Sequence[TravelerDetails], refs: Sequence[str], on: date
) -> tuple[OrderPassenger, ...]:
    """Name the passengers of an offer; infants sit with one adult each, by their ages `on`."""
    kinds = [passenger_kind(age_on(p.born_on, on)) for p in people]
    infants = [r for r, k in zip(refs, kinds, strict=True) if k is PassengerKind.INFANT]
    laps = iter(infants)
    return tuple(
        _order_passenger(person, ref, next(laps, None) if kind is PassengerKind.ADULT else None)
        for person, ref, kind in zip(people, refs, kinds, strict=True)
    )


def _order_passenger(person: TravelerDetails, ref: str, infant_ref: str | None) -> OrderPassenger:
    return OrderPassenger(
        ref=ref,
        title=person.title,
        given_name=person.given_name,
        family_name=person.family_name,
        gender=person.gender,
        born_on=person.born_on,
        email=person.email,
        phone=person.phone,
        infant_ref=infant_ref,
        documents=tuple(
            PassengerDocument(
                kind=d.kind,
                number=d.number,
                issuing_country=d.issuing_country,
                expires_on=d.expires_on,
            )
            for d in person.documents
        ),
        loyalty=person.loyalty,
    )
