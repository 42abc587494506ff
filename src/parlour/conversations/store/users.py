"""User rows: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from parlour.outbox.facts import touch
from parlour.store.unit import Reader, UnitOfWork


class User(msgspec.Struct, kw_only=True):
    """A row of `chat_user`.

    :ivar is_online: null where reachability is off, or the user was never online since it is on.
    """

    account_sid: str
    sid: str
    chat_service_sid: str
    identity: str
    role_sid: str
    friendly_name: str | None
    attributes: str
    conversations_sid: str
    info_sid: str
    change: int
    conversations_change: int
    is_online: bool | None
    is_notifiable: bool | None
    date_created: datetime
    date_updated: datetime


COLUMNS: Final = ", ".join(User.__struct_fields__)
_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(User.__struct_fields__) + 1))

INSERT: Final = f"INSERT INTO chat_user ({COLUMNS}) VALUES ({_VALUES}) ON CONFLICT DO NOTHING RETURNING sid"
FETCH: Final = f"""
SELECT {COLUMNS} FROM chat_user WHERE account_sid = $1 AND chat_service_sid = $2 AND (sid = $3 OR identity = $3)
ORDER BY sid = $3 DESC LIMIT 1"""
LOCK: Final = FETCH + " FOR UPDATE"
LIST: Final = f"""
SELECT {COLUMNS} FROM chat_user WHERE account_sid = $1 AND chat_service_sid = $2 AND sid > $3 ORDER BY sid LIMIT $4"""
UPDATE: Final = """
UPDATE chat_user SET friendly_name = $3, attributes = $4, role_sid = $5, change = change + 1, date_updated = $6
WHERE account_sid = $1 AND sid = $2 RETURNING change"""
RAISE_CONVERSATIONS: Final = """
UPDATE chat_user SET conversations_change = conversations_change + 1
WHERE account_sid = $1 AND sid = $2 RETURNING conversations_change"""
DELETE: Final = "DELETE FROM chat_user WHERE account_sid = $1 AND sid = $2"
CONVERSATIONS_OF: Final = """
SELECT conversation_sid FROM participant
WHERE account_sid = $1 AND user_sid = $2 AND removed_at IS NULL ORDER BY conversation_sid"""
LIST_CONVERSATIONS: Final = """
SELECT p.account_sid, p.chat_service_sid, p.conversation_sid, p.last_read_message_index, p.sid AS participant_sid,
    p.user_sid, p.notification_level, c.friendly_name, c.unique_name, c.state AS conversation_state, c.attributes,
    c.date_created, c.date_updated, c.created_by, c.date_inactive, c.date_closed,
    CASE WHEN p.last_read_message_index IS NULL THEN NULL ELSE (SELECT count(*) FROM message m
        WHERE m.account_sid = p.account_sid AND m.conversation_sid = p.conversation_sid
        AND m.index > p.last_read_message_index AND m.removed_at IS NULL)::int END AS unread_messages_count
FROM participant p JOIN conversation c ON c.account_sid = p.account_sid AND c.sid = p.conversation_sid
WHERE p.account_sid = $1 AND p.user_sid = $2 AND p.removed_at IS NULL AND c.removed_at IS NULL
    AND p.conversation_sid > $3 AND ($5::text IS NULL OR c.sid = $5 OR c.unique_name = $5)
ORDER BY p.conversation_sid LIMIT $4"""


class UserConversation(msgspec.Struct, kw_only=True):
    """A conversation as one of its users sees it."""

    account_sid: str
    chat_service_sid: str
    conversation_sid: str
    last_read_message_index: int | None
    participant_sid: str
    user_sid: str
    notification_level: str
    friendly_name: str | None
    unique_name: str | None
    conversation_state: str
    attributes: str
    date_created: datetime
    date_updated: datetime
    created_by: str
    date_inactive: datetime | None
    date_closed: datetime | None
    unread_messages_count: int | None


def _row(record: asyncpg.Record | None) -> User | None:
    return None if record is None else User(**record)


async def insert(uow: UnitOfWork, row: User) -> bool:
    """Insert a user; False if the identity has one in this service."""
    return await uow.fetchval(INSERT, *msgspec.structs.astuple(row)) is not None


async def fetch(reader: Reader, chat_service_sid: str, sid_or_identity: str) -> User | None:
    """Return a user by SID or identity."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, chat_service_sid, sid_or_identity))


async def lock(uow: UnitOfWork, chat_service_sid: str, sid_or_identity: str) -> User | None:
    """Lock a user and return it as it is now."""
    return _row(await uow.fetchrow(LOCK, uow.account_sid, chat_service_sid, sid_or_identity))


async def page(reader: Reader, chat_service_sid: str, *, after: str, limit: int) -> list[User]:
    """Return users in the order of their making."""
    return [User(**row) for row in await reader.fetch(LIST, reader.account_sid, chat_service_sid, after, limit)]


async def update(uow: UnitOfWork, row: User) -> None:
    """Write a user and raise its change number."""
    change: Any = await uow.fetchval(
        UPDATE, row.account_sid, row.sid, row.friendly_name, row.attributes, row.role_sid, row.date_updated
    )
    row.change = change


async def raise_conversations(uow: UnitOfWork, sid: str) -> int | None:
    """Lock a user and return the next change number of its conversations map; None if the user is gone."""
    change: int | None = await uow.fetchval(RAISE_CONVERSATIONS, uow.account_sid, sid)
    touch(uow, sid)
    return change


async def delete(uow: UnitOfWork, sid: str) -> None:
    """Delete a user."""
    await uow.execute(DELETE, uow.account_sid, sid)


async def conversations_of(reader: Reader, user_sid: str) -> list[str]:
    """Return the SIDs of the conversations in which a user takes part."""
    return [row["conversation_sid"] for row in await reader.fetch(CONVERSATIONS_OF, reader.account_sid, user_sid)]


async def page_of_conversations(
    reader: Reader, user_sid: str, *, after: str = "", limit: int, only: str | None = None
) -> list[UserConversation]:
    """Return a user's conversations; `only` names one by SID or unique name."""
    rows = await reader.fetch(LIST_CONVERSATIONS, reader.account_sid, user_sid, after, limit, only)
    return [UserConversation(**row) for row in rows]
