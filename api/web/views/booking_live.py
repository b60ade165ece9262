"""What keeps a booking's page up to date: its version, the state it is in, when all is said."""

from api.booking_reading import BookingRead
from domain.attempts import AttemptState
from domain.orders import BookingState
from domain.progress import Step, booking_steps
from domain.refunds import RefundTrack

# A booking exists once its order is placed; what is still to come is the charge and the tickets.
_UNDER_WAY = {
    BookingState.ORDERED: AttemptState.CAPTURING,
    BookingState.TICKETING: AttemptState.CAPTURED,
}


def version_of(read: BookingRead) -> str:
    """Name what is shown: it changes with the row, its wish's events, the money and its bank."""
    row = read.row
    told = read.campaign.event_seq if read.campaign else 0
    back = "-".join(f"{one.status}{one.updated_at.timestamp():.6f}" for one in read.refunds)
    asked = "-".join(f"{one.status}{one.updated_at.timestamp():.6f}" for one in read.disputes)
    return f"{row.row_version}.{row.schedule_changes}.{told}.{back}.{asked}"


def code_of(read: BookingRead, track: RefundTrack | None) -> str:
    """Name the state that is announced when it changes: the booking's, or the money's."""
    return f"{read.row.state}.{track.holder}" if track else read.row.state.value


def steps_of(read: BookingRead) -> tuple[Step, ...]:
    """Return how far the booking has come while its tickets are not there; then none."""
    state = read.row.state
    under_way = _UNDER_WAY.get(state)
    return booking_steps(under_way, booking=state) if under_way else ()


def is_over(read: BookingRead) -> bool:
    """Say whether nothing more will happen that the page would have to show."""
    if read.row.state is BookingState.FLOWN:
        return True
    back = read.refunded.minor >= read.charged.minor - read.penalty.minor
    return read.row.state is BookingState.CANCELLED and back
