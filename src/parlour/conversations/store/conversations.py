"""Conversation rows: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from parlour.conversations.store.webhook_configurations import LISTENER
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("CH", "conversation", where="removed_at IS NULL")

# A service SID, `DEFAULT` for the account's default service, or None for any (conversations.md §1.2).
Scope = str | None
DEFAULT: Final = "default"


class Conversation(msgspec.Struct, kw_only=True):
    """A row of `conversation`."""

    account_sid: str
    sid: str
    chat_service_sid: str
    messaging_service_sid: str | None
    friendly_name: str | None
    unique_name: str | None
    attributes: str
    state: str
    state_at: datetime
    timer_inactive: str | None
    timer_closed: str | None
    inactive_seconds: int | None
    closed_seconds: int | None
    date_inactive: datetime | None = None
    date_closed: datetime | None = None
    created_by: str
    next_index: int = 0
    last_message_at: datetime | None = None
    listeners: dict[str, Any] = msgspec.field(default_factory=lambda: {"webhooks": [], "recipients": []})
    document_sid: str
    messages_sid: str
    roster_sid: str
    change: int = 1
    messages_change: int = 0
    roster_change: int = 0
    date_created: datetime
    date_updated: datetime
    removed_at: datetime | None = None


COLUMNS: Final = ", ".join(f"c.{name}" for name in Conversation.__struct_fields__)
IN_SCOPE: Final = """($3::text IS NULL OR c.chat_service_sid = CASE $3 WHEN 'default' THEN
    (SELECT f.default_chat_service_sid FROM conversations_configuration f WHERE f.account_sid = $1) ELSE $3 END)"""

FETCH: Final = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.account_sid = $1 AND c.sid = $2 AND {IN_SCOPE} AND c.removed_at IS NULL"""
FETCH_BY_NAME: Final = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.account_sid = $1 AND c.unique_name = $2 AND {IN_SCOPE} AND c.removed_at IS NULL
ORDER BY c.sid LIMIT 1"""
LOCK: Final = FETCH + " FOR NO KEY UPDATE"
INSERT: Final = """
INSERT INTO conversation (account_sid, sid, chat_service_sid, messaging_service_sid, friendly_name, unique_name,
    attributes, state, state_at, timer_inactive, timer_closed, inactive_seconds, closed_seconds, date_inactive,
    date_closed, created_by, document_sid, messages_sid, roster_sid, date_created, date_updated)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
ON CONFLICT DO NOTHING RETURNING sid"""
UPDATE: Final = """
UPDATE conversation SET messaging_service_sid = $3, friendly_name = $4, unique_name = $5, attributes = $6,
    state = $7, state_at = $8, timer_inactive = $9, timer_closed = $10, inactive_seconds = $11, closed_seconds = $12,
    date_inactive = $13, date_closed = $14, date_created = $15, date_updated = $16, change = $17
WHERE account_sid = $1 AND sid = $2"""
SET_LISTENERS: Final = """
UPDATE conversation SET listeners = $3 WHERE account_sid = $1 AND sid = $2"""
RAISE_ROSTER: Final = """
UPDATE conversation SET roster_change = roster_change + 1, listeners = $3
WHERE account_sid = $1 AND sid = $2 RETURNING roster_change"""
REMOVE: Final = """
UPDATE conversation SET removed_at = $3, change = change + 1, roster_change = roster_change + 1,
    messages_change = messages_change + 1, listeners = '{"webhooks": [], "recipients": []}'
WHERE account_sid = $1 AND sid = $2 RETURNING roster_change"""
RELEASE_PAIRS: Final = "DELETE FROM open_pair WHERE account_sid = $1 AND conversation_sid = $2"
LIST: Final = f"""
SELECT {COLUMNS} FROM conversation c
WHERE c.account_sid = $1 AND {IN_SCOPE.replace("$3", "$2")} AND c.removed_at IS NULL
    AND ($3::timestamptz IS NULL OR c.date_created >= $3) AND ($4::timestamptz IS NULL OR c.date_created < $4)
    AND ($5::text IS NULL OR c.state = $5)
    AND ($6::text IS NULL OR (c.date_created, c.sid) < (
        SELECT k.date_created, k.sid FROM conversation k WHERE k.account_sid = $1 AND k.sid = $6))
ORDER BY c.date_created DESC, c.sid DESC LIMIT $7"""

# The first statement of the hot path: it takes the next index and returns all that the rule needs. `{where}` finds the
# conversation by SID or by pair; $3 is the author, $4 the instant.
TAKE_INDEX: Final = f"""
UPDATE conversation c SET next_index = c.next_index + 1, messages_change = c.messages_change + 1,
    change = c.change + 1, last_message_at = $3::timestamptz,
    date_inactive = $3::timestamptz + make_interval(secs => c.inactive_seconds),
    date_closed = $3::timestamptz + make_interval(secs => c.closed_seconds)
WHERE c.account_sid = $1 AND {{where}} AND c.state IN ('active', 'inactive') AND c.removed_at IS NULL
RETURNING c.sid, c.chat_service_sid, c.messaging_service_sid, c.state, c.next_index - 1 AS index, c.messages_change,
    c.listeners, {LISTENER.format(service="c.chat_service_sid")} AS configured, c.date_inactive, c.date_closed,
    (SELECT p.sid FROM participant p WHERE p.account_sid = $1 AND p.conversation_sid = c.sid AND p.removed_at IS NULL
        AND {{author}} ORDER BY p.sid LIMIT 1) AS participant_sid"""
TAKE_INDEX_BY_SID: Final = TAKE_INDEX.format(
    where="c.sid = $2 AND " + IN_SCOPE.replace("$3", "$5"), author="(p.identity = $4 OR p.address = $4)"
)
TAKE_INDEX_BY_PAIR: Final = TAKE_INDEX.format(
    where="c.sid = (SELECT o.conversation_sid FROM open_pair o"
    " WHERE o.account_sid = $1 AND o.address = $2 AND o.proxy_address = $4)",
    author="p.address = $2 AND (p.proxy_address = $4 OR p.proxy_address IS NULL)",
)
TAKE_INDEX_BY_GROUP: Final = TAKE_INDEX.format(
    where="c.sid = (SELECT o.conversation_sid FROM open_pair o"
    " WHERE o.account_sid = $1 AND o.address = $2 AND o.proxy_address = 'group')",
    author="p.address = $4",
)


class Taken(msgspec.Struct, kw_only=True):
    """What the hot path learns about a conversation while it takes the next message index."""

    sid: str
    chat_service_sid: str
    messaging_service_sid: str | None
    state: str
    index: int
    messages_change: int
    listeners: dict[str, Any]
    configured: dict[str, Any] | None
    date_inactive: datetime | None
    date_closed: datetime | None
    participant_sid: str | None


def _row(record: asyncpg.Record | None) -> Conversation | None:
    return None if record is None else Conversation(**record)


async def fetch(reader: Reader, sid: str, scope: Scope) -> Conversation | None:
    """Return a conversation by SID."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, sid, scope))


async def fetch_by_name(reader: Reader, unique_name: str, scope: Scope) -> Conversation | None:
    """Return a conversation by unique name."""
    return _row(await reader.fetchrow(FETCH_BY_NAME, reader.account_sid, unique_name, scope))


async def lock(uow: UnitOfWork, sid: str, scope: Scope = None) -> Conversation | None:
    """Lock a conversation's row and return it as it is now."""
    return _row(await uow.fetchrow(LOCK, uow.account_sid, sid, scope))


async def insert(uow: UnitOfWork, row: Conversation) -> bool:
    """Insert a conversation; False if its unique name is taken."""
    return (
        await uow.fetchval(
            INSERT,
            row.account_sid,
            row.sid,
            row.chat_service_sid,
            row.messaging_service_sid,
            row.friendly_name,
            row.unique_name,
            row.attributes,
            row.state,
            row.state_at,
            row.timer_inactive,
            row.timer_closed,
            row.inactive_seconds,
            row.closed_seconds,
            row.date_inactive,
            row.date_closed,
            row.created_by,
            row.document_sid,
            row.messages_sid,
            row.roster_sid,
            row.date_created,
            row.date_updated,
        )
        is not None
    )


async def update(uow: UnitOfWork, row: Conversation) -> None:
    """Write the document fields of a locked conversation."""
    await uow.execute(
        UPDATE,
        row.account_sid,
        row.sid,
        row.messaging_service_sid,
        row.friendly_name,
        row.unique_name,
        row.attributes,
        row.state,
        row.state_at,
        row.timer_inactive,
        row.timer_closed,
        row.inactive_seconds,
        row.closed_seconds,
        row.date_inactive,
        row.date_closed,
        row.date_created,
        row.date_updated,
        row.change,
    )


async def set_listeners(uow: UnitOfWork, row: Conversation) -> None:
    """Write the listeners of a locked conversation."""
    await uow.execute(SET_LISTENERS, row.account_sid, row.sid, row.listeners)


async def raise_roster(uow: UnitOfWork, row: Conversation) -> int:
    """Write the listeners of a locked conversation and return the roster's next change number."""
    row.roster_change = await uow.fetchval(RAISE_ROSTER, row.account_sid, row.sid, row.listeners)
    return row.roster_change


async def remove(uow: UnitOfWork, row: Conversation) -> int:
    """Make a locked conversation a tombstone and return the roster's change number of that."""
    change: int = await uow.fetchval(REMOVE, row.account_sid, row.sid, uow.now)
    return change


async def release_pairs(uow: UnitOfWork, sid: str) -> None:
    """Let go of the address pairs which a conversation holds."""
    await uow.execute(RELEASE_PAIRS, uow.account_sid, sid)


async def page(
    reader: Reader,
    *,
    scope: Scope,
    start: datetime | None,
    end: datetime | None,
    state: str | None,
    after: str | None,
    limit: int,
) -> list[Conversation]:
    """Return conversations, newest first, after the one with SID `after`."""
    rows = await reader.fetch(LIST, reader.account_sid, scope, start, end, state, after, limit)
    return [Conversation(**row) for row in rows]


async def take_index(uow: UnitOfWork, sid: str, author: str, scope: Scope) -> Taken | None:
    """Lock an open conversation, take its next message index and restart its timers; None if there is none."""
    record = await uow.fetchrow(TAKE_INDEX_BY_SID, uow.account_sid, sid, uow.now, author, scope)
    return None if record is None else Taken(**record)


async def take_index_of_group(uow: UnitOfWork, members: str, author: str) -> Taken | None:
    """Do the same for the open conversation that holds a set of numbers."""
    record = await uow.fetchrow(TAKE_INDEX_BY_GROUP, uow.account_sid, members, uow.now, author)
    return None if record is None else Taken(**record)


async def take_index_of_pair(uow: UnitOfWork, address: str, proxy_address: str) -> Taken | None:
    """Do the same for the open conversation that holds an address pair."""
    record = await uow.fetchrow(TAKE_INDEX_BY_PAIR, uow.account_sid, address, uow.now, proxy_address)
    return None if record is None else Taken(**record)
