"""The hot path: one look without a lock, the rule, one statement that writes everything (docs/decisions/0002).

The statement is guarded by what the look saw: where the conversation's state or listeners changed meanwhile it
writes nothing, and the message goes the slow way, which locks first.
"""

# ruff: noqa: S608 - only the column names of the row class are put into the statement

from typing import Final

import msgspec

from parlour.conversations import delivery
from parlour.conversations.events import Origin, listeners_of
from parlour.conversations.store.conversations import IN_SCOPE, Scope
from parlour.conversations.store.messages import Message
from parlour.outbox.facts import GUARDED_PARAMETERS, can_conclude, conclude, guarded
from parlour.store.unit import UnitOfWork

ADDED: Final = "message.added/1"
TRIES: Final = 3  # looks before the slow way

LOOK: Final = f"""
SELECT c.chat_service_sid, c.messaging_service_sid, c.listeners::text AS listeners,
    (SELECT p.sid FROM participant p WHERE p.account_sid = $1 AND p.conversation_sid = c.sid AND p.removed_at IS NULL
        AND (p.identity = $4 OR p.address = $4) ORDER BY p.sid LIMIT 1) AS participant_sid
FROM conversation c
WHERE c.account_sid = $1 AND c.sid = $2 AND {IN_SCOPE} AND c.state = 'active' AND c.removed_at IS NULL"""

_TAKEN: Final = {"index": "guard.index", "created_change": "guard.messages_change", "change": "guard.messages_change"}
_FIRST: Final = GUARDED_PARAMETERS + 1  # conversation SID; then its listeners, then the message's columns
_COLUMNS: Final = [name for name in Message.__struct_fields__ if name != "account_sid"]
_GIVEN: Final = [name for name in _COLUMNS if name not in _TAKEN]
_VALUES: Final = [_TAKEN.get(name) or f"${_FIRST + 2 + _GIVEN.index(name)}" for name in _COLUMNS]

APPEND: Final = guarded(
    guard=f"""
    UPDATE conversation SET next_index = next_index + 1, messages_change = messages_change + 1, change = change + 1,
        last_message_at = $3::timestamptz, date_inactive = $3::timestamptz + make_interval(secs => inactive_seconds),
        date_closed = $3::timestamptz + make_interval(secs => closed_seconds)
    WHERE account_sid = $1 AND sid = ${_FIRST} AND state = 'active' AND removed_at IS NULL
        AND listeners = ${_FIRST + 1}::text::jsonb
    RETURNING next_index - 1 AS index, messages_change, jsonb_build_object('index', next_index - 1,
        'created_change', messages_change, 'change', messages_change) AS addition""",
    row=f"""
    INSERT INTO message (account_sid, {", ".join(_COLUMNS)}) SELECT $1, {", ".join(_VALUES)} FROM guard""",
)


class Look(msgspec.Struct, kw_only=True):
    """What the look saw."""

    chat_service_sid: str
    messaging_service_sid: str | None
    listeners: str
    participant_sid: str | None


async def append(uow: UnitOfWork, row: Message, origin: Origin, scope: Scope) -> Message | None:
    """Store a message without media in an active conversation as all that the unit does.

    :param row: the message; what the conversation decides (index, changes, participant, recipients) is filled in.
    :returns: None where this way is not open; nothing was written then.
    """
    if not can_conclude(uow, ADDED):
        return None
    for _ in range(TRIES):
        record = await uow.peek(LOOK, uow.account_sid, row.conversation_sid, scope, row.author)
        if record is None:
            return None
        look = Look(**record)
        if await _conclude(uow, row, look, origin):
            return row
    return None


async def _conclude(uow: UnitOfWork, row: Message, look: Look, origin: Origin) -> bool:
    listeners = msgspec.json.decode(look.listeners)
    recipients = [each for each in listeners["recipients"] if each["participant_sid"] != look.participant_sid]
    row.chat_service_sid = look.chat_service_sid
    row.participant_sid = look.participant_sid
    row.delivery = delivery.summary((), total=len(recipients))
    row.recipient_count = len(recipients)
    snapshot = msgspec.structs.asdict(row)
    snapshot.update(
        messaging_service_sid=look.messaging_service_sid,
        recipients=recipients,
        webhooks=origin.heard,
        flow=origin.flow,
    )
    taken = await conclude(
        uow,
        APPEND,
        (row.conversation_sid, look.listeners, *(getattr(row, name) for name in _GIVEN)),
        ADDED,
        stream=row.conversation_sid,
        object_sid=row.sid,
        snapshot=snapshot,
        listeners=listeners_of({**listeners, "recipients": recipients}, origin),
    )
    if taken is None:
        return False
    row.index = taken["index"]
    row.created_change = row.change = taken["messages_change"]
    return True
