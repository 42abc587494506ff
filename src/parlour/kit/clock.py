"""The domain clock (DESIGN 2.10): the time that timers, wire dates and expiry follow."""

from datetime import UTC, datetime
from typing import Protocol


def real_now() -> datetime:
    """Return real time in UTC: leases, heartbeats and calls to others follow it, never the domain clock."""
    return datetime.now(UTC)


class Clock(Protocol):
    """Tells domain time."""

    def now(self) -> datetime:
        """Return the domain time, aware and in UTC."""
        ...


class SystemClock:
    """Domain time is real time."""

    def now(self) -> datetime:
        """Return the real time in UTC."""
        return real_now()


class FrozenClock:
    """Domain time stands still until somebody moves it (``--test-clock`` and tests)."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the time at which the clock stands."""
        return self._at

    def set(self, at: datetime) -> None:
        """Move the clock; it never goes back."""
        self._at = max(self._at, at)
