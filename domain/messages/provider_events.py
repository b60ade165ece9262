"""What the process that works on providers' events is asked."""

from domain.values import Value

EVENTS_ID = "provider-events"
KEEP_EVENTS_ID = "keep-provider-events"


class EventsInput(Value):
    """`once`: only what is due now, for the schedule that finds what nobody was told of."""

    once: bool = False
