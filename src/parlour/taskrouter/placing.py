"""A task's place in its workflow: entering targets, their deadlines, and the order in the queue (§2.5, §3.2)."""

import hashlib
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Final

from parlour.kit.wire import encode_json
from parlour.store.unit import Reader
from parlour.taskrouter import task_store as store
from parlour.taskrouter.expression import walk
from parlour.taskrouter.rows import Task, TaskQueue, attributes_of
from parlour.taskrouter.workflow import Position, Target, Workflow, parse_configuration

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN_WORKFLOWS: Final = 512
_workflows: OrderedDict[tuple[str, str, int], Workflow] = OrderedDict()


async def workflow_of(reader: Reader, task: Task) -> Workflow | None:
    """The configuration that placed the task; a revision never changes, so it is kept in memory."""
    if task.workflow_sid is None or task.workflow_revision is None:
        return None
    key = (reader.account_sid, task.workflow_sid, task.workflow_revision)
    known = _workflows.get(key)
    if known is None:
        text = await reader.fetchval(store.FETCH_CONFIGURATION, *key)
        if text is None:
            return None
        known = _workflows[key] = parse_configuration(text)
        if len(_workflows) > _KNOWN_WORKFLOWS:
            _workflows.popitem(last=False)
    _workflows.move_to_end(key)
    return known


def position_of(task: Task) -> Position | None:
    """The task's position in its workflow; None when a routing target placed it."""
    return None if task.filter is None or task.target is None else Position(task.filter, task.target)


def target_of(task: Task, workflow: Workflow | None) -> Target:
    """The target in which the task waits; one with nothing but the queue where no workflow placed it."""
    position = position_of(task)
    found = workflow.target_at(position) if workflow and position else None
    return found or Target(queue_sid=task.task_queue_sid or "")


def enter_target(task: Task, workflow: Workflow, position: Position, queue: TaskQueue, now: datetime) -> bool:
    """Put the task into a target; says whether that moved it to another queue.

    Time-outs count from the entry into the workflow and add up over the targets (§3.2 "Timeout clock").
    """
    target = workflow.target_at(position)
    if target is None or task.workflow_entered_date is None:
        raise ValueError("the position is not in the workflow")
    task.filter, task.target = position.filter, position.target
    if target.priority is not None:
        task.priority = target.priority
    task.target_seconds += target.timeout or 0
    task.target_deadline = (
        task.workflow_entered_date + timedelta(seconds=task.target_seconds) if target.timeout else None
    )
    task.entering = target.skip_if is not None
    task.rejected_by = []
    moved = enter_queue(task, queue, now)
    regroup(task, target)
    return moved


def enter_queue(task: Task, queue: TaskQueue, now: datetime) -> bool:
    """Put the task into a queue; says whether it was in another one. The time in the queue starts then (§2.1)."""
    moved = task.task_queue_sid != queue.sid
    if moved:
        task.task_queue_sid = queue.sid
        task.task_queue_friendly_name = queue.friendly_name
        task.task_queue_entered_date = now
    task.task_queue_target_workers = queue.target_workers
    task.max_reserved_workers, task.task_order = queue.max_reserved_workers, queue.task_order
    rank(task)
    return moved


def rank(task: Task) -> None:
    """Compute the place in the queue: FIFO by priority, then time; LIFO by time alone, latest first (§2.5)."""
    microseconds = (task.virtual_start_time - _EPOCH) // timedelta(microseconds=1)
    if task.task_order == "LIFO":
        task.rank_priority, task.rank_time = 0, -microseconds
    else:
        task.rank_priority, task.rank_time = -task.priority, microseconds


def regroup(task: Task, target: Target) -> None:
    """Compute the group: tasks for which the same workers are eligible (DESIGN 2.9)."""
    attributes = attributes_of(task.attributes)
    parts = [
        task.workflow_sid,
        task.workflow_revision,
        task.filter,
        task.target,
        task.task_queue_sid,
        task.task_channel_sid,
        task.routing_target,
        task.ignore_capacity,
        task.transfer_sid,
        [walk(attributes, path) for path in target.task_paths],
    ]
    task.group_key = hashlib.blake2b(encode_json(parts), digest_size=16).hexdigest()
