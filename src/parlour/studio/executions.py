"""Executions: started, fed and ended in the unit of work of whoever brings the event (studio.md §5)."""

from datetime import timedelta
from typing import Final

import structlog

from parlour.conversations.inbound import MediaItem
from parlour.messaging.residents import Text
from parlour.outbox.jobs import Retry
from parlour.outbox.timers import schedule
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import context, errors, flows, outside, performing
from parlour.studio import execution_store as store
from parlour.studio.driving import drive, life_lane
from parlour.studio.execution import (
    Answered,
    CallHttp,
    ExecutionState,
    Json,
    NotAnswered,
    NotSent,
    Replied,
    SendMessage,
    Sent,
    Started,
    Stopped,
    TimedOut,
)
from parlour.studio.execution_store import Execution
from parlour.studio.facts import announce
from parlour.studio.limits import Limits

MAX_PAIR: Final = 300
"""Bytes of To and From together (studio.md §5.4)."""
PAIR_ATTEMPTS: Final = 3
"""Tries to start an execution whose pair's active one ends at the same time."""
AGAIN: Final = timedelta(seconds=1)
"""Until a first message that waits is looked at again."""
START_STEP: Final = "studio.start"

log = structlog.get_logger("parlour.studio")


async def receive(
    uow: UnitOfWork, webhook: outside.StudioWebhook, conversation_sid: str, message: context.MessageFacts
) -> None:
    """Take a conversation's message into its flow: it resumes the active execution, or starts one.

    The key is (flow, conversation): whoever writes moves the same execution on (studio.md §5.1). A new one waits in its
    lane while the account starts too many.
    """
    active = await store.lock_fed_by(uow, webhook.flow_sid, conversation_sid)
    if active is not None:
        facts = await outside.conversation(uow, conversation_sid)
        await drive(uow, active, Replied(context.inbound_payload(uow.account_sid, facts, message)))
        return
    revision = await flows.running(uow, webhook.flow_sid, message.author)
    if revision is None:
        log.warning("a message reached a flow that was never published", flow=webhook.flow_sid, message=message.sid)
        return
    if not uow.extension(Limits).inbound.passes(uow.account_sid):
        log.warning("a conversation's first message waits: too many executions a second", code=errors.TOO_MANY)
        raise Retry(AGAIN, "too many executions start in a second", failed=False)
    facts = await outside.conversation(uow, conversation_sid)
    sid = uow.new_sid("FN")
    state = ExecutionState(
        sid=sid,
        flow_sid=webhook.flow_sid,
        trigger="incomingConversationMessage",
        conversation_sid=conversation_sid,
        channel_type=await outside.channel_type(uow, facts, message.author),
        context=context.initial(
            execution_sid=sid,
            flow_sid=webhook.flow_sid,
            ours=conversation_sid,
            theirs=message.author,
            trigger="conversation",
            payload=context.conversation_payload(uow.account_sid, facts, message, webhook_sid=webhook.sid),
        ),
    )
    started = await store.insert(
        uow,
        state,
        revision=revision,
        key=conversation_sid,
        contact=message.author,
        ours=conversation_sid,
        initiated_by=message.sid,
    )
    if started is not None:
        await announce(uow, "execution.started/1", started)
        await drive(uow, started, Started())


async def create(uow: UnitOfWork, flow_sid: str, *, to: str, from_: str, parameters: Json) -> Execution:
    """Start an execution by REST; it begins to run once this is committed.

    Errors: 404/20404, 20409 this pair has an active one, 81023 addresses too long, 429/20429 too many a second
    (studio.md §5.1, §5.4, §5.6).
    """
    row, started = await start_or_find(uow, flow_sid, to=to, from_=from_, parameters=parameters)
    if not started:
        raise errors.already_active(row.sid)
    return row


async def start_or_find(
    uow: UnitOfWork, flow_sid: str, *, to: str, from_: str, parameters: Json
) -> tuple[Execution, bool]:
    """Start an execution by REST, or give the pair's active one; say whether it was started.

    Errors: 404/20404, 81023 addresses too long, 429/20429 too many a second.
    """
    if len(to.encode()) + len(from_.encode()) > MAX_PAIR:
        raise errors.address_too_long("To")
    await flows.fetch(uow, flow_sid)
    revision = await flows.running(uow, flow_sid, to)
    if revision is None:
        raise errors.never_published(flow_sid)
    rate = uow.extension(Limits).by_rest
    if not rate.passes(uow.account_sid):
        raise errors.too_many(rate.per_second)
    sid = uow.new_sid("FN")
    state = ExecutionState(
        sid=sid,
        flow_sid=flow_sid,
        trigger="incomingRequest",
        context=context.initial(
            execution_sid=sid,
            flow_sid=flow_sid,
            ours=from_,
            theirs=to,
            trigger="request",
            payload=context.request_payload(to=to, from_=from_, parameters=parameters),
            data=parameters,
        ),
    )
    key = pair_key(contact=to, ours=from_)
    for _ in range(PAIR_ATTEMPTS):
        row = await store.insert(
            uow, state, revision=revision, key=key, contact=to, ours=from_, initiated_by=uow.request_id
        )
        if row is not None:
            await announce(uow, "execution.started/1", row)
            schedule(uow, START_STEP, lane=life_lane(sid), payload={"sid": sid})
            return row, True
        active = await store.lock_active(uow, flow_sid, key)
        if active is not None:
            return active, False
    raise errors.already_active(sid)


async def receive_text(uow: UnitOfWork, flow_sid: str, text: Text) -> None:
    """Take a text into the flow of the number's webhook: it resumes the pair's execution, or starts one (§5.1).

    An execution that REST started for the same pair takes it too. Errors: 429/20429 too many start in a second.
    """
    key = pair_key(contact=text.sender, ours=text.ours)
    active = await store.lock_active(uow, flow_sid, key)
    payload = context.text_payload(text.parameters)
    if active is not None:
        await drive(uow, active, Replied(payload))
        return
    revision = await flows.running(uow, flow_sid, text.sender)
    if revision is None:
        log.warning("a text reached a flow that was never published", flow=flow_sid, message=text.sid)
        return
    rate = uow.extension(Limits).inbound
    if not rate.passes(uow.account_sid):
        raise errors.too_many(rate.per_second)
    sid = uow.new_sid("FN")
    state = ExecutionState(
        sid=sid,
        flow_sid=flow_sid,
        trigger="incomingMessage",
        context=context.initial(
            execution_sid=sid,
            flow_sid=flow_sid,
            ours=text.ours,
            theirs=text.sender,
            trigger="message",
            payload=payload,
        ),
    )
    started = await store.insert(
        uow,
        state,
        revision=revision,
        key=key,
        contact=text.sender,
        ours=text.ours,
        initiated_by=text.sid,
    )
    if started is not None:
        await announce(uow, "execution.started/1", started)
        await drive(uow, started, Started())


def pair_key(*, contact: str, ours: str) -> str:
    """Return the key of an execution whose contact is an address of the street."""
    return f"{contact}\n{ours}"


async def begin(uow: UnitOfWork, sid: str) -> None:
    """Run an execution that was started by REST."""
    row = await store.lock(uow, sid)
    if row is not None and row.status == "active" and not row.decoded().widget:
        await drive(uow, row, Started())


async def time_out(uow: UnitOfWork, sid: str, step_sid: str) -> None:
    """End a wait for a reply; nothing happens when that step waits no more."""
    row = await store.lock(uow, sid)
    if row is not None and row.status == "active":
        await drive(uow, row, TimedOut(step_sid))


async def stop(uow: UnitOfWork, flow_sid: str, sid: str, *, reason: str) -> Execution:
    """End an execution; ending an ended one changes nothing. Errors: 404/20404 (studio.md §5.2)."""
    row = await store.lock(uow, sid)
    if row is None or row.flow_sid != flow_sid:
        raise not_found(sid)
    return row if row.status == "ended" else await drive(uow, row, Stopped(reason))


async def stop_of_conversation(uow: UnitOfWork, conversation_sid: str, *, reason: str) -> None:
    """End all active executions of a conversation."""
    for row in await store.lock_of_conversation(uow, conversation_sid):
        await drive(uow, row, Stopped(reason))


async def stop_of_flow(uow: UnitOfWork, flow_sid: str, *, reason: str) -> None:
    """End all active executions of a flow."""
    for sid in await store.active_of_flow(uow, flow_sid):
        await stop(uow, flow_sid, sid, reason=reason)


async def undelivered(uow: UnitOfWork, message_sid: str, *, code: int, message: str) -> None:
    """Take the delivery failure of a message whose reply is awaited (studio.md §2.3.3)."""
    row = await store.lock_awaiting(uow, message_sid)
    if row is not None:
        await drive(uow, row, NotSent(code, message))


async def pending_call(reader: Reader, sid: str, step_sid: str) -> CallHttp | None:
    """Return the request whose answer an execution waits for in this step, None when it waits no more."""
    row = await store.peek(reader, sid)
    if row is None or row.status != "active":
        return None
    state = row.decoded()
    return state.call if state.pending == "call" and state.step_sid == step_sid else None


async def answered(uow: UnitOfWork, sid: str, event: Answered | NotAnswered) -> None:
    """Take the answer to a request into the execution that sent it."""
    row = await store.lock(uow, sid)
    if row is not None and row.status == "active":
        await drive(uow, row, event)


async def pending_message(reader: Reader, sid: str, step_sid: str) -> SendMessage | None:
    """Return the message whose file an execution waits for in this step, None when it waits no more."""
    row = await store.peek(reader, sid)
    return None if row is None else _sending(row, step_sid)


def _sending(row: Execution, step_sid: str) -> SendMessage | None:
    state = row.decoded()
    waits = row.status == "active" and state.pending == "send" and state.step_sid == step_sid
    return state.sending if waits else None


async def fetched(uow: UnitOfWork, sid: str, step_sid: str, file: MediaItem | NotSent) -> bool:
    """Send the message whose file was fetched, or fail where it could not be; False: nobody keeps the file."""
    row = await store.lock(uow, sid)
    command = None if row is None else _sending(row, step_sid)
    if row is None or command is None:
        return False
    event = file if isinstance(file, NotSent) else await performing.send_file(uow, command, file)
    await drive(uow, row, event)
    return isinstance(event, Sent)


async def expire(uow: UnitOfWork, sid: str) -> None:
    """End an execution that is 30 days old."""
    row = await store.lock(uow, sid)
    if row is not None and row.status == "active":
        await drive(uow, row, Stopped("30 days have passed"))


async def delete(uow: UnitOfWork, flow_sid: str, sid: str) -> None:
    """Remove an execution with its steps, ended first. Errors: 404/20404."""
    await stop(uow, flow_sid, sid, reason="deleted")
    await store.delete(uow, sid)


async def delete_flow(uow: UnitOfWork, sid: str) -> None:
    """Remove a flow; its executions end first. Errors: 404/20404."""
    if not await flows.lock(uow, sid):
        raise not_found(sid)
    await stop_of_flow(uow, sid, reason="the flow was deleted")
    await flows.delete(uow, sid)


async def fetch_step(reader: Reader, flow_sid: str, sid: str, step_sid: str) -> store.Step:
    """Return a step of an execution. Errors: 404/20404."""
    row = await store.fetch_step(reader, flow_sid, sid, step_sid)
    if row is None:
        raise not_found(step_sid)
    return row


async def fetch(reader: Reader, flow_sid: str, sid: str) -> Execution:
    """Return an execution. Errors: 404/20404."""
    row = await store.fetch(reader, flow_sid, sid)
    if row is None:
        raise not_found(sid)
    return row
