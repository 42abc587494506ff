"""The channels that the HTTP carrier kind carries on one wire: texts, WhatsApp, Messenger (channels.md §1.2, §6)."""

from typing import Final

from parlour.channels.contract import Channel
from parlour.messaging import numbers, senders
from parlour.store.unit import Reader

LANE: Final = "sms-out"  # one for all: addresses have the prefix of their channel


async def _owns_number(reader: Reader, proxy_address: str) -> bool:
    return await numbers.by_number(reader, proxy_address) is not None


async def _owns_sender(reader: Reader, proxy_address: str) -> bool:
    return await senders.by_address(reader, proxy_address) is not None


CHANNEL: Final = Channel(type="sms", source="SMS", lane=LANE, owns=_owns_number)
CHANNELS: Final = (
    CHANNEL,
    Channel(type="whatsapp", source="whatsapp", lane=LANE, owns=_owns_sender),
    Channel(type="messenger", source="messenger", lane=LANE, owns=_owns_sender),
)


async def connection_of(reader: Reader, proxy_address: str) -> tuple[bool, str | None]:
    """Tell whether a proxy address is the account's, and which connection it names."""
    if ":" in proxy_address:
        sender = await senders.by_address(reader, proxy_address)
        return sender is not None, sender.connection_sid if sender else None
    number = await numbers.by_number(reader, proxy_address)
    return number is not None, number.connection_sid if number else None


def source_of(channel_type: str | None) -> str:
    """Return what webhooks are told of a channel."""
    return next((channel.source for channel in CHANNELS if channel.type == channel_type), CHANNEL.source)
