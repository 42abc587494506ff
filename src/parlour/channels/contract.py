"""What a channel is to the rest of the program: a kind of binding, and whose addresses may speak through it."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from parlour.conversations import participants
from parlour.outbox.facts import Event
from parlour.store.unit import Reader

OwnsAddress = Callable[[Reader, str], Awaitable[bool]]


@dataclass(frozen=True)
class Channel:
    """One kind of channel.

    :ivar type: type of the bindings it serves, such as `sms` (conversations.md §3.1).
    :ivar source: what webhooks are told, such as `SMS`.
    :ivar lane: prefix of the lanes of its sends; one lane per pair keeps the order of an agent's lines.
    :ivar owns: whether an account may use a proxy address.
    """

    type: str
    source: str
    lane: str
    owns: OwnsAddress

    def lanes(self, event: Event) -> Iterable[str]:
        """Return the lanes of a `message.added/1`: one for each recipient on this channel."""
        return [self.lane_of(recipient) for recipient in self.recipients(event)]

    def recipients(self, event: Event) -> list[dict[str, Any]]:
        """Return the recipients of a `message.added/1` on this channel; the author never hears itself."""
        author = event.snapshot.get("participant_sid")
        return [
            recipient
            for recipient in event.snapshot.get("recipients", ())
            if recipient["type"] == self.type and recipient["participant_sid"] != author
        ]

    def lane_of(self, recipient: dict[str, Any]) -> str:
        """Return the lane of a recipient's pair."""
        return self.pair_lane(recipient["proxy_address"], recipient["address"])

    def pair_lane(self, proxy_address: str, address: str) -> str:
        """Return the lane of a pair."""
        return f"{self.lane}:{proxy_address}:{address}"


_channels: dict[str, Channel] = {}


def register(channel: Channel) -> None:
    """Make a channel known: participants may then have bindings of its type with the account's own addresses."""
    _channels[channel.type] = channel
    participants.proxy_checks[channel.type] = channel.owns


def registered() -> dict[str, Channel]:
    """Return the channels by type of binding."""
    return dict(_channels)
