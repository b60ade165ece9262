"""One circuit breaker a vendor and process: a vendor that is away is not asked by everybody."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.breakers import Breaker
from providers.errors import OutcomeUnknown, ProviderError, ProviderUnavailable, RateLimited
from runtime.clock import Clock, system_now

LEFT_ALONE = "left_alone"
Tell = Callable[[str, Breaker], None]


class CircuitBreaker:
    """Holds calls back while a vendor is away; `tell` hears when that begins, goes on and ends."""

    def __init__(self, vendor: str, tell: Tell, *, clock: Clock = system_now) -> None:
        self.vendor = vendor
        self._tell, self._clock = tell, clock
        self._is = Breaker()

    def lets_through(self) -> bool:
        """Say whether a call may be made; of those that may not, nothing happened."""
        found = self._is.tried(self._clock())
        if found is None:
            return False
        self._become(found)
        return True

    def heard(self, *, answered: bool) -> None:
        """Take in what came of a call; a no is an answer."""
        self._become(Breaker() if answered else self._is.failed(self._clock()))

    @contextmanager
    def around(self, operation: str) -> Iterator[None]:
        """Make one call, or none.

        Raises:
            ProviderUnavailable: the vendor is left alone for the moment.
        """
        if not self.lets_through():
            raise ProviderUnavailable(self.vendor, operation, LEFT_ALONE)
        try:
            yield
        except ProviderError as error:
            silent = isinstance(error, ProviderUnavailable | OutcomeUnknown)
            self.heard(answered=isinstance(error, RateLimited) or not silent)
            raise
        self.heard(answered=True)

    def _become(self, found: Breaker) -> None:
        was, self._is = self._is, found
        if found.retry_at != was.retry_at:
            self._tell(self.vendor, found)
