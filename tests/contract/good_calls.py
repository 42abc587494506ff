"""A good call of every served operation, made through the official SDK where it has the operation.

A builder makes what its call needs and returns the call itself; it is run once per account and again for variants, so
that nothing it uses may be spent.
"""

from collections.abc import Callable
from typing import Any, Final

from tests.contract.published import shape
from tests.contract.world import World

Builder = Callable[[World], Callable[[], Any]]
GOOD_CALLS: Final[dict[tuple[str, str, str], Builder]] = {}


def good(method: str, product: str, path: str) -> Callable[[Builder], Builder]:
    """Register the good call of an operation."""

    def register(builder: Builder) -> Builder:
        key = (product, *shape(method, path))
        if key in GOOD_CALLS:
            raise ValueError(f"{method} {product} {path} has two good calls")
        GOOD_CALLS[key] = builder
        return builder

    return register


def builder_of(product: str, method: str, path: str) -> Builder | None:
    """Return the good call of an operation, or None."""
    from tests.contract import calls

    assert calls.LOADED
    return GOOD_CALLS.get((product, *shape(method, path)))


# Operations whose only answer is a refusal that clients expect: (status, reference).
ALWAYS_REFUSED: Final = {
    f"/v1{below}/Conversations/{{}}/Messages/{{}}/ChannelMetadata": (404, "conversations.md §1.1")
    for below in ("", "/Services/{}")
} | {
    "/Client/v2/Conversations/{}/Messages/{}/ChannelMetadata": (404, "realtime-protocol.md §7.5"),
    "/v4/Subscriptions": (400, "realtime-protocol.md §8.3: only through the web socket"),
}
