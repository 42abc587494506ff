"""What the page of flows shows: flows, executions as paths with their steps, and what a step led to."""

from collections.abc import Mapping
from typing import Any, Final

from parlour.conversations import conversations
from parlour.conversations.store import messages
from parlour.flex import configuration
from parlour.flex import store as flex_store
from parlour.kit.wire import decode_json, iso
from parlour.rest.errors import not_found
from parlour.store.unit import Reader
from parlour.studio import execution_store, executions, flows, store
from parlour.studio.definition import Definition
from parlour.studio.execution_store import Step, StepLine
from parlour.studio.templates import Scene, TemplateError, render
from parlour.taskrouter import tasks

SHOWN: Final = 200
"""Flows, executions or messages in one list."""
STEPS: Final = 1000


async def list_flows(reader: Reader) -> dict[str, Any]:
    """Return the flows with the number of their executions, newest first."""
    rows = await store.list_flows(reader, None, SHOWN)
    counts = await execution_store.count_of_flows(reader, [row.sid for row in rows])
    return {
        "flows": [
            {
                "sid": row.sid,
                "name": row.friendly_name,
                "status": row.status,
                "revision": row.revision,
                "published": row.published_revision,
                "active": counts.get(row.sid, (0, 0))[0],
                "executions": counts.get(row.sid, (0, 0))[1],
            }
            for row in rows
        ]
    }


async def flow(reader: Reader, sid: str) -> dict[str, Any]:
    """Return a flow's newest revision with its latest executions. Errors: 404/20404."""
    row = await flows.fetch(reader, sid)
    runs = await execution_store.list_of_flow(
        reader, sid, after=None, status=None, created_from=None, created_to=None, limit=SHOWN
    )
    return {
        "sid": row.sid,
        "name": row.friendly_name,
        "status": row.status,
        "revision": row.revision,
        "definition": decode_json(row.definition),
        "executions": [
            {
                "sid": run.sid,
                "status": run.status,
                "contact": run.contact_channel_address,
                "started": iso(run.date_created),
                "revision": run.flow_revision,
                "reason": run.ended_reason,
            }
            for run in runs
        ],
    }


async def execution(reader: Reader, flow_sid: str, sid: str) -> dict[str, Any]:
    """Return an execution: its revision's definition and every step, without their contexts. Errors: 404/20404."""
    row = await executions.fetch(reader, flow_sid, sid)
    revision = await flows.fetch_revision(reader, flow_sid, str(row.flow_revision))
    lines = await execution_store.step_lines(reader, flow_sid, sid, STEPS)
    state = row.decoded()
    return {
        "sid": row.sid,
        "flow_sid": flow_sid,
        "name": revision.friendly_name,
        "revision": row.flow_revision,
        "definition": decode_json(revision.definition),
        "status": row.status,
        "contact": row.contact_channel_address,
        "started": iso(row.date_created),
        "reason": row.ended_reason,
        "waits_in": None if row.status == "ended" else state.widget,
        "conversation_sid": row.conversation_sid,
        "links": _links(state.context),
        "steps": _steps(lines, row),
    }


def _steps(lines: list[StepLine], row: execution_store.Execution) -> list[dict[str, Any]]:
    shown = []
    before = row.date_created
    for line in lines:
        shown.append(
            {
                "sid": line.sid,
                "number": line.position,
                "widget": line.transitioned_from,
                "type": line.type,
                "event": line.name,
                "next": line.transitioned_to,
                "parent": line.parent_step_sid,
                "seconds": round((line.date_created - before).total_seconds(), 3),
                "codes": [entry["code"] for entry in line.log],
            }
        )
        before = line.date_created
    return shown


def _links(context: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the interactions and tasks that widgets made."""
    found = []
    widgets = context.get("widgets")
    for output in widgets.values() if isinstance(widgets, Mapping) else ():
        if not isinstance(output, Mapping) or not str(output.get("sid", "")).startswith("KD"):
            continue
        found.append({"kind": "interaction", "sid": str(output["sid"])})
        if output.get("TaskSid"):
            found.append({"kind": "task", "sid": str(output["TaskSid"])})
    return found


async def step(reader: Reader, flow_sid: str, sid: str, step_sid: str) -> dict[str, Any]:
    """Return a step: what its properties came to, what it wrote, what it logged. Errors: 404/20404."""
    row = await executions.fetch(reader, flow_sid, sid)
    found = await executions.fetch_step(reader, flow_sid, sid, step_sid)
    before = await execution_store.step_before(reader, sid, found.position)
    definition = await _definition(reader, row, found)
    widget = definition.widgets.get(found.transitioned_from) if definition is not None else None
    scene = Scene(decode_json(before.context) if before is not None else {}, found.date_created)
    context = decode_json(found.context)
    return {
        "sid": found.sid,
        "input": {} if widget is None else _value(widget.properties, scene),
        "output": context.get("widgets", {}).get(found.transitioned_from),
        "variables": context.get("flow", {}).get("variables"),
        "log": found.log,
        "at": iso(found.date_created),
    }


async def _definition(reader: Reader, row: execution_store.Execution, found: Step) -> Definition | None:
    main = await flows.definition_of(reader, row.flow_sid, row.flow_revision)
    if found.parent_step_sid is None:
        return main
    sid = str(decode_json(found.context).get("flow", {}).get("flow_sid"))
    subflow = await store.fetch_flow(reader, sid)
    number = None if subflow is None else subflow.published_revision or subflow.revision
    return None if number is None else await flows.definition_of(reader, sid, number)


def _value(value: object, scene: Scene) -> object:
    """Render the templates in a property; one that fails is shown as it is written."""
    if isinstance(value, str):
        try:
            return render(value, scene)
        except TemplateError:
            return value
    if isinstance(value, Mapping):
        return {name: _value(each, scene) for name, each in value.items() if name != "offset"}
    if isinstance(value, list):
        return [_value(each, scene) for each in value]
    return value


async def linked(reader: Reader, sid: str) -> dict[str, Any]:
    """Return the conversation, interaction or task of a SID. Errors: 404/20404."""
    if sid.startswith("CH"):
        return await _conversation(reader, sid)
    if sid.startswith("KD"):
        row = await flex_store.fetch_interaction(reader, sid)
        if row is None:
            raise not_found(sid)
        routed = row.routing.get("properties") or {}
        shown = {
            "Channel": f"{row.channel_type} {row.channel_sid}",
            "Begun by": row.initiated_by,
            "Begun": iso(row.date_created),
            "Routing": f"{routed.get('workflow_name') or routed.get('workflow_sid')}, {routed.get('queue_name') or ''}",
            "Task": str(routed.get("sid") or ""),
        }
        return {"kind": "interaction", "sid": sid, "facts": shown, "lines": []}
    if sid.startswith("WT"):
        workspace = (await configuration.fetch(reader)).taskrouter_workspace_sid
        task = await tasks.fetch(reader, workspace, sid)
        shown = {
            "Status": task.assignment_status,
            "Priority": str(task.priority),
            "Workflow": task.workflow_sid or "",
            "Queue": task.task_queue_sid or "",
            "Attributes": task.attributes,
        }
        return {"kind": "task", "sid": sid, "facts": shown, "lines": []}
    raise not_found(sid)


async def _conversation(reader: Reader, sid: str) -> dict[str, Any]:
    row = await conversations.fetch(reader, sid)
    said = await messages.page(reader, sid, descending=False, after=None, limit=SHOWN)
    return {
        "kind": "conversation",
        "sid": sid,
        "facts": {"State": row.state, "Name": row.friendly_name or "", "Attributes": row.attributes},
        "lines": [{"who": each.author, "text": each.body or "", "at": iso(each.date_created)} for each in said],
    }
