"""How often something may happen in a second, for each of many: a token bucket for each key, in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

REMEMBERED: Final = 10_000  # keys


class Rates:
    """Counts by real time; a key that nobody used lately is forgotten, which leaves its bucket full.

    :param per_second: how often a key may pass, at once and in each second after; 0: any number.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def passes(self, key: str) -> bool:
        """Say whether a key may pass now, and count it if so."""
        if not self.per_second:
            return True
        now = self._clock()
        left, at = self._buckets.pop(key, (float(self.per_second), now))
        left = min(left + (now - at) * self.per_second, float(self.per_second))
        passing = left >= 1
        self._buckets[key] = (left - 1 if passing else left, now)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return passing
