"""What real-time clients read: rows by their Sync SIDs, by key, and since a change number (DESIGN 2.6).

Rows removed since then are returned too: they are tombstones.
"""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from parlour.conversations.store import conversations as conversation_store
from parlour.conversations.store import messages as message_store
from parlour.conversations.store import participants as participant_store
from parlour.conversations.store import users as user_store
from parlour.conversations.store.conversations import Conversation
from parlour.conversations.store.messages import Message
from parlour.conversations.store.participants import Participant
from parlour.conversations.store.users import User
from parlour.store.unit import Reader

CONVERSATION: Final = f"""
SELECT {conversation_store.COLUMNS} FROM conversation c
WHERE c.account_sid = $1 AND {{column}} = $2 AND c.removed_at IS NULL"""
CONVERSATION_BY: Final = {
    name: CONVERSATION.format(column=f"c.{name}") for name in ("sid", "document_sid", "messages_sid", "roster_sid")
}
USER: Final = f"SELECT {user_store.COLUMNS} FROM chat_user WHERE account_sid = $1 AND {{column}} = $2"
USER_BY: Final = {name: USER.format(column=name) for name in ("sid", "conversations_sid", "info_sid")}

LAST_MESSAGE: Final = """
SELECT m.index, m.date_created FROM message m
WHERE m.account_sid = $1 AND m.conversation_sid = $2 AND m.removed_at IS NULL ORDER BY m.index DESC LIMIT 1"""
MESSAGES_SINCE: Final = f"""
SELECT {message_store.COLUMNS} FROM message m
WHERE m.account_sid = $1 AND m.conversation_sid = $2 AND m.change > $3 ORDER BY m.change LIMIT $4"""
ROSTER_SINCE: Final = f"""
SELECT {participant_store.COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND p.conversation_sid = $2 AND p.change > $3 ORDER BY p.change LIMIT $4"""
CONVERSATIONS_SINCE: Final = f"""
SELECT {participant_store.COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND p.user_sid = $2 AND p.user_change > $3 ORDER BY p.user_change LIMIT $4"""

# $3: the key where the page begins, null at the end of the collection; $4: whether it belongs to the page.
PAGE: Final = f"""
SELECT {participant_store.COLUMNS} FROM participant p
WHERE p.account_sid = $1 AND {{owner}} = $2 AND p.removed_at IS NULL
    AND ($3::text IS NULL OR {{key}} {{beyond}} $3 OR ($4 AND {{key}} = $3))
ORDER BY {{key}} {{order}} LIMIT $5"""
ROSTER_PAGE: Final = {
    False: PAGE.format(owner="p.conversation_sid", key="p.sid", beyond=">", order="ASC"),
    True: PAGE.format(owner="p.conversation_sid", key="p.sid", beyond="<", order="DESC"),
}
CONVERSATIONS_PAGE: Final = {
    False: PAGE.format(owner="p.user_sid", key="p.conversation_sid", beyond=">", order="ASC"),
    True: PAGE.format(owner="p.user_sid", key="p.conversation_sid", beyond="<", order="DESC"),
}

IDENTITIES: Final = """
SELECT identity FROM participant
WHERE account_sid = $1 AND conversation_sid = $2 AND identity = ANY($3) AND removed_at IS NULL"""
CONVERSATION_NUMBERS: Final = """
SELECT sid, change, messages_change, roster_change FROM conversation
WHERE account_sid = $1 AND sid = ANY($2) AND removed_at IS NULL"""
USER_NUMBERS: Final = """
SELECT sid, change, conversations_change FROM chat_user WHERE account_sid = $1 AND sid = ANY($2)"""
COUNTS: Final = """
SELECT (SELECT count(*) FROM message m
        WHERE m.account_sid = $1 AND m.conversation_sid = $2 AND m.removed_at IS NULL)::int AS messages,
    (SELECT count(*) FROM participant p
        WHERE p.account_sid = $1 AND p.conversation_sid = $2 AND p.removed_at IS NULL)::int AS participants"""


class LastMessage(msgspec.Struct, frozen=True):
    """The newest message that is still there."""

    index: int
    date_created: datetime


async def conversation_by(reader: Reader, column: str, value: str) -> Conversation | None:
    """Return the conversation whose ``sid``, ``document_sid``, ``messages_sid`` or ``roster_sid`` is given."""
    record = await reader.fetchrow(CONVERSATION_BY[column], reader.account_sid, value)
    return None if record is None else Conversation(**record)


async def user_by(reader: Reader, column: str, value: str) -> User | None:
    """Return the user whose ``sid``, ``conversations_sid`` or ``info_sid`` is given."""
    record = await reader.fetchrow(USER_BY[column], reader.account_sid, value)
    return None if record is None else User(**record)


async def last_message(reader: Reader, conversation_sid: str) -> LastMessage | None:
    """Return the newest message of a conversation."""
    record = await reader.fetchrow(LAST_MESSAGE, reader.account_sid, conversation_sid)
    return None if record is None else LastMessage(**record)


async def messages_since(reader: Reader, conversation_sid: str, change: int, limit: int) -> list[Message]:
    """Return messages changed after a change number of the list, in the order of the changes."""
    rows = await reader.fetch(MESSAGES_SINCE, reader.account_sid, conversation_sid, change, limit)
    return [Message(**row) for row in rows]


async def roster_since(reader: Reader, conversation_sid: str, change: int, limit: int) -> list[Participant]:
    """Return participants changed after a change number of the roster, in the order of the changes."""
    rows = await reader.fetch(ROSTER_SINCE, reader.account_sid, conversation_sid, change, limit)
    return [Participant(**row) for row in rows]


async def conversations_since(reader: Reader, user_sid: str, change: int, limit: int) -> list[Participant]:
    """Return a user's participants changed after a change number of the user's conversations, in that order."""
    rows = await reader.fetch(CONVERSATIONS_SINCE, reader.account_sid, user_sid, change, limit)
    return [Participant(**row) for row in rows]


async def page_of_roster(
    reader: Reader, conversation_sid: str, *, descending: bool, start: str | None, inclusive: bool, limit: int
) -> list[Participant]:
    """Return participants by SID, from the one at ``start``."""
    sql = ROSTER_PAGE[descending]
    rows = await reader.fetch(sql, reader.account_sid, conversation_sid, start, inclusive, limit)
    return [Participant(**row) for row in rows]


async def page_of_conversations(
    reader: Reader, user_sid: str, *, descending: bool, start: str | None, inclusive: bool, limit: int
) -> list[Participant]:
    """Return a user's participants by the SIDs of their conversations, from the one at ``start``."""
    sql = CONVERSATIONS_PAGE[descending]
    rows = await reader.fetch(sql, reader.account_sid, user_sid, start, inclusive, limit)
    return [Participant(**row) for row in rows]


async def identities_in(reader: Reader, conversation_sid: str, identities: Sequence[str]) -> set[str]:
    """Return which identities take part in a conversation now."""
    rows = await reader.fetch(IDENTITIES, reader.account_sid, conversation_sid, list(identities))
    return {row["identity"] for row in rows}


async def conversation_numbers(reader: Reader, sids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """Return the change numbers of conversations: of the document, the messages, the roster."""
    rows = await reader.fetch(CONVERSATION_NUMBERS, reader.account_sid, list(sids))
    return {row["sid"]: (row["change"], row["messages_change"], row["roster_change"]) for row in rows}


async def user_numbers(reader: Reader, sids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the change numbers of users: of the user, of the user's conversations."""
    rows = await reader.fetch(USER_NUMBERS, reader.account_sid, list(sids))
    return {row["sid"]: (row["change"], row["conversations_change"]) for row in rows}


async def counts(reader: Reader, conversation_sid: str) -> tuple[int, int]:
    """Return how many messages and participants a conversation has."""
    row = await reader.fetchrow(COUNTS, reader.account_sid, conversation_sid)
    return (0, 0) if row is None else (row["messages"], row["participants"])
