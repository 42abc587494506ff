"""Participant and pair rows: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from parlour.conversations.store.conversations import IN_SCOPE, Scope
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("MB", "participant", where="removed_at IS NULL")


class Participant(msgspec.Struct, kw_only=True):
    """A row of `participant`."""

    account_sid: str
    sid: str
    conversation_sid: str
    chat_service_sid: str
    type: str
    identity: str | None
    user_sid: str | None = None
    address: str | None
    proxy_address: str | None
    projected_address: str | None = None
    role_sid: str | None
    attributes: str
    last_read_message_index: int | None = None
    last_read_timestamp: datetime | None = None
    notification_level: str = "default"
    created_change: int = 0
    change: int = 0
    user_created_change: int | None = None
    user_change: int | None = None
    date_created: datetime
    date_updated: datetime
    removed_at: datetime | None = None


COLUMNS: Final = ", ".join(f"p.{name}" for name in Participant.__struct_fields__)
_NAMES: Final = ", ".join(Participant.__struct_fields__)
_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(Participant.__struct_fields__) + 1))

INSERT: Final = f"INSERT INTO participant ({_NAMES}) VALUES ({_VALUES})"
FETCH: Final = f"""
SELECT {COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND p.conversation_sid = $2 AND p.removed_at IS NULL AND (p.sid = $3 OR p.identity = $3)
ORDER BY p.sid = $3 DESC LIMIT 1"""
FIND_IDENTITY: Final = f"""
SELECT {COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND p.conversation_sid = $2 AND p.identity = $3 AND p.removed_at IS NULL"""
FIND_ADDRESS: Final = f"""
SELECT {COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND p.conversation_sid = $2 AND p.address = $3 AND p.removed_at IS NULL
ORDER BY p.sid LIMIT 1"""
LIST: Final = f"""
SELECT {COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND p.conversation_sid = $2 AND p.removed_at IS NULL AND p.sid > $3 ORDER BY p.sid LIMIT $4"""
UPDATE: Final = """
UPDATE participant SET type = $3, identity = $4, user_sid = $5, address = $6, proxy_address = $7, role_sid = $8,
    attributes = $9, last_read_message_index = $10, last_read_timestamp = $11, notification_level = $12, change = $13,
    user_created_change = $14, user_change = $15, date_created = $16, date_updated = $17, removed_at = $18,
    projected_address = $19
WHERE account_sid = $1 AND sid = $2"""
COUNT: Final = """
SELECT count(*) AS all, count(*) FILTER (WHERE identity IS NULL) AS bound FROM participant
WHERE account_sid = $1 AND conversation_sid = $2 AND removed_at IS NULL"""
ALL_OF: Final = f"""
SELECT {COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND p.conversation_sid = $2 AND p.removed_at IS NULL ORDER BY p.sid"""
TAKE_PAIR: Final = """
INSERT INTO open_pair (account_sid, address, proxy_address, conversation_sid) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING conversation_sid"""
HOLDER_OF_PAIR: Final = """
SELECT conversation_sid FROM open_pair WHERE account_sid = $1 AND address = $2 AND proxy_address = $3"""
LOCK_PAIRS: Final = """
SELECT 1 FROM open_pair WHERE account_sid = $1 AND conversation_sid = $2 ORDER BY address, proxy_address FOR UPDATE"""
LOCK_PAIR: Final = """
SELECT 1 FROM open_pair WHERE account_sid = $1 AND address = $2 AND proxy_address = $3 FOR UPDATE"""
RELEASE_PAIR: Final = """
DELETE FROM open_pair WHERE account_sid = $1 AND address = $2 AND proxy_address = $3 AND conversation_sid = $4"""
OPEN_OF_IDENTITY: Final = """
SELECT count(*) FROM participant p JOIN conversation c ON c.account_sid = p.account_sid AND c.sid = p.conversation_sid
WHERE p.account_sid = $1 AND p.chat_service_sid = $2 AND p.identity = $3 AND p.removed_at IS NULL
    AND c.state <> 'closed'"""
JOINED_NAMES: Final = """c.unique_name AS conversation_unique_name, c.friendly_name AS conversation_friendly_name,
    c.attributes AS conversation_attributes, c.date_created AS conversation_date_created,
    c.date_updated AS conversation_date_updated, c.created_by AS conversation_created_by,
    c.state AS conversation_state, c.date_inactive, c.date_closed"""
LOOK_UP: Final = f"""
SELECT p.account_sid, p.chat_service_sid, p.sid, p.type, p.user_sid, p.identity, p.address, p.proxy_address,
    p.projected_address, p.conversation_sid, {JOINED_NAMES}
FROM participant p JOIN conversation c ON c.account_sid = p.account_sid AND c.sid = p.conversation_sid
WHERE p.account_sid = $1 AND {{column}} = $2 AND {IN_SCOPE} AND p.removed_at IS NULL AND c.removed_at IS NULL
    AND ($4::text IS NULL OR p.sid < $4)
ORDER BY p.sid DESC LIMIT $5"""
LOOK_UP_IDENTITY: Final = LOOK_UP.format(column="p.identity")
LOOK_UP_ADDRESS: Final = LOOK_UP.format(column="p.address")


class ParticipantConversation(msgspec.Struct, kw_only=True):
    """A participant together with the conversation it is in."""

    account_sid: str
    chat_service_sid: str
    sid: str
    type: str
    user_sid: str | None
    identity: str | None
    address: str | None
    proxy_address: str | None
    projected_address: str | None
    conversation_sid: str
    conversation_unique_name: str | None
    conversation_friendly_name: str | None
    conversation_attributes: str
    conversation_date_created: datetime
    conversation_date_updated: datetime
    conversation_created_by: str
    conversation_state: str
    date_inactive: datetime | None
    date_closed: datetime | None


def _row(record: asyncpg.Record | None) -> Participant | None:
    return None if record is None else Participant(**record)


async def insert(uow: UnitOfWork, row: Participant) -> None:
    """Insert a participant."""
    await uow.execute(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, conversation_sid: str, sid_or_identity: str) -> Participant | None:
    """Return a participant by SID or identity."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, conversation_sid, sid_or_identity))


async def find_identity(reader: Reader, conversation_sid: str, identity: str) -> Participant | None:
    """Return the participant with an identity."""
    return _row(await reader.fetchrow(FIND_IDENTITY, reader.account_sid, conversation_sid, identity))


async def find_address(reader: Reader, conversation_sid: str, address: str) -> Participant | None:
    """Return the oldest participant with an address."""
    return _row(await reader.fetchrow(FIND_ADDRESS, reader.account_sid, conversation_sid, address))


async def page(reader: Reader, conversation_sid: str, *, after: str, limit: int) -> list[Participant]:
    """Return participants in the order of their making, after the one with SID `after`."""
    return [Participant(**row) for row in await reader.fetch(LIST, reader.account_sid, conversation_sid, after, limit)]


async def all_of(reader: Reader, conversation_sid: str) -> list[Participant]:
    """Return all participants of a conversation."""
    return [Participant(**row) for row in await reader.fetch(ALL_OF, reader.account_sid, conversation_sid)]


async def update(uow: UnitOfWork, row: Participant) -> None:
    """Write a participant of a locked conversation."""
    await uow.execute(
        UPDATE,
        row.account_sid,
        row.sid,
        row.type,
        row.identity,
        row.user_sid,
        row.address,
        row.proxy_address,
        row.role_sid,
        row.attributes,
        row.last_read_message_index,
        row.last_read_timestamp,
        row.notification_level,
        row.change,
        row.user_created_change,
        row.user_change,
        row.date_created,
        row.date_updated,
        row.removed_at,
        row.projected_address,
    )


async def count(reader: Reader, conversation_sid: str) -> tuple[int, int]:
    """Return how many participants there are, and how many of them have a messaging binding."""
    row: Any = await reader.fetchrow(COUNT, reader.account_sid, conversation_sid)
    return row["all"], row["bound"]


async def open_of_identity(reader: Reader, chat_service_sid: str, identity: str) -> int:
    """Return in how many not-closed conversations an identity takes part."""
    number: int = await reader.fetchval(OPEN_OF_IDENTITY, reader.account_sid, chat_service_sid, identity)
    return number


async def take_pair(uow: UnitOfWork, address: str, proxy_address: str, conversation_sid: str) -> bool:
    """Bind an address pair to a conversation; False if another holds it."""
    taken = await uow.fetchval(TAKE_PAIR, uow.account_sid, address, proxy_address, conversation_sid)
    return taken is not None


async def holder_of_pair(reader: Reader, address: str, proxy_address: str) -> str | None:
    """Return the SID of the conversation that holds an address pair."""
    sid: str | None = await reader.fetchval(HOLDER_OF_PAIR, reader.account_sid, address, proxy_address)
    return sid


async def lock_pairs(uow: UnitOfWork, conversation_sid: str) -> None:
    """Lock the address pairs of a conversation; they come before it in the order of locks (DESIGN 2.9)."""
    await uow.execute(LOCK_PAIRS, uow.account_sid, conversation_sid)


async def lock_pair(uow: UnitOfWork, address: str, proxy_address: str) -> None:
    """Lock one address pair."""
    await uow.execute(LOCK_PAIR, uow.account_sid, address, proxy_address)


async def release_pair(uow: UnitOfWork, address: str, proxy_address: str, conversation_sid: str) -> None:
    """Let go of one address pair."""
    await uow.execute(RELEASE_PAIR, uow.account_sid, address, proxy_address, conversation_sid)


async def conversations_of(
    reader: Reader, *, identity: str | None, address: str | None, scope: Scope, after: str | None, limit: int
) -> list[ParticipantConversation]:
    """Return the conversations of an identity or an address, newest participant first."""
    sql, key = (LOOK_UP_IDENTITY, identity) if identity is not None else (LOOK_UP_ADDRESS, address)
    rows = await reader.fetch(sql, reader.account_sid, key, scope, after, limit)
    return [ParticipantConversation(**row) for row in rows]
