"""How a person takes a worker over from its robot: a mark in the worker's attributes, which the robot obeys.

The mark runs out, so that a terminal that was killed gives the worker back after a minute.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

MARK: Final = "answered_by"
VALID: Final = timedelta(seconds=60)
RENEW: Final = timedelta(seconds=20)


def taken(attributes: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a person answers for this worker at the moment."""
    mark = attributes.get(MARK)
    if not isinstance(mark, Mapping):
        return False
    try:
        return datetime.fromisoformat(str(mark.get("until"))) > now
    except ValueError:
        return False


def take(attributes: Mapping[str, Any], desk: str, now: datetime) -> dict[str, Any]:
    """Return the attributes with our mark.

    :param desk: name of this terminal among others of the same worker.
    """
    return {**attributes, MARK: {"desk": desk, "until": (now + VALID).isoformat(timespec="seconds")}}


def give_back(attributes: Mapping[str, Any], desk: str) -> dict[str, Any]:
    """Return the attributes without our mark; another terminal's stays."""
    mark = attributes.get(MARK)
    if isinstance(mark, Mapping) and mark.get("desk") != desk:
        return dict(attributes)
    return {name: value for name, value in attributes.items() if name != MARK}
