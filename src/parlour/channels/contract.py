"""What a channel is to the rest of the program: a kind of binding, and whose addresses may speak through it.

An adapter is a module with a function `package(parts)` that registers its channels and returns its floor: routes by
which the street comes in, reactions by which messages go out, migrations. docs/add-a-channel.md shows one.
"""

import importlib
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from parlour.conversations import bindings, participants
from parlour.conversations.files import MediaStore
from parlour.kit.outgoing import Outgoing
from parlour.kit.secrets_box import SecretsBox
from parlour.outbox.facts import Event
from parlour.package import Package
from parlour.settings import SettingsError
from parlour.store.database import Database
from parlour.store.unit import Reader

OwnsAddress = Callable[[Reader, str], Awaitable[bool]]


@dataclass(frozen=True)
class Parts:
    """What an adapter is given of the program.

    :ivar base_url: address under which others reach this server.
    """

    database: Database
    box: SecretsBox
    outgoing: Outgoing
    media: MediaStore
    base_url: str


def adapters(names: Iterable[str], parts: Parts) -> list[Package]:
    """Return the floors of adapters, given by their modules' dotted names.

    :raises SettingsError: a module is not there, or is no adapter.
    """
    return [adapter(name)(parts) for name in names]


def adapter(name: str) -> Callable[[Parts], Package]:
    """Return what makes an adapter's floor.

    :raises SettingsError: the module is not there, or is no adapter.
    """
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise SettingsError(f"channels: {name}: {error}") from error
    made = getattr(module, "package", None)
    if not callable(made):
        raise SettingsError(f"channels: {name} has no function package(parts)")
    return made  # type: ignore[no-any-return]  # what a module of others has


@dataclass(frozen=True)
class Channel:
    """One kind of channel.

    :ivar type: type of the bindings it serves, such as `sms` (conversations.md §3.1).
    :ivar source: what webhooks are told, such as `SMS`.
    :ivar lane: prefix of the lanes of its sends; one lane per pair keeps the order of an agent's lines.
    :ivar owns: whether an account may use a proxy address.
    :ivar form: what stands behind `<type>:` in its addresses; None where Conversations knows their form already.
    """

    type: str
    source: str
    lane: str
    owns: OwnsAddress
    form: re.Pattern[str] | None = None

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
    if channel.form is not None:
        bindings.register(channel.type, channel.form)
    participants.proxy_checks[channel.type] = channel.owns


def registered() -> dict[str, Channel]:
    """Return the channels by type of binding."""
    return dict(_channels)
