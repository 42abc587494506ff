"""Rows of interaction webhooks."""

from datetime import datetime
from typing import Any, Final

import msgspec

from parlour.store.unit import Reader, UnitOfWork

INSERT: Final = """
INSERT INTO interaction_webhook (account_sid, ttid, instance_sid, friendly_name, type, url, method, events,
    date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"""
UPDATE: Final = """
UPDATE interaction_webhook SET friendly_name = $3, type = $4, url = $5, method = $6, events = $7, date_updated = $8
WHERE account_sid = $1 AND ttid = $2"""
FETCH: Final = "SELECT * FROM interaction_webhook WHERE account_sid = $1 AND ttid = $2"
LIST: Final = """
SELECT * FROM interaction_webhook
WHERE account_sid = $1 AND ($2::text IS NULL OR type = $2) AND ttid > $3 ORDER BY ttid LIMIT $4"""
DELETE: Final = "DELETE FROM interaction_webhook WHERE account_sid = $1 AND ttid = $2 RETURNING ttid"
OF_INTERACTION: Final = """
SELECT ttid, events FROM interaction_webhook
WHERE account_sid = $1 AND (type = 'global' OR ttid = (
    SELECT i.webhook_ttid FROM interaction AS i WHERE i.account_sid = $1 AND i.sid = $2))"""
SET_OF_INTERACTION: Final = """
UPDATE interaction SET webhook_ttid = $3, date_updated = $4 WHERE account_sid = $1 AND sid = $2"""


class InteractionWebhook(msgspec.Struct, frozen=True):
    """A webhook of Flex: of all interactions, or of those that were made with it."""

    account_sid: str
    ttid: str
    instance_sid: str
    friendly_name: str | None
    type: str
    url: str
    method: str
    events: list[str]
    date_created: datetime
    date_updated: datetime


async def insert(uow: UnitOfWork, row: InteractionWebhook) -> None:
    """Write a new webhook."""
    values = (row.ttid, row.instance_sid, row.friendly_name, row.type, row.url, row.method, row.events)
    await uow.execute(INSERT, uow.account_sid, *values, uow.now)


async def update(uow: UnitOfWork, row: InteractionWebhook) -> None:
    """Write what a webhook may change."""
    values = (row.ttid, row.friendly_name, row.type, row.url, row.method, row.events)
    await uow.execute(UPDATE, uow.account_sid, *values, uow.now)


async def fetch(reader: Reader, ttid: str) -> InteractionWebhook | None:
    """Return a webhook."""
    row = await reader.fetchrow(FETCH, reader.account_sid, ttid)
    return None if row is None else InteractionWebhook(**row)


async def page(reader: Reader, kind: str | None, after: str, limit: int) -> list[InteractionWebhook]:
    """Return webhooks in the order of their making, of one type or all."""
    return [InteractionWebhook(**row) for row in await reader.fetch(LIST, reader.account_sid, kind, after, limit)]


async def remove(uow: UnitOfWork, ttid: str) -> bool:
    """Delete a webhook; False where there is none."""
    return await uow.fetchval(DELETE, uow.account_sid, ttid) is not None


async def set_of_interaction(uow: UnitOfWork, interaction_sid: str, ttid: str | None) -> None:
    """Write which webhook hears of one interaction beside the global ones."""
    await uow.execute(SET_OF_INTERACTION, uow.account_sid, interaction_sid, ttid, uow.now)


async def listeners(reader: Reader, interaction_sid: str) -> dict[str, Any]:
    """Return the webhooks that hear of an interaction, each with the events that it wants."""
    rows = await reader.fetch(OF_INTERACTION, reader.account_sid, interaction_sid)
    return {"webhooks": [{"ttid": row["ttid"], "events": list(row["events"])} for row in rows]}
