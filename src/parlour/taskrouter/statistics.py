"""Statistics: what happened in an interval, from the event log, and how things are now (taskrouter.md §8)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from parlour.kit.wire import iso
from parlour.store.unit import Reader
from parlour.taskrouter import roster, statistics_store, store
from parlour.taskrouter.candidates import Candidate
from parlour.taskrouter.expression import compile_expression
from parlour.taskrouter.interval import Interval
from parlour.taskrouter.rows import LIVE, WAITING, Activity, TaskQueue
from parlour.taskrouter.statistics_store import Scope

Figures = dict[str, Any]

_RESERVATIONS: Final = {
    "reservations_created": "reservation.created",
    "reservations_accepted": "reservation.accepted",
    "reservations_rejected": "reservation.rejected",
    "reservations_timed_out": "reservation.timeout",
    "reservations_canceled": "reservation.canceled",
    "reservations_rescinded": "reservation.rescinded",
}
_TASKS: Final = {
    "tasks_canceled": "task.canceled",
    "tasks_completed": "task.completed",
    "tasks_moved": "task-queue.moved",
}


async def cumulative(reader: Reader, scope: Scope, asked: Interval, thresholds: Sequence[int]) -> Figures:
    """What happened to the tasks of a workspace, of a queue or of a workflow.

    Each figure counts events of the interval, each by the queue and workflow in which its task was at that moment:
    ``reservations_*`` the events of reservations; ``tasks_created`` task.created (workspace); ``tasks_entered``
    task-queue.entered (queue) or workflow.entered (workflow); ``tasks_canceled`` and ``tasks_completed`` their events;
    ``tasks_deleted`` task.deleted and task.system-deleted; ``tasks_moved`` task-queue.moved, of the queue that was
    left; ``tasks_timed_out_in_workflow`` workflow.timeout. ``wait_duration_until_accepted`` and ``_canceled`` are the
    whole seconds from the creation of the task to reservation.accepted and task.canceled,
    ``wait_duration_in_queue_until_accepted`` those from its entry into the queue; an average is rounded down;
    ``avg_task_acceptance_time`` repeats the first of them. ``split_by_wait_time`` parts accepted reservations and
    canceled tasks at each threshold; who waited exactly that long is below.
    """
    counts = await statistics_store.counts(reader, scope, asked)
    accepted = _durations(counts.get("reservation.accepted"), "")
    figures: Figures = {
        **_interval(asked),
        **_reservations(counts),
        **{name: _count(counts, event_type) for name, event_type in _TASKS.items()},
        "tasks_deleted": _count(counts, "task.deleted") + _count(counts, "task.system-deleted"),
        "avg_task_acceptance_time": accepted["avg"],
        "wait_duration_until_accepted": accepted,
        "wait_duration_until_canceled": _durations(counts.get("task.canceled"), ""),
        "split_by_wait_time": await _split(reader, scope, asked, thresholds),
    }
    if scope.task_queue_sid is not None:
        figures["tasks_entered"] = _count(counts, "task-queue.entered")
        in_queue = _durations(counts.get("reservation.accepted"), "queue_")
        figures["wait_duration_in_queue_until_accepted"] = in_queue
        return figures
    figures["tasks_timed_out_in_workflow"] = _count(counts, "workflow.timeout")
    if scope.workflow_sid is not None:
        figures["tasks_entered"] = _count(counts, "workflow.entered")
    else:
        figures["tasks_created"] = _count(counts, "task.created")
    return figures


async def cumulative_of_workers(reader: Reader, scope: Scope, asked: Interval) -> Figures:
    """What workers did: the events of their reservations, and their time in each activity.

    ``activity_durations``: for each activity the whole seconds that workers stayed in it within the interval; ``min``,
    ``max`` and ``avg`` are those of single stays, cut at the ends of the interval.
    """
    counts = await statistics_store.counts(reader, scope, asked)
    stays = await statistics_store.stays(reader, scope, asked)
    durations = [
        {"sid": each.sid, "friendly_name": each.friendly_name, **_stay(stays.get(each.sid))}
        for each in await store.activities(reader, scope.workspace_sid)
    ]
    return {**_interval(asked), **_reservations(counts), "activity_durations": durations}


async def real_time_of_tasks(reader: Reader, scope: Scope) -> Figures:
    """How the tasks are now.

    ``total_tasks`` and ``tasks_by_status`` count those that are pending, reserved, assigned and wrapping;
    ``tasks_by_priority`` those that wait (pending or reserved); ``longest_task_waiting_age`` is the age in seconds of
    the oldest of the latter, ``longest_task_waiting_sid`` its SID, 0 and null where none waits.
    """
    by_status: Counter[str] = Counter(dict.fromkeys(LIVE, 0))
    by_priority: Counter[str] = Counter()
    for each in await statistics_store.live(reader, scope):
        by_status[each["assignment_status"]] += each["count"]
        if each["assignment_status"] in WAITING:
            by_priority[str(each["priority"])] += each["count"]
    sid, age = _waiting(await statistics_store.oldest(reader, scope), reader.now)
    return {
        "total_tasks": by_status.total(),
        "tasks_by_status": dict(by_status),
        "tasks_by_priority": dict(by_priority),
        "longest_task_waiting_age": age,
        "longest_task_waiting_sid": sid,
    }


async def real_time_of_workspace(reader: Reader, scope: Scope) -> Figures:
    """How tasks and workers of a workspace are now."""
    return {**await real_time_of_tasks(reader, scope), **await real_time_of_workers(reader, scope)}


async def real_time_of_workers(reader: Reader, scope: Scope) -> Figures:
    """``total_workers``, and how many of them are in each activity; with a channel, those who take its tasks at all."""
    members = await _members(reader, scope)
    if scope.workers is not None:
        chosen = set(scope.workers)
        members = [each for each in members if each.sid in chosen]
    activities = await store.activities(reader, scope.workspace_sid)
    return {"total_workers": len(members), "activity_statistics": _activities(members, activities)}


async def real_time_of_queue(
    reader: Reader, scope: Scope, queue: TaskQueue, *, members: Sequence[Candidate] | None = None
) -> Figures:
    """How a queue is now.

    Beside the figures of its tasks: ``total_eligible_workers`` match its target workers, whatever their activity;
    ``total_available_workers`` are those of them whose activity is available, whatever they hold;
    ``activity_statistics`` counts the eligible ones.

    :param members: all workers, where the caller has them.
    """
    known = await _members(reader, scope) if members is None else members
    eligible = await roster.matching_of(compile_expression(queue.target_workers), known)
    activities = await store.activities(reader, scope.workspace_sid)
    return {
        **await real_time_of_tasks(reader, scope),
        "total_eligible_workers": len(eligible),
        "total_available_workers": sum(each.available for each in eligible),
        "activity_statistics": _activities(eligible, activities),
    }


async def relative_of_queue(reader: Reader, scope: Scope) -> Figures:
    """Seconds that the task has been in the queue which has been there longest, and its SID."""
    sid, age = _waiting(await statistics_store.oldest(reader, scope, in_queue=True), reader.now)
    return {"longest_relative_task_age_in_queue": age, "longest_relative_task_sid_in_queue": sid}


async def _members(reader: Reader, scope: Scope) -> list[Candidate]:
    members = await roster.everybody(reader, scope.workspace_sid)
    if scope.task_channel is None:
        return members
    serving = await statistics_store.serving(reader, scope.workspace_sid, scope.task_channel)
    return [each for each in members if each.sid in serving]


def _interval(asked: Interval) -> Figures:
    return {"start_time": iso(asked.start), "end_time": iso(asked.end)}


def _count(counts: Mapping[str, Mapping[str, Any]], event_type: str) -> int:
    found = counts.get(event_type)
    return 0 if found is None else int(found["count"])


def _reservations(counts: Mapping[str, Mapping[str, Any]]) -> Figures:
    return {name: _count(counts, event_type) for name, event_type in _RESERVATIONS.items()}


def _durations(found: Mapping[str, Any] | None, prefix: str) -> dict[str, int]:
    if found is None or found[f"{prefix}total"] is None:
        return {"avg": 0, "min": 0, "max": 0, "total": 0}
    total = int(found[f"{prefix}total"])
    return {
        "avg": total // int(found["count"]),
        "min": int(found[f"{prefix}min"]),
        "max": int(found[f"{prefix}max"]),
        "total": total,
    }


def _stay(found: Mapping[str, Any] | None) -> dict[str, int]:
    if found is None:
        return {"avg": 0, "min": 0, "max": 0, "total": 0}
    names = {name: int(found[name]) for name in ("min", "max", "total")}
    return {"avg": int(found["total"] / found["count"]), **names}


async def _split(reader: Reader, scope: Scope, asked: Interval, thresholds: Sequence[int]) -> Figures:
    if not thresholds:
        return {}
    found = await statistics_store.split(reader, scope, asked, thresholds)

    def side(threshold: int, index: int) -> dict[str, int]:
        return {
            "tasks_canceled": found.get(("task.canceled", threshold), (0, 0))[index],
            "reservations_accepted": found.get(("reservation.accepted", threshold), (0, 0))[index],
        }

    return {str(each): {"above": side(each, 0), "below": side(each, 1)} for each in thresholds}


def _waiting(found: tuple[str, datetime] | None, now: datetime) -> tuple[str | None, int]:
    return (None, 0) if found is None else (found[0], max(0, int((now - found[1]).total_seconds())))


def _activities(members: Iterable[Candidate], activities: Iterable[Activity]) -> list[Figures]:
    counts = Counter(str(each.built_in["activity_sid"]) for each in members)
    return [{"sid": a.sid, "friendly_name": a.friendly_name, "workers": counts[a.sid]} for a in activities]
