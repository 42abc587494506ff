"""The hot path: a look without a lock, the rule, one statement that writes everything (docs/decisions/hot-path.md).

The statement is guarded by what the look saw: where state, roster, listeners (of the conversation, its service or its
account) or the account's default service changed meanwhile it writes nothing.
So a look may be remembered; one that is too old is looked again, and at last the message goes the slow way, which
locks first. So does one before which a webhook is asked.
"""

from collections import OrderedDict
from typing import Any, Final

import msgspec

from parlour.conversations import delivery, group_mms, pre_events
from parlour.conversations.events import Origin, listeners_of
from parlour.conversations.store.conversations import DEFAULT, IN_SCOPE, Scope
from parlour.conversations.store.messages import Message
from parlour.conversations.store.webhook_configurations import LISTENER
from parlour.outbox.guarded import Guarded, can_conclude, conclude
from parlour.store.unit import UnitOfWork

ADDED: Final = "message.added/1"
TRIES: Final = 3  # looks before the slow way
REMEMBERED: Final = 20_000  # looks

LOOK: Final = f"""
SELECT c.chat_service_sid, c.messaging_service_sid, c.listeners, c.roster_change,
    {LISTENER.format(service="c.chat_service_sid")} AS configured,
    (SELECT p.sid FROM participant p WHERE p.account_sid = $1 AND p.conversation_sid = c.sid AND p.removed_at IS NULL
        AND (p.identity = $4 OR p.address = $4) ORDER BY p.sid LIMIT 1) AS participant_sid
FROM conversation c
WHERE c.account_sid = $1 AND c.sid = $2 AND {IN_SCOPE} AND c.state = 'active' AND c.removed_at IS NULL"""  # noqa: S608

# The message's row is its snapshot, so that it crosses the wire once.
APPEND: Final = Guarded(
    ADDED,
    table="conversation",
    guard=f"""
    UPDATE conversation SET next_index = next_index + 1, messages_change = messages_change + 1, change = change + 1,
        last_message_at = {{at}}, date_inactive = {{at}} + make_interval(secs => inactive_seconds),
        date_closed = {{at}} + make_interval(secs => closed_seconds)
    {{source}}
    WHERE account_sid = $1 AND sid = {{stream}} AND state = 'active' AND removed_at IS NULL
        AND roster_change = {{seen_roster}} AND messaging_service_sid IS NOT DISTINCT FROM {{seen_messaging_service}}
        AND conversation.listeners = {{seen_listeners}} AND (NOT {{in_default}} OR chat_service_sid = (
            SELECT f.default_chat_service_sid FROM conversations_configuration f WHERE f.account_sid = $1))
        AND {LISTENER.format(service="conversation.chat_service_sid")} IS NOT DISTINCT FROM {{seen_configured}}
    RETURNING next_index - 1 AS index, messages_change, jsonb_build_object('index', next_index - 1,
        'created_change', messages_change, 'change', messages_change) AS addition {{also}}""",  # noqa: S608
    values={
        "seen_roster": "bigint",
        "seen_messaging_service": "text",
        "seen_listeners": "jsonb",
        "in_default": "bool",
        "seen_configured": "jsonb",
    },
    results="index, messages_change",
    row="INSERT INTO message SELECT m.* FROM told, jsonb_populate_record(NULL::message, told.snapshot) AS m",
)


class Look(msgspec.Struct, kw_only=True, frozen=True):
    """What the look saw."""

    chat_service_sid: str
    messaging_service_sid: str | None
    listeners: dict[str, Any]
    configured: dict[str, Any] | None
    roster_change: int
    participant_sid: str | None


_looks: Final[OrderedDict[tuple[str, Scope, str, str], Look]] = OrderedDict()


async def append(uow: UnitOfWork, row: Message, origin: Origin, scope: Scope) -> Message | None:
    """Store a message without media in an active conversation as all that the unit does.

    :param row: the message; what the conversation decides (index, changes, participant, recipients) is filled in.
    :returns: None where this way is not open; nothing was written then.
    """
    if not can_conclude(uow, ADDED):
        return None
    key = (uow.account_sid, scope, row.conversation_sid, row.author)
    look = _looks.get(key)
    if look is not None:
        if pre_events.asks(look.configured, "onMessageAdd", origin):
            return None
        if await _conclude(uow, row, look, origin, scope):
            return row
    for _ in range(TRIES):
        record = await uow.peek(LOOK, uow.account_sid, row.conversation_sid, scope, row.author)
        if record is None:
            return None
        look = Look(**record)
        if pre_events.asks(look.configured, "onMessageAdd", origin):
            return None
        if await _conclude(uow, row, look, origin, scope):
            _looks[key] = look
            if len(_looks) > REMEMBERED:
                _looks.popitem(last=False)
            return row
    return None


async def _conclude(uow: UnitOfWork, row: Message, look: Look, origin: Origin, scope: Scope) -> bool:
    participant_sid = group_mms.author_of(look.listeners, row.author, look.participant_sid)
    recipients = group_mms.recipients_of(look.listeners, participant_sid)
    row.chat_service_sid = look.chat_service_sid
    row.participant_sid = participant_sid
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
        (
            look.roster_change,
            look.messaging_service_sid,
            look.listeners,
            scope == DEFAULT,
            look.configured,
        ),
        stream=row.conversation_sid,
        object_sid=row.sid,
        snapshot=snapshot,
        listeners=listeners_of({**look.listeners, "recipients": recipients}, origin, look.configured),
    )
    if taken is None:
        return False
    row.index = taken["index"]
    row.created_change = row.change = taken["messages_change"]
    return True
