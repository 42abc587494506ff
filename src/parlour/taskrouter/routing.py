"""How a waiting task goes from target to target, and how the workflow ends it (taskrouter.md §3.2)."""

import json
from typing import Final

from parlour.taskrouter import placing, store, transferring
from parlour.taskrouter.desk import Desk
from parlour.taskrouter.errors import no_queue_for_task, refused
from parlour.taskrouter.expression import walk
from parlour.taskrouter.rows import MAX_ASSIGNMENTS, Task, attributes_of
from parlour.taskrouter.workflow import Position, Target, Workflow

TTL_EXCEEDED: Final = "Task TTL Exceeded"
TOO_MANY_ASSIGNMENTS: Final = "Task TTL Exceeded or Max assignment count exceeded"
WORKFLOW_TIMEOUT: Final = "Task canceled on Workflow timeout"
WORKFLOW_SKIPPED: Final = "Task canceled on Workflow skip"
TARGET_NOT_MET: Final = "RoutingTarget SLA for Reservation creation was not met"
TARGET_NOT_AVAILABLE: Final = "RoutingTarget not available for Reservation acceptance: {}"


async def enter(desk: Desk, task: Task, workflow: Workflow, position: Position) -> None:
    """Put the task into the target, state it, watch its deadline and have matching look at it."""
    target = workflow.target_at(position)
    queue = await store.task_queue(desk.uow, desk.workspace_sid, target.queue_sid) if target else None
    had_queue = task.task_queue_sid is not None
    if target is None or queue is None:
        if not had_queue:
            raise refused(f"Task {task.sid} cannot be routed: the queue of its workflow target does not exist")
        desk.fact("workflow.timeout", task)  # an old revision's later target whose queue was deleted since
        _cancel(desk, task, WORKFLOW_TIMEOUT, "workflow_timeout")
        return
    found = workflow.filter_at(position)
    if had_queue and task.task_queue_sid != queue.sid:
        desk.fact("task-queue.moved", task)  # of the queue that it leaves
    moved = placing.enter_target(task, workflow, position, queue, desk.now)
    task.date_updated = desk.now
    desk.touch_task(task)
    desk.fact(
        "workflow.target-matched",
        task,
        workflow_filter_name=found.name if found else "",
        workflow_filter_expression=json.dumps(
            [found.expression.source] if found and found.expression else [], ensure_ascii=False
        ),
        passed_filters=workflow.passed(position, attributes_of(task.attributes)),
        known_worker_sid=_known_worker(target, task),
    )
    if moved:
        desk.fact("task-queue.entered", task)
    desk.deadline(task)
    desk.look_at(task.sid)


def _known_worker(target: Target, task: Task) -> str | None:
    """The SID of the only worker of a target, as the task names it (§3.3)."""
    if target.known_worker_sid is None:
        return None
    found = walk(attributes_of(task.attributes), target.known_worker_sid)
    return found if isinstance(found, str) else None


async def start(desk: Desk, task: Task, workflow: Workflow) -> None:
    """Route a new task.

    :raises ContractError: 400/20001, no filter holds and there is no default filter (§3.2 step 1).
    """
    position = workflow.enter(attributes_of(task.attributes))
    if position is None:
        raise no_queue_for_task(task.workspace_sid, task.account_sid)
    task.workflow_entered_date = task.workflow_entered_date or desk.now
    desk.fact("workflow.entered", task)
    await enter(desk, task, workflow, position)


async def restart(desk: Desk, task: Task, workflow: Workflow, revision: int) -> None:
    """Run a waiting task through an edited workflow from its first filter, its age kept (§3.4)."""
    task.workflow_revision = revision
    task.target_seconds = 0
    position = workflow.enter(attributes_of(task.attributes))
    if position is None:
        desk.fact("workflow.timeout", task)
        _cancel(desk, task, WORKFLOW_TIMEOUT, "workflow_timeout")
        return
    await enter(desk, task, workflow, position)
    await catch_up(desk, task, workflow)


async def catch_up(desk: Desk, task: Task, workflow: Workflow | None) -> None:
    """Leave targets whose time is over; after the last one the task is canceled (§3.2 step 6)."""
    while task.target_deadline is not None and task.target_deadline <= desk.now:
        position = placing.position_of(task)
        if workflow is None or position is None:
            return
        desk.fact("task-queue.timeout", task)
        following = workflow.after_timeout(position, attributes_of(task.attributes))
        if following is None:
            desk.fact("workflow.timeout", task)
            _cancel(desk, task, WORKFLOW_TIMEOUT, "workflow_timeout")
            return
        await enter(desk, task, workflow, following)


async def skip(desk: Desk, task: Task, workflow: Workflow) -> None:
    """Leave a target whose skip_if holds; it contributes nothing to the deadlines (§3.2 step 4, "Timeout clock")."""
    position = placing.position_of(task)
    if position is None:
        return
    task.target_seconds -= placing.target_of(task, workflow).timeout or 0
    following = workflow.after_skip(position, attributes_of(task.attributes))
    if following is None:
        desk.fact("workflow.skipped", task)
        _cancel(desk, task, WORKFLOW_SKIPPED, "workflow_skipped")
        return
    await enter(desk, task, workflow, following)
    await catch_up(desk, task, workflow)


async def reservation_ended(desk: Desk, task: Task) -> None:
    """Go on with a task one of whose offers came to nothing: waiting again once all did (§2.2, §3.2 step 7)."""
    if task.assignment_status != "reserved" or desk.held(task, "pending"):
        return
    if task.expires <= desk.now and task.transfer_sid is None:
        _cancel(desk, task, TTL_EXCEEDED, "ttl")
        return
    if task.assignment_count >= MAX_ASSIGNMENTS:
        _cancel(desk, task, TOO_MANY_ASSIGNMENTS, "max_assignments")
        return
    if task.directed_to is not None and task.directed_to.startswith("WK"):
        _cancel(desk, task, TARGET_NOT_AVAILABLE.format(task.routing_target), "routing_target")
        return
    desk.set_task(task, "pending")
    desk.look_at(task.sid)
    await catch_up(desk, task, await placing.workflow_of(desk.uow, task))


def expire(desk: Desk, task: Task) -> None:
    """End a task whose time to live is over (§2.3)."""
    reason = TARGET_NOT_MET if task.routing_target and task.routing_target.startswith("WK") else TTL_EXCEEDED
    _cancel(desk, task, reason if task.assignment_status == "pending" else TTL_EXCEEDED, "ttl")


def fail_target(desk: Desk, task: Task) -> None:
    """End a task whose routing target cannot be reserved: reservation.failed carries the task (§2.3)."""
    _cancel(desk, task, TARGET_NOT_MET, "routing_target")
    desk.fact("reservation.failed", task)


def cancel(desk: Desk, task: Task, reason: str | None) -> None:
    """End a waiting task for a caller of the API; its pending reservations are canceled."""
    _cancel(desk, task, reason, "api")


def _cancel(desk: Desk, task: Task, reason: str | None, by: str) -> None:
    task.target_deadline = None
    desk.set_task(task, "canceled", reason=reason, by=by)
    transferring.task_ended(desk, task, "canceled")
    desk.end_reservations(task)
