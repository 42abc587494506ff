"""Statistics from the book of a callback receiver alone, with nothing of the server in it (taskrouter.md §8)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, str]
Figures = dict[str, Any]
RESERVATIONS = {
    "created": "reservations_created",
    "accepted": "reservations_accepted",
    "rejected": "reservations_rejected",
    "timeout": "reservations_timed_out",
    "canceled": "reservations_canceled",
    "rescinded": "reservations_rescinded",
}


@dataclass
class Ledger:
    """Events as they were told, by any order; those of one task or worker are in order.

    :ivar now: epoch milliseconds at which the book is read.
    """

    events: list[Event]
    now: int
    activities: dict[str, str] = field(default_factory=dict)  # name to SID

    def past(self, start: int, end: int, **scope: str) -> Figures:
        """Cumulative figures between two epoch milliseconds of a workspace, queue or workflow."""
        told = [each for each in self.events if start <= int(each["TimestampMs"]) <= end and _in(each, scope)]
        kinds = Counter(each["EventType"] for each in told)
        accepted = [each for each in told if each["EventType"] == "reservation.accepted"]
        canceled = [each for each in told if each["EventType"] == "task.canceled"]
        waits = [_age(each) for each in accepted]
        figures: Figures = {name: kinds[f"reservation.{verb}"] for verb, name in RESERVATIONS.items()}
        figures |= {
            "tasks_canceled": kinds["task.canceled"],
            "tasks_completed": kinds["task.completed"],
            "tasks_deleted": kinds["task.deleted"] + kinds["task.system-deleted"],
            "tasks_moved": kinds["task-queue.moved"],
            "avg_task_acceptance_time": _sums(waits)["avg"],
            "wait_duration_until_accepted": _sums(waits),
            "wait_duration_until_canceled": _sums([_age(each) for each in canceled]),
        }
        if "TaskQueueSid" in scope:
            figures["tasks_entered"] = kinds["task-queue.entered"]
            figures["wait_duration_in_queue_until_accepted"] = _sums(
                [int(each["Timestamp"]) - int(each["TaskQueueEnteredDate"]) for each in accepted]
            )
        else:
            figures["tasks_timed_out_in_workflow"] = kinds["workflow.timeout"]
            name = "tasks_entered" if "WorkflowSid" in scope else "tasks_created"
            figures[name] = kinds["workflow.entered"] if "WorkflowSid" in scope else kinds["task.created"]
        return figures

    def split(self, start: int, end: int, threshold: int, **scope: str) -> Figures:
        """Accepted reservations and canceled tasks that waited longer than a threshold, and not longer."""
        told = [each for each in self.events if start <= int(each["TimestampMs"]) <= end and _in(each, scope)]
        found: Figures = {side: {"tasks_canceled": 0, "reservations_accepted": 0} for side in ("above", "below")}
        names = {"task.canceled": "tasks_canceled", "reservation.accepted": "reservations_accepted"}
        for each in told:
            if each["EventType"] in names:
                found["above" if _age(each) > threshold else "below"][names[each["EventType"]]] += 1
        return found

    def of_workers(self, start: int, end: int, workers: Iterable[str] | None = None) -> Figures:
        """Cumulative figures of workers (None: all)."""
        chosen = None if workers is None else set(workers)
        mine = [each for each in self.events if "WorkerSid" in each and (chosen is None or each["WorkerSid"] in chosen)]
        kinds = Counter(each["EventType"] for each in mine if start <= int(each["TimestampMs"]) <= end)
        figures: Figures = {name: kinds[f"reservation.{verb}"] for verb, name in RESERVATIONS.items()}
        stays: dict[str, list[float]] = {name: [] for name in self.activities}
        for name, since, until in self._stays(mine):
            cut = (min(until, end) - max(since, start)) / 1000
            if cut > 0:
                stays[name].append(cut)
        figures["activity_durations"] = {name: _sums(found) for name, found in stays.items()}
        return figures

    def _stays(self, events: Iterable[Event]) -> list[tuple[str, int, int]]:
        current: dict[str, tuple[str, int]] = {}
        found = []
        for each in sorted(events, key=lambda event: (int(event["TimestampMs"]), event["Sid"])):
            sid, at = each["WorkerSid"], int(each["TimestampMs"])
            if each["EventType"] == "worker.created":
                current[sid] = (each["WorkerActivityName"], at)
            elif each["EventType"] == "worker.activity.update":
                name, since = current[sid]
                assert name == each["WorkerPreviousActivityName"]
                found.append((name, since, at))
                current[sid] = (each["WorkerActivityName"], at)
            elif each["EventType"] == "worker.deleted":
                name, since = current.pop(sid)
                found.append((name, since, at))
        return found + [(name, since, self.now) for name, since in current.values()]

    def tasks(self, **scope: str) -> dict[str, Event]:
        """The last that was told of each task that lives."""
        last: dict[str, Event] = {}
        gone: set[str] = set()
        for each in self.events:
            if "TaskSid" in each:
                last[each["TaskSid"]] = each
                if each["EventType"] in ("task.deleted", "task.system-deleted"):
                    gone.add(each["TaskSid"])
        ended = ("canceled", "completed")
        return {
            sid: each
            for sid, each in last.items()
            if sid not in gone and each["TaskAssignmentStatus"] not in ended and _in(each, scope)
        }

    def present(self, **scope: str) -> Figures:
        """Real-time figures of the tasks of a workspace, queue or workflow."""
        tasks = self.tasks(**scope)
        statuses = Counter(each["TaskAssignmentStatus"] for each in tasks.values())
        waiting = {k: v for k, v in tasks.items() if v["TaskAssignmentStatus"] in ("pending", "reserved")}
        oldest = min((int(each["TaskDateCreated"]) for each in waiting.values()), default=None)
        return {
            "total_tasks": len(tasks),
            "tasks_by_status": {name: statuses[name] for name in ("pending", "reserved", "assigned", "wrapping")},
            "tasks_by_priority": dict(Counter(each["TaskPriority"] for each in waiting.values())),
            "longest_task_waiting_age": 0 if oldest is None else self.now // 1000 - oldest,
        }

    def workers(self) -> dict[str, str]:
        """Worker SID to the name of their activity now."""
        now: dict[str, str] = {}
        for each in self.events:
            if each["EventType"] in ("worker.created", "worker.activity.update"):
                now[each["WorkerSid"]] = each["WorkerActivityName"]
            elif each["EventType"] == "worker.deleted":
                now.pop(each["WorkerSid"])
        return now


def _in(event: Event, scope: dict[str, str]) -> bool:
    return all(event.get(name) == value for name, value in scope.items())


def _age(event: Event) -> int:
    return int(event["TaskAge"])


def _sums(seconds: list[Any]) -> dict[str, int]:
    if not seconds:
        return {"avg": 0, "min": 0, "max": 0, "total": 0}
    total = round(sum(seconds), 3)
    return {
        "avg": int(total / len(seconds)),
        "min": int(min(seconds)),
        "max": int(max(seconds)),
        "total": int(total),
    }
