"""Tasks: creation, attributes, and the ways they end (taskrouter.md §2)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from parlour.outbox.timers import schedule
from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import existing, membership, placing, routing, store, transferring
from parlour.taskrouter import task_store as sql
from parlour.taskrouter.desk import Desk, open_desk
from parlour.taskrouter.errors import not_assigned, not_cancelable, precondition_failed, refused, workflow_required
from parlour.taskrouter.rows import Task, TaskChannel, Workflow
from parlour.taskrouter.workflow import parse_configuration

DEFAULT_TIMEOUT: Final = 86_400  # seconds
EARLIEST_START: Final = datetime(1900, 1, 1, tzinfo=UTC)


async def create(
    uow: UnitOfWork,
    workspace_sid: str,
    *,
    workflow_sid: str | None = None,
    attributes: str = "{}",
    priority: int | None = None,
    timeout: int = DEFAULT_TIMEOUT,
    task_channel: str = "default",
    routing_target: str | None = None,
    task_queue_sid: str | None = None,
    ignore_capacity: bool | None = None,
    virtual_start_time: datetime | None = None,
    sid: str | None = None,
    declined_by: Sequence[str] = (),
) -> Task:
    """Make a task and put it where its workflow or routing target says (§2.1, §2.4).

    :param timeout: seconds that it may wait before it is canceled.
    :param task_channel: SID or unique name.
    :param declined_by: workers who come last for it, as they declined the same work as another task.
    :param ignore_capacity: only with a worker as routing target, where it is the default.
    :raises ContractError: 404 of the workspace; 400/20001 for what is not in it, or when no filter holds.
    """
    channel = await store.task_channel(uow, workspace_sid, task_channel)
    if channel is None:
        await existing.workspace(uow, workspace_sid)
        raise invalid_parameter("TaskChannel", f"'{task_channel}' is no task channel of the workspace")
    if virtual_start_time is not None:
        check_start(virtual_start_time, uow.now)
    to_worker = routing_target is not None and routing_target.startswith("WK")
    workflow = await _workflow(uow, workspace_sid, workflow_sid, routing_target)
    task = _new(
        uow,
        workspace_sid,
        sid=sid,
        channel=channel,
        workflow=workflow,
        attributes=attributes,
        priority=priority or 0,
        timeout=timeout,
        virtual_start_time=virtual_start_time or uow.now,
        routing_target=routing_target,
        ignore_capacity=to_worker and ignore_capacity is not False,
    )
    desk = Desk(uow, workspace_sid)
    desk.add(task)
    if routing_target is None or routing_target.startswith("WW"):
        if workflow is None:
            raise workflow_required()
        await routing.start(desk, task, parse_configuration(workflow.configuration))
    else:
        await _place_directly(desk, task, routing_target, task_queue_sid)
    _insert(uow, task)
    _arm_time_to_live(uow, task)
    desk.fact("task.created", task)
    await desk.write()
    if declined_by:
        task.rejected_by = list(declined_by)
        await uow.execute(sql.SET_REJECTED_BY, uow.account_sid, task.sid, task.rejected_by)
    return task


def _arm_time_to_live(uow: UnitOfWork, task: Task) -> None:
    payload = {"workspace_sid": task.workspace_sid, "sid": task.sid}
    schedule(uow, "taskrouter.task.ttl", lane=f"timer:task:{task.sid}", at=task.expires, payload=payload)


def check_start(at: datetime, now: datetime) -> None:
    """Refuse a virtual start time in the future or before 1900 (§2.1).

    :raises ContractError: 400/20001.
    """
    if at > now:
        raise invalid_parameter("VirtualStartTime", "must not be in the future")
    if at < EARLIEST_START:
        raise invalid_parameter("VirtualStartTime", "must not be before the year 1900")


async def _workflow(
    uow: UnitOfWork, workspace_sid: str, workflow_sid: str | None, routing_target: str | None
) -> Workflow | None:
    """The workflow of a new task; without a SID the only one of the workspace (§2.1)."""
    if routing_target is not None and routing_target.startswith("WW"):
        workflow_sid, name = routing_target, "RoutingTarget"
    else:
        name = "WorkflowSid"
    if workflow_sid is None:
        several = await uow.fetch(store.FIRST_WORKFLOWS, uow.account_sid, workspace_sid)
        workflow_sid = several[0]["sid"] if len(several) == 1 else None
    if workflow_sid is None:
        return None
    found = await store.workflow(uow, workspace_sid, workflow_sid, sql=store.SHARE_WORKFLOW)
    if found is None:
        raise invalid_parameter(name, f"'{workflow_sid}' is no workflow of the workspace")
    return found


def _new(
    uow: UnitOfWork,
    workspace_sid: str,
    *,
    sid: str | None,
    channel: TaskChannel,
    workflow: Workflow | None,
    attributes: str,
    priority: int,
    timeout: int,
    virtual_start_time: datetime,
    routing_target: str | None,
    ignore_capacity: bool,
) -> Task:
    return Task(
        account_sid=uow.account_sid,
        sid=sid or uow.new_sid("WT"),
        workspace_sid=workspace_sid,
        assignment_status="pending",
        attributes=attributes,
        addons="{}",
        priority=priority,
        reason=None,
        canceled_by=None,
        timeout=timeout,
        task_channel_sid=channel.sid,
        task_channel_unique_name=channel.unique_name,
        workflow_sid=workflow.sid if workflow else None,
        workflow_revision=workflow.revision if workflow else None,
        workflow_friendly_name=workflow.friendly_name if workflow else None,
        task_reservation_timeout=workflow.task_reservation_timeout if workflow else 120,
        task_queue_sid=None,
        task_queue_friendly_name=None,
        task_queue_target_workers=None,
        task_queue_entered_date=None,
        max_reserved_workers=1,
        task_order="FIFO",
        virtual_start_time=virtual_start_time,
        routing_target=routing_target,
        ignore_capacity=ignore_capacity,
        version=0,
        filter=None,
        target=None,
        target_seconds=0,
        target_deadline=None,
        entering=False,
        workflow_entered_date=None,
        group_key="",
        rank_priority=0,
        rank_time=0,
        rejected_by=[],
        assignment_count=0,
        date_created=uow.now,
        date_updated=uow.now,
        date_ended=None,
    )


def _insert(uow: UnitOfWork, task: Task) -> None:
    uow.defer(
        sql.INSERT_TASK,
        task.account_sid,
        task.sid,
        task.workspace_sid,
        task.attributes,
        task.priority,
        task.timeout,
        task.task_channel_sid,
        task.workflow_sid,
        task.workflow_revision,
        task.task_queue_sid,
        task.task_queue_entered_date,
        task.virtual_start_time,
        task.routing_target,
        task.ignore_capacity,
        task.filter,
        task.target,
        task.target_seconds,
        task.target_deadline,
        task.entering,
        task.workflow_entered_date,
        task.group_key,
        task.rank_priority,
        task.rank_time,
        uow.now,
    )


async def _place_directly(desk: Desk, task: Task, routing_target: str, task_queue_sid: str | None) -> None:
    """Put a task into a queue past the filters: the routing target, or the queue of a worker (§2.4)."""
    queue_sid = routing_target
    if routing_target.startswith("WK"):
        worker = await sql.worker(desk.uow, desk.workspace_sid, routing_target)
        if worker is None:
            raise invalid_parameter("RoutingTarget", f"'{routing_target}' is no worker of the workspace")
        if task_queue_sid is None:
            found = await membership.first_queue_of(desk.uow, worker)
            if found is None:
                raise refused(f"Worker {worker.sid} is in no task queue of workspace {desk.workspace_sid}")
            task_queue_sid = found
        queue_sid = task_queue_sid
    queue = await store.task_queue(desk.uow, desk.workspace_sid, queue_sid)
    if queue is None:
        name = "TaskQueueSid" if queue_sid == task_queue_sid else "RoutingTarget"
        raise invalid_parameter(name, f"'{queue_sid}' is no task queue of the workspace")
    placing.enter_queue(task, queue, desk.now)
    placing.regroup(task, placing.target_of(task, None))
    desk.fact("task-queue.entered", task)
    desk.look_at(task.sid)


async def fetch(reader: Reader, workspace_sid: str, sid: str) -> Task:
    """The task.

    :raises ContractError: 404/20404.
    """
    found = await sql.task(reader, workspace_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def find(reader: Reader, workspace_sid: str, sid: str) -> Task | None:
    """The task, or None."""
    return await sql.task(reader, workspace_sid, sid)


async def has_accepted(reader: Reader, workspace_sid: str, sid: str) -> bool:
    """Whether somebody works on the task: an accepted or wrapping reservation of it."""
    return bool(await reader.fetchval(sql.HAS_ACCEPTED, reader.account_sid, workspace_sid, sid))


async def desk_of(uow: UnitOfWork, workspace_sid: str, sid: str, version: int | None = None) -> tuple[Desk, Task]:
    """Lock a task with all that hangs on it.

    :param version: what If-Match demands, None for anything.
    :raises ContractError: 404; 412 when the version is another.
    """
    desk = await open_desk(uow, workspace_sid, [sid])
    task = desk.tasks.get(sid)
    if task is None:
        raise not_found(sid)
    if version is not None and version != task.version:
        raise precondition_failed(sid, task.version)
    return desk, task


async def update(
    uow: UnitOfWork,
    workspace_sid: str,
    sid: str,
    *,
    attributes: str | None = None,
    assignment_status: str | None = None,
    reason: str | None = None,
    priority: int | None = None,
    task_channel: str | None = None,
    virtual_start_time: datetime | None = None,
    version: int | None = None,
) -> Task:
    """Change what is given; a status and attributes may come together (§2.2).

    :raises ContractError: 404; 412; 400/20001 for a status that has no way from the present one.
    """
    desk, task = await desk_of(uow, workspace_sid, sid, version)
    changes: dict[str, Any] = {"attributes": attributes, "priority": priority}
    if virtual_start_time is not None:
        check_start(virtual_start_time, uow.now)
        changes["virtual_start_time"] = virtual_start_time
    if task_channel is not None:
        await _move_channel(desk, task, task_channel)
    await _edit(desk, task, {name: value for name, value in changes.items() if value is not None})
    if assignment_status is not None:
        _MOVES[assignment_status](desk, task, reason)
    await desk.write()
    return task


async def update_attributes(uow: UnitOfWork, workspace_sid: str, sid: str, attributes: str) -> Task:
    """Replace the attributes; the workflow is not run again (§2.2)."""
    return await update(uow, workspace_sid, sid, attributes=attributes)


async def wrap_up(uow: UnitOfWork, workspace_sid: str, sid: str, *, reason: str | None = None) -> Task:
    """Move an assigned task and its reservations to wrapping.

    :raises ContractError: 404; 400/20001, it is not assigned.
    """
    return await update(uow, workspace_sid, sid, assignment_status="wrapping", reason=reason)


async def complete(uow: UnitOfWork, workspace_sid: str, sid: str, *, reason: str | None = None) -> Task:
    """Complete an assigned or wrapping task and its reservations.

    :raises ContractError: 404; 400/20001, it is neither.
    """
    return await update(uow, workspace_sid, sid, assignment_status="completed", reason=reason)


async def cancel(uow: UnitOfWork, workspace_sid: str, sid: str, *, reason: str | None = None) -> Task:
    """Cancel a pending or reserved task and its reservations.

    :raises ContractError: 404; 400/20001, it is neither.
    """
    return await update(uow, workspace_sid, sid, assignment_status="canceled", reason=reason)


async def delete(uow: UnitOfWork, workspace_sid: str, sid: str, *, version: int | None = None) -> None:
    """Delete a task of any status; what agents held of it ends (§2.3).

    :raises ContractError: 404; 412.
    """
    desk, task = await desk_of(uow, workspace_sid, sid, version)
    await remove(desk, task, "task.deleted")


async def remove(desk: Desk, task: Task, kind: str) -> None:
    """Take a task away, stating ``kind`` and the end of its reservations."""
    desk.fact(kind, task)
    transferring.task_ended(desk, task, "deleted")
    desk.end_reservations(task)
    desk.drop_timers(task)
    await desk.write()
    await desk.uow.execute(sql.DELETE_TASK, desk.uow.account_sid, task.sid)


async def _edit(desk: Desk, task: Task, changes: dict[str, Any]) -> None:
    changes = {name: value for name, value in changes.items() if getattr(task, name) != value}
    if not changes:
        return
    for name, value in changes.items():
        setattr(task, name, value)
    desk.change_task(task)
    placing.rank(task)
    if task.assignment_status in ("pending", "reserved"):
        workflow = await placing.workflow_of(desk.uow, task)
        placing.regroup(task, placing.target_of(task, workflow))
        desk.look_at(task.sid)
    desk.fact("task.updated", task)


async def _move_channel(desk: Desk, task: Task, sid_or_name: str) -> None:
    """Give the task another channel; the capacity that it takes moves with it (§2.2)."""
    channel = await store.task_channel(desk.uow, desk.workspace_sid, sid_or_name)
    if channel is None:
        raise invalid_parameter("TaskChannel", f"'{sid_or_name}' is no task channel of the workspace")
    if channel.sid == task.task_channel_sid:
        return
    await desk.move_channel(task, channel)
    await _edit(desk, task, {"task_channel_sid": channel.sid, "task_channel_unique_name": channel.unique_name})


def _wrap(desk: Desk, task: Task, reason: str | None) -> None:
    if task.assignment_status != "assigned":
        raise not_assigned("wrap up", task.sid, task.workspace_sid, task.account_sid)
    desk.set_task(task, "wrapping", reason=reason)
    for reservation in desk.held(task, "accepted"):
        desk.set_reservation(reservation, "wrapping")


def _complete(desk: Desk, task: Task, reason: str | None) -> None:
    if task.assignment_status not in ("assigned", "wrapping"):
        raise not_assigned("complete", task.sid, task.workspace_sid, task.account_sid)
    desk.set_task(task, "completed", reason=reason)
    desk.end_reservations(task)


def _cancel(desk: Desk, task: Task, reason: str | None) -> None:
    if task.assignment_status not in ("pending", "reserved"):
        raise not_cancelable(task.sid, task.workspace_sid, task.account_sid)
    routing.cancel(desk, task, reason)


_MOVES: Final = {"wrapping": _wrap, "completed": _complete, "canceled": _cancel}
