"""The facts that Studio states about executions, for the trace and whoever listens (docs/spine.md)."""

from collections.abc import Sequence
from typing import Any

from parlour.outbox.facts import state as state_fact
from parlour.store.unit import UnitOfWork
from parlour.studio.execution import LogEntry, RecordStep
from parlour.studio.execution_store import Execution


async def record(uow: UnitOfWork, row: Execution, steps: Sequence[RecordStep]) -> None:
    """State each step of an execution, in order."""
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
                "parent_step_sid": step.parent_step_sid,
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


def _entry(each: LogEntry) -> dict[str, Any]:
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


async def announce(uow: UnitOfWork, kind: str, row: Execution) -> None:
    """State that an execution was started or has ended."""
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
