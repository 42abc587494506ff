"""Executions: started, fed and ended in the unit of work of whoever brings the event (studio.md §5)."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import structlog

from parlour.kit.errors import ContractError
from parlour.outbox.facts import state as state_fact
from parlour.outbox.timers import cancel, schedule
from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.studio import context, errors, flows, outside
from parlour.studio import execution_store as store
from parlour.studio.definition import Definition
from parlour.studio.engine import advance
from parlour.studio.execution import (
    CancelTimer,
    Command,
    Continued,
    Enqueued,
    Event,
    ExecutionState,
    Json,
    NotEnqueued,
    NotSent,
    RecordStep,
    Replied,
    SendMessage,
    Sent,
    SetTimer,
    Started,
    Stopped,
    TimedOut,
    Turn,
)
from parlour.studio.execution_store import Execution

LIFETIME: Final = timedelta(days=30)
MAX_PAIR: Final = 300
"""Bytes of To and From together (studio.md §5.4)."""
WAIT_STEP: Final = "studio.wait"
EXPIRE_STEP: Final = "studio.expire"
START_STEP: Final = "studio.start"

log = structlog.get_logger("parlour.studio")


def wait_lane(sid: str) -> str:
    """Return the lane of an execution's wait."""
    return f"studio-wait:{sid}"


def life_lane(sid: str) -> str:
    """Return the lane that begins and, after 30 days, ends an execution."""
    return f"studio-life:{sid}"


async def receive(
    uow: UnitOfWork, webhook: outside.StudioWebhook, conversation_sid: str, message: context.MessageFacts
) -> None:
    """Take a conversation's message into its flow: it resumes the active execution, or starts one.

    The key is (flow, conversation): whoever writes moves the same execution on (studio.md §5.1).
    """
    active = await store.lock_active(uow, webhook.flow_sid, conversation_sid)
    if active is not None:
        facts = await outside.conversation(uow, conversation_sid)
        await drive(uow, active, Replied(context.inbound_payload(uow.account_sid, facts, message)))
        return
    revision = await flows.running(uow, webhook.flow_sid, message.author)
    if revision is None:
        log.warning("a message reached a flow that was never published", flow=webhook.flow_sid, message=message.sid)
        return
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
        await _announce(uow, "execution.started/1", started)
        await drive(uow, started, Started())


async def create(uow: UnitOfWork, flow_sid: str, *, to: str, from_: str, parameters: Json) -> Execution:
    """Start an execution by REST; it begins to run once this is committed.

    Errors: 404/20404, 20409 this pair has an active one, 81023 addresses too long (studio.md §5.1, §5.6).
    """
    if len(to.encode()) + len(from_.encode()) > MAX_PAIR:
        raise errors.address_too_long("To")
    await flows.fetch(uow, flow_sid)
    revision = await flows.running(uow, flow_sid, to)
    if revision is None:
        raise errors.never_published(flow_sid)
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
    key = f"{to}\n{from_}"
    row = await store.insert(
        uow, state, revision=revision, key=key, contact=to, ours=from_, initiated_by=uow.request_id
    )
    if row is None:
        active = await store.lock_active(uow, flow_sid, key)
        raise errors.already_active(active.sid if active else sid)
    await _announce(uow, "execution.started/1", row)
    schedule(uow, START_STEP, lane=life_lane(sid), payload={"sid": sid})
    return row


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


async def undelivered(uow: UnitOfWork, conversation_sid: str, message_sid: str, *, code: int, message: str) -> None:
    """Take the delivery failure of a message whose reply is awaited (studio.md §2.3.3)."""
    for row in await store.lock_of_conversation(uow, conversation_sid):
        state = row.decoded()
        if state.pending == "reply" and state.message_sid == message_sid:
            await drive(uow, row, NotSent(code, message))


async def expire(uow: UnitOfWork, sid: str) -> None:
    """End an execution that is 30 days old."""
    row = await store.lock(uow, sid)
    if row is not None and row.status == "active":
        await drive(uow, row, Stopped("30 days have passed"))


async def delete(uow: UnitOfWork, flow_sid: str, sid: str) -> None:
    """Remove an execution with its steps, ended first. Errors: 404/20404."""
    await stop(uow, flow_sid, sid, reason="deleted")
    await store.delete(uow, sid)


async def fetch(reader: Reader, flow_sid: str, sid: str) -> Execution:
    """Return an execution. Errors: 404/20404."""
    row = await store.fetch(reader, flow_sid, sid)
    if row is None:
        raise not_found(sid)
    return row


async def drive(uow: UnitOfWork, row: Execution, first: Event) -> Execution:
    """Feed the engine an event and perform what it asks for, until it waits or ends.

    The execution's row is locked by this unit; its steps, contexts, timers and state are written with it.
    """
    definition = await flows.definition_of(uow, row.flow_sid, row.flow_revision)
    before = row.decoded()
    state, timer, cancelled = before, None, False
    steps: list[RecordStep] = []
    event: Event | None = first
    while event is not None:
        turn = advance(definition, state, event, now=uow.now, new_sid=lambda: uow.new_sid("FT"))
        state = turn.state
        for effect in turn.effects:
            if isinstance(effect, RecordStep):
                steps.append(effect)
            elif isinstance(effect, SetTimer):
                timer = effect
            elif isinstance(effect, CancelTimer):
                cancelled = True
        event = await _perform(uow, definition, turn)
    saved = store.save(uow, row, state)
    if steps:
        await _record(uow, row, state, steps)
    await _keep_time(uow, saved, new=not before.widget, timer=timer, cancelled=cancelled)
    if saved.status == "ended":
        await _announce(uow, "execution.ended/1", saved)
    return saved


async def _keep_time(uow: UnitOfWork, row: Execution, *, new: bool, timer: SetTimer | None, cancelled: bool) -> None:
    if cancelled:
        await cancel(uow, wait_lane(row.sid))
    if timer is not None:
        at = uow.now + timedelta(seconds=timer.seconds)
        payload = {"sid": row.sid, "step_sid": timer.step_sid}
        schedule(uow, WAIT_STEP, lane=wait_lane(row.sid), at=at, payload=payload)
    if row.status == "ended" and not new:
        await cancel(uow, life_lane(row.sid))
    elif row.status == "active" and new:
        schedule(uow, EXPIRE_STEP, lane=life_lane(row.sid), at=row.date_created + LIFETIME, payload={"sid": row.sid})


async def _perform(uow: UnitOfWork, definition: Definition, turn: Turn) -> Event | None:
    if turn.command is not None:
        return await _command(uow, turn.state, turn.command)
    if turn.paused:
        await asyncio.sleep(0)  # a long chain of widgets must not hold the event loop
        return Continued()
    return None


async def _command(uow: UnitOfWork, state: ExecutionState, command: Command) -> Event:
    if isinstance(command, SendMessage):
        return await _send(uow, command)
    try:
        async with uow.attempt():
            output = await outside.enqueue(uow, command)
            await outside.remove_webhooks(uow, command.conversation_sid, state.flow_sid)
    except ContractError as refusal:
        return NotEnqueued(81015, f"{refusal.message} ({refusal.code})")
    return Enqueued(output)


async def _send(uow: UnitOfWork, command: SendMessage) -> Event:
    refused = _refused(command)
    if refused is not None:
        return NotSent(81011, refused)
    try:
        if command.conversation_sid is None:
            text = await outside.text(uow, command)
            return Sent(str(text["Sid"]), text)
        message = await outside.post(uow, command)
    except ContractError as refusal:
        output: Json = {"ErrorCode": refusal.code, "ErrorMessage": refusal.message, "Body": command.body}
        return NotSent(refusal.code, f"{refusal.message} ({refusal.code})", output)
    return Sent(message.sid, context.outbound_payload(uow.account_sid, command.conversation_sid, message))


def _refused(command: SendMessage) -> str | None:
    """Say why a message cannot be sent before it is tried, or None."""
    if command.content_sid:
        return "content templates are not supported by this installation"
    if command.media_url and command.conversation_sid is not None:
        return "media_url is not supported in conversations by this installation"
    return None


async def _record(uow: UnitOfWork, row: Execution, state: ExecutionState, steps: list[RecordStep]) -> None:
    store.insert_steps(uow, state, steps)
    for step in steps:
        await state_fact(
            uow,
            "execution.step/1",
            stream=row.sid,
            object_sid=step.sid,
            snapshot={
                "sid": step.sid,
                "account_sid": uow.account_sid,
                "flow_sid": row.flow_sid,
                "execution_sid": row.sid,
                "conversation_sid": row.conversation_sid,
                "position": step.position,
                "name": step.name,
                "transitioned_from": step.transitioned_from,
                "transitioned_to": step.transitioned_to,
                "type": step.type,
                "log": [_entry(each) for each in step.log],
                **_made(step),
            },
        )


def _entry(each: Any) -> dict[str, Any]:
    message = each.message.replace("\0", "")
    return {"code": each.code, "level": each.level, "message": message, "widget": each.widget}


def _made(step: RecordStep) -> dict[str, Any]:
    """Name what a widget made, for the trace: its message, or its interaction and task."""
    widgets = step.context.get("widgets")
    output = widgets.get(step.transitioned_from) if isinstance(widgets, dict) else None
    if not isinstance(output, dict):
        return {}
    if step.type == "send-to-flex" and step.name == "callComplete":
        return {"interaction_sid": output.get("sid"), "task_sid": output.get("TaskSid")}
    outbound, inbound = output.get("outbound"), output.get("inbound")
    made: dict[str, Any] = {}
    if isinstance(outbound, dict):
        made["message_sid"] = outbound.get("Sid")
    if isinstance(inbound, dict) and step.name == "incomingMessage":
        made["reply_sid"] = inbound.get("MessageSid")
    return made


async def _announce(uow: UnitOfWork, kind: str, row: Execution) -> None:
    await state_fact(
        uow,
        kind,
        stream=row.sid,
        object_sid=row.sid,
        snapshot={
            "sid": row.sid,
            "account_sid": row.account_sid,
            "flow_sid": row.flow_sid,
            "flow_revision": row.flow_revision,
            "status": row.status,
            "conversation_sid": row.conversation_sid,
            "contact_channel_address": row.contact_channel_address,
            "flow_channel_address": row.flow_channel_address,
            "initiated_by": row.initiated_by,
            "ended_reason": None if row.ended_reason is None else row.ended_reason.replace("\0", ""),
        },
    )
