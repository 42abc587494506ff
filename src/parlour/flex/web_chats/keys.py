"""Deployment keys: which chat address a page opens chats at, and which pages may (flex.md §4.4)."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from parlour.conversations import addresses
from parlour.flex.web_chats import errors, store
from parlour.flex.web_chats.chats import CHAT
from parlour.flex.web_chats.store import Key
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork

KEYS_MAX: Final = 100  # in one account
ORIGINS_MAX: Final = 10
NAME_MAX: Final = 64  # characters


async def create(
    uow: UnitOfWork, *, friendly_name: str, address_sid: str, allowed_origins: Sequence[str], fingerprint: bool
) -> Key:
    """Make a key for a chat address.

    :raises ContractError: 45795 name, 45765, 45762 address, 20001 an origin, 45794 too many keys.
    """
    if await store.count(uow) >= KEYS_MAX:
        raise errors.too_many_keys(KEYS_MAX)
    row = Key(
        account_sid=uow.account_sid,
        sid=uow.new_sid("CV"),
        friendly_name=_name(friendly_name),
        address_sid=await _address(uow, address_sid),
        allowed_origins=_origins(allowed_origins),
        fingerprint=fingerprint,
        date_created=uow.now,
        date_updated=uow.now,
    )
    await store.insert(uow, row)
    return row


async def update(
    uow: UnitOfWork,
    sid: str,
    *,
    friendly_name: str | None = None,
    address_sid: str | None = None,
    allowed_origins: Sequence[str] | None = None,
    fingerprint: bool | None = None,
) -> Key:
    """Change what is given of a key; one empty origin takes the list away.

    :raises ContractError: 404; as `create`.
    """
    row = await store.lock(uow, sid)
    if row is None:
        raise not_found(sid)
    changed = msgspec.structs.replace(
        row,
        friendly_name=row.friendly_name if friendly_name is None else _name(friendly_name),
        address_sid=row.address_sid if address_sid is None else await _address(uow, address_sid),
        allowed_origins=row.allowed_origins if allowed_origins is None else _origins(allowed_origins),
        fingerprint=row.fingerprint if fingerprint is None else fingerprint,
        date_updated=uow.now,
    )
    await store.update(uow, changed)
    return changed


async def fetch(reader: Reader, sid: str) -> Key:
    """Return a key.

    :raises ContractError: 404.
    """
    row = await store.fetch(reader, sid)
    if row is None:
        raise not_found(sid)
    return row


async def remove(uow: UnitOfWork, sid: str) -> None:
    """Delete a key; its chats go on until their tokens end.

    :raises ContractError: 404.
    """
    if not await store.delete(uow, sid):
        raise not_found(sid)


def admits(row: Key, origin: str | None) -> bool:
    """Say whether a page may use a key; what is no page sends no origin and is told from one by its list."""
    return not row.allowed_origins or (origin or "").rstrip("/").lower() in row.allowed_origins


def _name(text: str) -> str:
    if not 0 < len(text) <= NAME_MAX:
        raise errors.name_length()
    return text


async def _address(reader: Reader, sid: str) -> str:
    found = await addresses.find(reader, sid)
    if found is None or found.sid != sid:
        raise errors.address_not_found(sid)
    if found.type != CHAT:
        raise errors.address_type(sid, found.type)
    return found.sid


def _origins(given: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(each.strip().rstrip("/").lower() for each in given if each.strip()))
    if len(wanted) > ORIGINS_MAX:
        raise invalid_parameter("AllowedOrigins", f"at most {ORIGINS_MAX}")
    for each in wanted:
        parts = urlsplit(each)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
            raise invalid_parameter(
                "AllowedOrigins", f"'{each[:200]}' is not an origin such as https://www.example.com"
            )
    return wanted
