"""Rows of carriers' webhooks as they came (channels.md §8.3)."""

from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork

INSERT: Final = """
INSERT INTO carrier_event (account_sid, connection_sid, provider_sid, form, received_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING provider_sid"""
FETCH: Final = """
SELECT connection_sid, provider_sid, form, received_at, done_at, log_sid, conversation_sid, message_sid
FROM carrier_event WHERE account_sid = $1 AND connection_sid = $2 AND provider_sid = $3"""
LOCK: Final = f"{FETCH} FOR UPDATE"
DONE: Final = """
UPDATE carrier_event SET done_at = $4, log_sid = $5, conversation_sid = $6, message_sid = $7
WHERE account_sid = $1 AND connection_sid = $2 AND provider_sid = $3"""
FORGET_BODIES: Final = """
UPDATE carrier_event SET form = NULL
WHERE account_sid = $1 AND form IS NOT NULL AND done_at IS NOT NULL AND received_at < $2"""


class CarrierEvent(msgspec.Struct, kw_only=True, frozen=True):
    """A row of `carrier_event`."""

    connection_sid: str
    provider_sid: str
    form: dict[str, Any] | None
    received_at: datetime
    done_at: datetime | None
    log_sid: str | None
    conversation_sid: str | None
    message_sid: str | None


async def insert(uow: UnitOfWork, connection_sid: str, provider_sid: str, form: dict[str, str]) -> bool:
    """Insert a webhook; False when it is known, however long ago it came."""
    return await uow.fetchval(INSERT, uow.account_sid, connection_sid, provider_sid, form, uow.now) is not None


async def fetch(reader: Reader, connection_sid: str, provider_sid: str) -> CarrierEvent | None:
    """Return a webhook."""
    record = await reader.fetchrow(FETCH, reader.account_sid, connection_sid, provider_sid)
    return None if record is None else CarrierEvent(**record)


async def lock(uow: UnitOfWork, connection_sid: str, provider_sid: str) -> CarrierEvent | None:
    """Return a webhook, locked."""
    record = await uow.fetchrow(LOCK, uow.account_sid, connection_sid, provider_sid)
    return None if record is None else CarrierEvent(**record)


def done(
    uow: UnitOfWork,
    connection_sid: str,
    provider_sid: str,
    *,
    log_sid: str | None,
    conversation_sid: str | None,
    message_sid: str | None,
) -> None:
    """Write what became of a webhook with the last statement of the unit."""
    uow.defer(DONE, uow.account_sid, connection_sid, provider_sid, uow.now, log_sid, conversation_sid, message_sid)


async def forget_bodies(uow: UnitOfWork, before: datetime) -> None:
    """Delete the bodies of old webhooks; their keys stay for ever."""
    await uow.execute(FORGET_BODIES, uow.account_sid, before)
