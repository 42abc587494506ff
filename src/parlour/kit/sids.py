"""SIDs: two letters and 32 hex digits, ordered by the time of their making (DESIGN 2.2)."""

import os
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

_PATTERN: Final = re.compile(r"^[A-Z]{2}[0-9a-f]{32}$")
_ANY_CASE: Final = re.compile(r"^[a-zA-Z]{2}[0-9a-fA-F]{32}$")
_TAIL_BITS: Final = 60  # random bits at the end of a SID
_TAIL: Final = (1 << _TAIL_BITS) - 1
_RANDOM_BYTES: Final = 9  # the tail, and 12 bits where a millisecond's counter begins
_ULID_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Sids:
    """Mints SIDs whose order is the order of their making within a process.

    The first 48 bits are milliseconds of domain time, the next 20 a counter that starts anew in each millisecond
    at a random place, the rest is random.
    """

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._millisecond = -1
        self._counter = 0

    def new(self, prefix: str, at: datetime) -> str:
        """Return a new SID.

        :param prefix: two capital letters, such as ``CH``.
        :param at: domain time of the making.
        """
        millisecond = max(int(at.timestamp() * 1000), self._millisecond)
        random = int.from_bytes(self._random_bytes(_RANDOM_BYTES))
        if millisecond > self._millisecond:
            self._counter = random >> _TAIL_BITS
        else:
            self._counter += 1
            if self._counter >= 1 << 20:
                millisecond += 1
                self._counter = 0
        self._millisecond = millisecond
        return f"{prefix}{millisecond:012x}{self._counter:05x}{random & _TAIL:015x}"


def is_sid(value: str, *prefixes: str) -> bool:
    """Say whether ``value`` has the form of a SID, of one of ``prefixes`` where any are given."""
    return bool(_ANY_CASE.match(value)) and (not prefixes or value[:2] in prefixes)


def is_exact_sid(value: str) -> bool:
    """Say whether ``value`` is spelled as we mint SIDs: capital prefix, lower-case digits."""
    return bool(_PATTERN.match(value))


def ulid_of(sid: str) -> str:
    """Return the 128 bits of a SID as the 26 characters of a ULID, which sort the same way."""
    value = int.from_bytes(bytes.fromhex(sid[2:]))
    return "".join(_ULID_DIGITS[(value >> shift) & 31] for shift in range(125, -1, -5))
