"""SIDs: two letters and 32 hex digits, ordered by the time of their making (DESIGN 2.2)."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import ClassVar, Final

_PATTERN: Final = re.compile(r"^[A-Z]{2}[0-9a-f]{32}$")
_ANY_CASE: Final = re.compile(r"^[a-zA-Z]{2}[0-9a-fA-F]{32}$")
_TAIL_BITS: Final = 60  # random bits at the end of a SID
_TAIL: Final = (1 << _TAIL_BITS) - 1
_RANDOM_BYTES: Final = 9  # the tail, and 12 bits where a millisecond's counter begins
_AT_ONCE: Final = 256  # SIDs whose random bytes are taken from the system together
_ULID_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Sids:
    """Mints SIDs whose order is the order of their making within a process.

    The first 48 bits are milliseconds of domain time, the next 20 a counter that starts anew in each millisecond
    at a random place, the rest is random.

    :cvar forks: of which this process is the last.
    """

    forks: ClassVar[int] = 0

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._randoms = self._take_randoms()
        self._millisecond = -1
        self._counter = 0
        self._fork = Sids.forks

    def new(self, prefix: str, at: datetime) -> str:
        """Return a new SID.

        :param prefix: two capital letters, such as ``CH``.
        :param at: domain time of the making.
        """
        millisecond = max(int(at.timestamp() * 1000), self._millisecond)
        if self._fork != Sids.forks:  # what is left of the bytes was taken by the parent too
            self._randoms, self._fork = self._take_randoms(), Sids.forks
        random = int.from_bytes(next(self._randoms))
        if millisecond > self._millisecond:
            self._counter = random >> _TAIL_BITS
        else:
            self._counter += 1
            if self._counter >= 1 << 20:
                millisecond += 1
                self._counter = 0
        self._millisecond = millisecond
        return f"{prefix}{millisecond << 80 | self._counter << _TAIL_BITS | random & _TAIL:032x}"

    @classmethod
    def count_fork(cls) -> None:
        """Hear that this process began as the copy of another."""
        cls.forks += 1

    def _take_randoms(self) -> Iterator[bytes]:
        while True:
            some = self._random_bytes(_RANDOM_BYTES * _AT_ONCE)
            for begin in range(0, len(some), _RANDOM_BYTES):
                yield some[begin : begin + _RANDOM_BYTES]


os.register_at_fork(after_in_child=Sids.count_fork)


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
