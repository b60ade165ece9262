"""Itineraries: slices of segments, in local times as airlines publish them."""

from datetime import date, datetime

from domain.values import Value


class Segment(Value):
    """One flight. Times are local to the airport, without a zone."""

    origin: str
    destination: str
    departing_at: datetime
    arriving_at: datetime
    duration_minutes: int
    marketing_carrier: str
    flight_number: str
    operating_carrier: str
    cabin: str | None = None
    technical_stops: int = 0
    origin_terminal: str | None = None
    destination_terminal: str | None = None


class Slice(Value):
    """A journey one way: one or more segments."""

    origin: str
    destination: str
    duration_minutes: int
    segments: tuple[Segment, ...]
    fare_brand: str | None = None

    @property
    def connections(self) -> int:
        return len(self.segments) - 1 + sum(s.technical_stops for s in self.segments)

    @property
    def departing_at(self) -> datetime:
        return self.segments[0].departing_at

    @property
    def arriving_at(self) -> datetime:
        return self.segments[-1].arriving_at


class Itinerary(Value):
    """One slice for a one-way, two for a return."""

    slices: tuple[Slice, ...]

    @property
    def key(self) -> str:
        """Name the flights, so that the same itinerary is found again in another search."""
        return "|".join(
            "+".join(
                f"{s.marketing_carrier}{s.flight_number}@{s.departing_at:%Y-%m-%dT%H:%M}"
                for s in leg.segments
            )
            + (f"#{leg.fare_brand}" if leg.fare_brand else "")
            for leg in self.slices
        )

    @property
    def departs_on(self) -> date:
        return self.slices[0].departing_at.date()

    @property
    def returns_on(self) -> date | None:
        return self.slices[1].departing_at.date() if len(self.slices) > 1 else None

    @property
    def connections(self) -> int:
        return max(leg.connections for leg in self.slices)

    @property
    def duration_minutes(self) -> int:
        return sum(leg.duration_minutes for leg in self.slices)
