"""Request rates: how often an account may call one endpoint, and the headers that say so (taskrouter.md §1.3, §10)."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from parlour.kit.errors import ContractError
from parlour.rest.operations import Operation

LIMITED: Final = frozenset({"taskrouter"})  # products whose answers have the headers
INTERACTIONS: Final = ("flex-api", "/v1/Interactions")  # product and beginning of the path (flex.md §1.8)
MOST_BUCKETS: Final = 10_000
TOO_MANY: Final = 20429


class Rates:
    """A bucket of calls for each account and endpoint, in this process; it follows the real clock.

    :param per_second: calls that one endpoint takes in a second, and at once; 0 limits nothing.
    :param clock: seconds that only go on.
    :param interactions: the same for the endpoints of interactions.
    """

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic, *, interactions: int = 0) -> None:
        self._per_second = per_second
        self._interactions = interactions
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}  # calls left, and when

    def take(self, account_sid: str, operation: Operation) -> tuple[Mapping[str, str], ContractError | None]:
        """Count a call; return the headers of its answer, and the refusal where it is one too many."""
        limit = self._limit(operation)
        if not limit:
            return {}, None
        key = (account_sid, operation.method, operation.path)
        now = self._clock()
        left, before = self._buckets.get(key, (float(limit), now))
        left = min(float(limit), left + (now - before) * limit)
        refusal = None
        if left >= 1:
            left -= 1
        else:
            refusal = ContractError(TOO_MANY, 429, f"Too many requests: at most {limit} a second to this endpoint")
        if len(self._buckets) >= MOST_BUCKETS:
            self._buckets.clear()
        self._buckets[key] = (left, now)
        if operation.product not in LIMITED:
            return {}, refusal
        headers = {
            "X-Rate-Limit-Limit": str(limit),
            "X-Rate-Limit-Remaining": str(int(left)),
            "X-Rate-Limit-Config": f"{limit}/s",
        }
        return headers, refusal

    def _limit(self, operation: Operation) -> int:
        """Calls a second to an endpoint; 0 is any number."""
        if operation.product in LIMITED:
            return (operation.rate or self._per_second) if self._per_second else 0
        product, beginning = INTERACTIONS
        return self._interactions if operation.product == product and operation.path.startswith(beginning) else 0
