"""The interval of a question about the past: the last minutes, or between two dates (taskrouter.md §7.3, §8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from parlour.kit.errors import ContractError
from parlour.rest.errors import invalid_parameter

DEFAULT_MINUTES: Final = 15
KEPT: Final = timedelta(days=30)  # what the event log remembers
TOO_OLD: Final = 14241


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``start`` to ``end``, both within it (domain time)."""

    start: datetime
    end: datetime


def interval(now: datetime, *, minutes: int | None, start: datetime | None, end: datetime | None) -> Interval:
    """Read ``Minutes``, ``StartDate`` and ``EndDate``; dates go before minutes, minutes end now or at ``EndDate``.

    :raises ContractError: 400/20001, they do not fit together; 400/14241, it begins before the log does.
    """
    if minutes is not None and minutes < 1:
        raise invalid_parameter("Minutes", "at least 1")
    if minutes is not None and timedelta(minutes=minutes) > KEPT:
        raise ContractError(TOO_OLD, 400, "Invalid parameter Minutes: events are kept for 30 days")
    last = now if end is None else end
    first = start if start is not None else last - timedelta(minutes=minutes or DEFAULT_MINUTES)
    if first > last:
        raise invalid_parameter("StartDate" if start is not None else "EndDate", "the interval ends before it begins")
    if start is not None and first < now - KEPT:
        raise ContractError(TOO_OLD, 400, "Invalid parameter StartDate: it is more than 30 days ago")
    return Interval(first, last)
