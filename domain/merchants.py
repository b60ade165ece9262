"""Who takes the money, and under which name it stands on the card's statement.

It follows from the rail that the payment went over: whoever charges is the merchant of record,
answers for the charge and gives it back.
"""

from domain.values import Value


class House(Value):
    """This installation as its travellers' banks know it."""

    name: str
    statement_descriptor: str


class Merchant(Value):
    """The merchant of record of a payment."""

    name: str
    descriptor: str | None
    through: str | None  # the processor, where it is somebody else
    ours: bool

    @property
    def sentence(self) -> str:
        by_way = f" through {self.through}" if self.through else ""
        named = f', and your statement shows "{self.descriptor}"' if self.descriptor else ""
        said = f"{self.name} charges your card{by_way}{named}."
        if self.ours:
            return f"{said} The airline is paid by us and does not charge you again."
        return f"{said} We charge nothing ourselves; a refund comes from {self.name} as well."


_PROCESSORS = {"stripe": "Stripe"}


def merchant_of(rail: str, house: House, seller_name: str | None = None) -> Merchant:
    """Return who charges on this rail; a rail of none of our processors is the seller's own."""
    processor = _PROCESSORS.get(rail)
    if processor is None:
        return Merchant(
            name=seller_name or "The airline", descriptor=None, through=None, ours=False
        )
    return Merchant(
        name=house.name, descriptor=house.statement_descriptor, through=processor, ours=True
    )
