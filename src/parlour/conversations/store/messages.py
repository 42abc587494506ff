"""Message and receipt rows: their SQL and its mapping."""

# ruff: noqa: S608 - only the column names of the row classes are put into statements

from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from parlour.outbox.facts import touch
from parlour.store import refs
from parlour.store.unit import Reader, UnitOfWork

refs.register("IM", "message", where="removed_at IS NULL")
refs.register("DY", "receipt")


class Message(msgspec.Struct, kw_only=True):
    """A row of `message`."""

    account_sid: str
    sid: str
    conversation_sid: str
    chat_service_sid: str
    index: int
    author: str
    participant_sid: str | None
    body: str | None
    attributes: str
    subject: str | None
    media: list[dict[str, Any]] | None
    delivery: dict[str, Any] | None
    recipient_count: int
    source: str
    client_identity: str | None
    last_updated_by: str | None
    created_change: int
    change: int
    date_created: datetime
    date_updated: datetime
    removed_at: datetime | None
    content: dict[str, Any] | None = None


class Receipt(msgspec.Struct, kw_only=True):
    """A row of `receipt`."""

    account_sid: str
    sid: str
    conversation_sid: str
    chat_service_sid: str
    message_sid: str
    participant_sid: str
    channel_message_sid: str | None
    status: str | None
    error_code: int | None
    date_created: datetime
    date_updated: datetime


COLUMNS: Final = ", ".join(f"m.{name}" for name in Message.__struct_fields__)
_NAMES: Final = ", ".join(Message.__struct_fields__)
_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(Message.__struct_fields__) + 1))
RECEIPT_COLUMNS: Final = ", ".join(f"r.{name}" for name in Receipt.__struct_fields__)
_RECEIPT_NAMES: Final = ", ".join(Receipt.__struct_fields__)
_RECEIPT_VALUES: Final = ", ".join(f"${n}" for n in range(1, len(Receipt.__struct_fields__) + 1))

INSERT: Final = f"INSERT INTO message ({_NAMES}) VALUES ({_VALUES})"
FETCH: Final = f"""
SELECT {COLUMNS} FROM message m
WHERE m.account_sid = $1 AND m.conversation_sid = $2 AND m.sid = $3 AND m.removed_at IS NULL"""
FETCH_ANYWHERE: Final = f"""
SELECT {COLUMNS} FROM message m WHERE m.account_sid = $1 AND m.sid = $2 AND m.removed_at IS NULL"""
LIST_ASC: Final = f"""
SELECT {COLUMNS} FROM message m
WHERE m.account_sid = $1 AND m.conversation_sid = $2 AND m.removed_at IS NULL AND ($3::int IS NULL OR m.index > $3)
ORDER BY m.index LIMIT $4"""
LIST_DESC: Final = f"""
SELECT {COLUMNS} FROM message m
WHERE m.account_sid = $1 AND m.conversation_sid = $2 AND m.removed_at IS NULL AND ($3::int IS NULL OR m.index < $3)
ORDER BY m.index DESC LIMIT $4"""
UPDATE: Final = """
UPDATE message SET author = $3, participant_sid = $4, body = $5, attributes = $6, subject = $7, delivery = $8,
    last_updated_by = $9, change = $10, date_created = $11, date_updated = $12, removed_at = $13, media = $14,
    content = $15
WHERE account_sid = $1 AND sid = $2"""
RAISE_MESSAGES: Final = """
UPDATE conversation SET messages_change = messages_change + 1, change = change + $3
WHERE account_sid = $1 AND sid = $2 AND removed_at IS NULL RETURNING messages_change"""
AUTHOR: Final = """
SELECT sid FROM participant WHERE account_sid = $1 AND conversation_sid = $2 AND removed_at IS NULL
    AND (identity = $3 OR address = $3) ORDER BY sid LIMIT 1"""
ERASE_ALL: Final = "DELETE FROM message WHERE account_sid = $1 AND conversation_sid = $2"
SINCE_INDEX: Final = """
SELECT m.sid, m.body FROM message m
WHERE m.account_sid = $1 AND m.conversation_sid = $2 AND m.removed_at IS NULL AND m.index >= $3 ORDER BY m.index"""
COUNT_AFTER: Final = """
SELECT count(*) FROM message
WHERE account_sid = $1 AND conversation_sid = $2 AND removed_at IS NULL AND index > $3"""
INSERT_RECEIPT: Final = f"""
INSERT INTO receipt ({_RECEIPT_NAMES}) VALUES ({_RECEIPT_VALUES}) ON CONFLICT DO NOTHING RETURNING sid"""
FETCH_RECEIPT: Final = f"""
SELECT {RECEIPT_COLUMNS} FROM receipt r WHERE r.account_sid = $1 AND r.message_sid = $2 AND r.sid = $3"""
RECEIPT_BY_SID: Final = f"SELECT {RECEIPT_COLUMNS} FROM receipt r WHERE r.account_sid = $1 AND r.sid = $2"
RECEIPT_OF: Final = f"""
SELECT {RECEIPT_COLUMNS} FROM receipt r WHERE r.account_sid = $1 AND r.message_sid = $2 AND r.participant_sid = $3"""
RECEIPT_BY_CHANNEL_MESSAGE: Final = f"""
SELECT {RECEIPT_COLUMNS} FROM receipt r
WHERE r.account_sid = $1 AND r.channel_message_sid = $2 ORDER BY r.sid LIMIT 1"""
LIST_RECEIPTS: Final = f"""
SELECT {RECEIPT_COLUMNS} FROM receipt r
WHERE r.account_sid = $1 AND r.message_sid = $2 AND r.sid > $3 ORDER BY r.sid LIMIT $4"""
UPDATE_RECEIPT: Final = """
UPDATE receipt SET status = $3, error_code = $4, channel_message_sid = $5, date_updated = $6
WHERE account_sid = $1 AND sid = $2"""
STATUSES: Final = "SELECT status FROM receipt WHERE account_sid = $1 AND message_sid = $2"


def _row(record: asyncpg.Record | None) -> Message | None:
    return None if record is None else Message(**record)


def _receipt(record: asyncpg.Record | None) -> Receipt | None:
    return None if record is None else Receipt(**record)


def insert(uow: UnitOfWork, row: Message) -> None:
    """Insert a message with the last statement of the unit."""
    uow.defer(INSERT, *msgspec.structs.astuple(row))


async def fetch(reader: Reader, conversation_sid: str, sid: str) -> Message | None:
    """Return a message of a conversation."""
    return _row(await reader.fetchrow(FETCH, reader.account_sid, conversation_sid, sid))


async def fetch_anywhere(reader: Reader, sid: str) -> Message | None:
    """Return a message of whatever conversation."""
    return _row(await reader.fetchrow(FETCH_ANYWHERE, reader.account_sid, sid))


async def since_index(reader: Reader, conversation_sid: str, index: int) -> list[tuple[str, str | None]]:
    """Return SID and body of the messages from an index on."""
    rows = await reader.fetch(SINCE_INDEX, reader.account_sid, conversation_sid, index)
    return [(row["sid"], row["body"]) for row in rows]


async def page(
    reader: Reader, conversation_sid: str, *, descending: bool, after: int | None, limit: int
) -> list[Message]:
    """Return messages by index, after the one with index `after`."""
    sql = LIST_DESC if descending else LIST_ASC
    return [Message(**row) for row in await reader.fetch(sql, reader.account_sid, conversation_sid, after, limit)]


async def update(uow: UnitOfWork, row: Message) -> None:
    """Write a message of a locked conversation."""
    await uow.execute(
        UPDATE,
        row.account_sid,
        row.sid,
        row.author,
        row.participant_sid,
        row.body,
        row.attributes,
        row.subject,
        row.delivery,
        row.last_updated_by,
        row.change,
        row.date_created,
        row.date_updated,
        row.removed_at,
        row.media,
        row.content,
    )


async def raise_messages(uow: UnitOfWork, conversation_sid: str, *, document: bool = False) -> int | None:
    """Lock a conversation and return its message list's next change number; `document`: raise the document's too."""
    change: int | None = await uow.fetchval(RAISE_MESSAGES, uow.account_sid, conversation_sid, int(document))
    touch(uow, conversation_sid)
    return change


async def author_sid(reader: Reader, conversation_sid: str, author: str) -> str | None:
    """Return the SID of the participant whose identity or address is `author`."""
    sid: str | None = await reader.fetchval(AUTHOR, reader.account_sid, conversation_sid, author)
    return sid


async def erase_all(uow: UnitOfWork, conversation_sid: str) -> None:
    """Delete the messages and receipts of a conversation for good."""
    await uow.execute(ERASE_ALL, uow.account_sid, conversation_sid)


async def count_after(reader: Reader, conversation_sid: str, index: int) -> int:
    """Return how many messages have an index above `index`."""
    number: int = await reader.fetchval(COUNT_AFTER, reader.account_sid, conversation_sid, index)
    return number


async def insert_receipt(uow: UnitOfWork, row: Receipt) -> bool:
    """Insert a receipt; False if the participant has one for this message already."""
    return await uow.fetchval(INSERT_RECEIPT, *msgspec.structs.astuple(row)) is not None


async def fetch_receipt(reader: Reader, message_sid: str, sid: str) -> Receipt | None:
    """Return a receipt of a message."""
    return _receipt(await reader.fetchrow(FETCH_RECEIPT, reader.account_sid, message_sid, sid))


async def receipt_by_sid(reader: Reader, sid: str) -> Receipt | None:
    """Return a receipt."""
    return _receipt(await reader.fetchrow(RECEIPT_BY_SID, reader.account_sid, sid))


async def receipt_of(reader: Reader, message_sid: str, participant_sid: str) -> Receipt | None:
    """Return the receipt of a message for a participant."""
    return _receipt(await reader.fetchrow(RECEIPT_OF, reader.account_sid, message_sid, participant_sid))


async def receipt_by_channel_message(reader: Reader, channel_message_sid: str) -> Receipt | None:
    """Return the receipt of an outbound channel message."""
    return _receipt(await reader.fetchrow(RECEIPT_BY_CHANNEL_MESSAGE, reader.account_sid, channel_message_sid))


async def page_of_receipts(reader: Reader, message_sid: str, *, after: str, limit: int) -> list[Receipt]:
    """Return the receipts of a message in the order of their making."""
    return [Receipt(**row) for row in await reader.fetch(LIST_RECEIPTS, reader.account_sid, message_sid, after, limit)]


async def update_receipt(uow: UnitOfWork, row: Receipt) -> None:
    """Write a receipt of a locked conversation."""
    await uow.execute(
        UPDATE_RECEIPT, row.account_sid, row.sid, row.status, row.error_code, row.channel_message_sid, row.date_updated
    )


async def statuses(reader: Reader, message_sid: str) -> list[str | None]:
    """Return the status of every receipt of a message."""
    return [row["status"] for row in await reader.fetch(STATUSES, reader.account_sid, message_sid)]
