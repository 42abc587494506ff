"""Workspaces and what a new one has (taskrouter.md §1.4)."""

from dataclasses import dataclass
from typing import Final

from parlour.kit.wire import json_text
from parlour.rest.errors import invalid_parameter
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import activities, channels, existing, queues, store, workflows
from parlour.taskrouter.facts import tell
from parlour.taskrouter.rows import Activity, TaskChannel, TaskQueue, Workflow, Workspace

OFFLINE: Final = "Offline"
ACTIVITIES: Final = (("Available", True), ("Unavailable", False))
CHANNELS: Final = (
    ("default", "Default"),
    ("video", "Programmable Video"),
    ("sms", "SMS"),
    ("voice", "Voice"),
    ("chat", "Programmable Chat"),
)
RESERVATION_TIMEOUT: Final = 120  # seconds


@dataclass(frozen=True)
class Provisioned:
    """What was made with a workspace; activities by friendly name, channels by unique name."""

    workspace: Workspace
    activities: dict[str, Activity]
    channels: dict[str, TaskChannel]


async def create(
    uow: UnitOfWork,
    *,
    friendly_name: str,
    template: str = "NONE",
    event_callback_url: str = "",
    events_filter: str | None = None,
    multi_task_enabled: bool = True,
    prioritize_queue_order: str = "FIFO",
) -> Workspace:
    """Make a workspace with its activities and task channels; template FIFO adds a queue and a workflow (§1.4)."""
    made = await provision(
        uow,
        friendly_name=friendly_name,
        event_callback_url=event_callback_url,
        events_filter=events_filter,
        multi_task_enabled=multi_task_enabled,
        prioritize_queue_order=prioritize_queue_order,
    )
    if template == "FIFO":
        await add_first_workflow(uow, made.workspace.sid, "Sample Queue", "Default Fifo Workflow")
    return made.workspace


async def provision(
    uow: UnitOfWork,
    *,
    friendly_name: str,
    event_callback_url: str = "",
    events_filter: str | None = None,
    multi_task_enabled: bool = True,
    prioritize_queue_order: str = "FIFO",
) -> Provisioned:
    """Make a workspace with its default activities and task channels."""
    existing.check_url("EventCallbackUrl", event_callback_url)
    sid, offline = uow.new_sid("WS"), uow.new_sid("WA")
    await uow.execute(
        store.INSERT_WORKSPACE,
        uow.account_sid,
        sid,
        friendly_name,
        event_callback_url,
        events_filter,
        multi_task_enabled,
        prioritize_queue_order,
        offline,
        uow.now,
    )
    # A workspace is not readable before its default activity is there.
    await uow.execute(store.INSERT_ACTIVITY, uow.account_sid, offline, sid, OFFLINE, False, uow.now)
    await tell(uow, "created", await fetch(uow, sid))
    made = {OFFLINE: await activities.fetch(uow, sid, offline)}
    await tell(uow, "created", made[OFFLINE])
    for name, available in ACTIVITIES:
        made[name] = await activities.create(uow, sid, friendly_name=name, available=available)
    kinds: dict[str, TaskChannel] = {}
    for unique_name, name in CHANNELS:
        kinds[unique_name] = await channels.create(uow, sid, friendly_name=name, unique_name=unique_name)
    return Provisioned(await fetch(uow, sid), made, kinds)


async def add_first_workflow(
    uow: UnitOfWork, workspace_sid: str, queue_name: str, workflow_name: str
) -> tuple[TaskQueue, Workflow]:
    """Make a queue of everybody and a workflow that sends every task there."""
    queue = await queues.create(uow, workspace_sid, friendly_name=queue_name)
    workflow = await workflows.create(
        uow,
        workspace_sid,
        friendly_name=workflow_name,
        configuration=json_text({"task_routing": {"filters": [], "default_filter": {"queue": queue.sid}}}),
        task_reservation_timeout=RESERVATION_TIMEOUT,
    )
    return queue, workflow


async def fetch(reader: Reader, sid: str) -> Workspace:
    """The workspace.

    :raises ContractError: 404/20404.
    """
    return await existing.workspace(reader, sid)


async def update(
    uow: UnitOfWork,
    sid: str,
    *,
    friendly_name: str | None = None,
    event_callback_url: str | None = None,
    events_filter: str | None = None,
    multi_task_enabled: bool | None = None,
    prioritize_queue_order: str | None = None,
    default_activity_sid: str | None = None,
    timeout_activity_sid: str | None = None,
) -> Workspace:
    """Change what is given.

    :raises ContractError: 404 of the workspace; 400/20001 for an activity of another one, or single tasking.
    """
    await uow.execute(store.LOCK_WORKSPACE, uow.account_sid, sid)
    known = await fetch(uow, sid)
    existing.check_url("EventCallbackUrl", event_callback_url)
    if multi_task_enabled is False:
        raise invalid_parameter("MultiTaskEnabled", "a multitasking workspace cannot go back to single tasking")
    for name, activity_sid in (
        ("DefaultActivitySid", default_activity_sid),
        ("TimeoutActivitySid", timeout_activity_sid),
    ):
        if activity_sid is not None and await store.activity(uow, sid, activity_sid) is None:
            raise invalid_parameter(name, f"{activity_sid} is no activity of the workspace")
    await uow.execute(
        store.UPDATE_WORKSPACE,
        uow.account_sid,
        sid,
        known.friendly_name if friendly_name is None else friendly_name,
        known.event_callback_url if event_callback_url is None else event_callback_url,
        known.events_filter if events_filter is None else events_filter or None,
        True if multi_task_enabled is None else multi_task_enabled,
        prioritize_queue_order or known.prioritize_queue_order,
        default_activity_sid or known.default_activity_sid,
        timeout_activity_sid or known.timeout_activity_sid,
        uow.now,
    )
    changed = await fetch(uow, sid)
    await tell(uow, "updated", changed)
    return changed


async def delete(uow: UnitOfWork, sid: str) -> None:
    """Delete the workspace and all that is in it (§1.4).

    :raises ContractError: 404/20404.
    """
    await tell(uow, "deleted", await fetch(uow, sid))
    for statement in store.DELETE_WORKSPACE_PARTS:
        args = (uow.account_sid, sid)
        await uow.execute(statement, *args)
