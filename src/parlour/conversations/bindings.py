"""Messaging bindings: the channel of an address is told by its form (conversations.md §3.1)."""

import re
from typing import Final

from parlour.conversations import checks, errors

CHAT: Final = "chat"
_PREFIXES: Final = ("whatsapp", "messenger", "rcs")
_NUMBER: Final = re.compile(r"\+[1-9]\d{1,14}")
_SHORT_CODE: Final = re.compile(r"\d{3,8}")
# Users with a username may have an id of the business instead of a number (channels.md §3.9).
_WHATSAPP: Final = re.compile(r"\+[1-9]\d{1,14}|[A-Z]{2}\.[A-Za-z0-9.]{1,128}")
_PAGE_SCOPED: Final = re.compile(r"[\w.:-]{1,200}")
# Channel types that adapters brought, each with the form of what stands behind its prefix.
_further: dict[str, re.Pattern[str]] = {}


def register(channel_type: str, form: re.Pattern[str]) -> None:
    """Have addresses of a further channel known: `<channel_type>:` and what `form` matches whole."""
    _further[channel_type] = form


def further() -> tuple[str, ...]:
    """Return the channel types that were registered, oldest first."""
    return tuple(_further)


def channel_of(address: str) -> str | None:
    """Return the channel of an address: `sms`, `whatsapp`, `messenger`, `rcs` or a registered one."""
    prefix, colon, rest = address.partition(":")
    if not colon:
        return "sms" if _NUMBER.fullmatch(address) or _SHORT_CODE.fullmatch(address) else None
    if prefix in _further:
        return prefix if _further[prefix].fullmatch(rest) else None
    if prefix not in _PREFIXES:
        return None
    pattern = _WHATSAPP if prefix == "whatsapp" else _PAGE_SCOPED
    return prefix if pattern.fullmatch(rest) or (prefix == "rcs" and rest) else None


def check_pair(address: str, proxy_address: str) -> str:
    """Return the channel type of a pair.

    Errors: 50411 and 50412 empty, 50407 and 50408 malformed, 50409 equal, 50414 of different channels.
    """
    if not address:
        raise errors.BINDING_ADDRESS_EMPTY.error()
    if not proxy_address:
        raise errors.BINDING_PROXY_EMPTY.error()
    channel = channel_of(address)
    if channel is None or len(address) > checks.ADDRESS_MAX:
        raise errors.BINDING_ADDRESS_INVALID.error()
    proxy_channel = channel_of(proxy_address)
    if proxy_channel is None or len(proxy_address) > checks.ADDRESS_MAX:
        raise errors.BINDING_PROXY_INVALID.error()
    if address == proxy_address:
        raise errors.BINDING_SAME.error()
    if channel != proxy_channel:
        raise errors.BINDING_TYPES_DIFFER.error()
    return channel
