"""Many messages at once, for benchmarks: copied as rows, without events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from parlour.conversations.store.messages import Message
from parlour.kit.sids import Sids

FILL: Final = """
UPDATE conversation SET next_index = next_index + $3, messages_change = messages_change + $3, change = change + $3
WHERE account_sid = $1 AND sid = ANY($2)"""

_JSON: Final = ("media", "delivery", "content")  # COPY is binary and knows no JSON; all stay null


async def seed_messages(connection: Any, account_sid: str, conversation_sids: Sequence[str], each: int) -> None:
    """Copy `each` messages into new conversations of an account, with indexes from 0."""
    sids, now = Sids(), datetime.now(UTC)
    service_sid = await connection.fetchval(
        "SELECT chat_service_sid FROM conversation WHERE account_sid = $1 AND sid = $2",
        account_sid,
        conversation_sids[0],
    )
    columns = [name for name in Message.__struct_fields__ if name not in _JSON]
    made = (
        _message(account_sid, service_sid, sid, sids.new("IM", now), index, now)
        for sid in conversation_sids
        for index in range(each)
    )
    records = ([getattr(row, name) for name in columns] for row in made)
    await connection.copy_records_to_table("message", records=records, columns=columns)
    await connection.execute(FILL, account_sid, list(conversation_sids), each)


def _message(account_sid: str, service_sid: str, conversation_sid: str, sid: str, index: int, now: datetime) -> Message:
    return Message(
        account_sid=account_sid,
        sid=sid,
        conversation_sid=conversation_sid,
        chat_service_sid=service_sid,
        index=index,
        author="customer",
        participant_sid=None,
        body="hello you " * 6,
        attributes="{}",
        subject=None,
        media=None,
        delivery=None,
        recipient_count=0,
        source="API",
        client_identity=None,
        last_updated_by=None,
        created_change=index + 1,
        change=index + 1,
        date_created=now,
        date_updated=now,
        removed_at=None,
    )
