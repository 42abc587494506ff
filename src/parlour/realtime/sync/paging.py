"""Pages of items; a token says everything, because some clients send nothing else (realtime-protocol.md §8.2)."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from parlour.kit.errors import ContractError
from parlour.realtime.sync.items import Key

USUAL: Final = 50  # items of a page where the client says nothing
LARGEST: Final = 100  # items of a page whatever the client says


class Keyed(Protocol):
    """What has a key."""

    @property
    def key(self) -> Key:
        """Return the key by which items are ordered."""
        ...


T = TypeVar("T", bound=Keyed)
# (descending, start, inclusive, limit) to items in that order.
Fetch = Callable[[bool, Key | None, bool, int], Awaitable[Sequence[T]]]


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which items are asked for.

    :ivar start: the key where the page begins, None: at the beginning of the order.
    :ivar backward: the page is the one that ends before ``start`` in the order.
    """

    size: int = USUAL
    descending: bool = False
    start: Key | None = None
    inclusive: bool = True
    backward: bool = False

    def token(self) -> str:
        """Return the query as a text for the client."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


def from_token(token: str) -> Query:
    """Read a token. Error: 400/20001, it was not made here."""
    try:
        read = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=Query)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise ContractError(20001, 400, "Invalid parameter PageToken: it was not made here") from error
    if not 1 <= read.size <= LARGEST:
        raise ContractError(20001, 400, "Invalid parameter PageToken: it was not made here")
    return read


async def page(query: Query, fetch: Fetch[T]) -> tuple[list[T], str | None, str | None]:
    """Return the items of a page and the tokens of the one before and the one after."""
    if query.backward:
        found = list(await fetch(not query.descending, query.start, query.inclusive, query.size + 1))
        items, more = found[: query.size][::-1], len(found) > query.size
        before = more
        after = await _beyond(query, items, fetch, forward=True)
    else:
        found = list(await fetch(query.descending, query.start, query.inclusive, query.size + 1))
        items, after = found[: query.size], len(found) > query.size
        before = await _beyond(query, items, fetch, forward=False)
    first = items[0].key if items else query.start
    last = items[-1].key if items else query.start
    at_edge = not items and not query.inclusive
    return (
        items,
        _turned(query, first, at_edge, backward=True) if before else None,
        _turned(query, last, at_edge, backward=False) if after else None,
    )


async def _beyond(query: Query, items: Sequence[T], fetch: Fetch[T], *, forward: bool) -> bool:
    """Tell whether there are items on the side of the page from which it was not read."""
    descending = query.descending if forward else not query.descending
    if items:
        edge = items[-1 if forward else 0].key
        return bool(await fetch(descending, edge, False, 1))
    if query.start is None:
        return False
    return bool(await fetch(descending, query.start, not query.inclusive, 1))


def _turned(query: Query, key: Key | None, inclusive: bool, *, backward: bool) -> str:
    turned = Query(size=query.size, descending=query.descending, start=key, inclusive=inclusive, backward=backward)
    return turned.token()
