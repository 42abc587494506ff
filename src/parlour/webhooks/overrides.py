"""Connection overrides: what stands behind `#` in a webhook's URL, for the caller alone (channels.md §1.7).

They are never sent, signed, logged with the URL or stored in the log.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

TOTAL: Final = 5.0  # seconds in all, at every level (conversations.md §6.4)
LONGEST: Final = 15.0  # seconds that an override may ask for
POLICIES: Final = ("4xx", "5xx", "ct", "rt", "all")
MILLISECONDS: Final = {"ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000)}
RETRIES: Final = (0, 5)
RETRIES_OF_A_POLICY: Final = 1  # where only `rp` is given


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """How a webhook is called.

    :ivar connect: seconds for the connection.
    :ivar read: seconds without a byte of the answer.
    :ivar total: seconds for all tries of one delivery.
    :ivar retries: further tries of one delivery, None where the URL does not say and our own retries apply.
    :ivar policy: failures that are tried again, of `POLICIES`.
    """

    connect: float = TOTAL
    read: float = TOTAL
    total: float = TOTAL
    retries: int | None = None
    policy: frozenset[str] = frozenset({"ct"})

    def tries_again(self, *, status: int | None, sent: bool) -> bool:
        """Say whether the URL asks for another try.

        :param status: of the answer, None where there was none.
        :param sent: whether the receiver may have seen the request.
        """
        silence = "rt" if sent else "ct"
        kind = silence if status is None else f"{status // 100}xx"
        return kind in self.policy or ("all" in self.policy and (status is None or status >= 400))


def of(url: str, patience: float = TOTAL) -> Overrides:
    """Return the overrides of a URL; other fragments say nothing, and what is out of its range counts as its limit.

    :param patience: seconds in all where the URL does not say.
    """
    given = dict(parse_qsl(urlsplit(url).fragment))
    numbers = {name: int(text[:8]) for name, text in given.items() if text.isdecimal()}
    seconds = {name: _within(numbers[name], *MILLISECONDS[name]) / 1000 for name in MILLISECONDS.keys() & numbers}
    retries = _within(numbers["rc"], *RETRIES) if "rc" in numbers else None
    if retries is None and "rp" in given:
        retries = RETRIES_OF_A_POLICY
    return Overrides(
        connect=seconds.get("ct", TOTAL),
        read=seconds.get("rt", patience),
        total=seconds.get("tt", patience if retries is None and not seconds else LONGEST),
        retries=retries,
        policy=frozenset(_policy(given.get("rp", "ct"))),
    )


def mistake(url: str) -> str | None:
    """Return what is wrong with the overrides of a URL, None where nothing is."""
    for name, value in parse_qsl(urlsplit(url).fragment, keep_blank_values=True):
        check = _CHECKS.get(name)
        if check is not None and not check(value):
            return f"the connection override {name}={value[:32]} is out of range"
    return None


def _policy(text: str) -> list[str]:
    return [part.strip().lower() for part in text.split(",")]


def _within(number: int, least: int, most: int) -> int:
    return min(max(number, least), most)


def _between(least: int, most: int) -> Callable[[str], bool]:
    return lambda text: text.isdecimal() and len(text) < 9 and least <= int(text) <= most


# Which zone calls (`e`) is no question here, and the name of the host is always indicated (`sni`): neither is checked.
_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    **{name: _between(*bounds) for name, bounds in MILLISECONDS.items()},
    "rc": _between(*RETRIES),
    "rp": lambda text: all(part in POLICIES for part in _policy(text)),
}
