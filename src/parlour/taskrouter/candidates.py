"""Workers whom a matching pass may reserve, and the tasks that wait for them, in memory (taskrouter.md §2.5, §5.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from parlour.taskrouter.expression import Expression, Layered
from parlour.taskrouter.rows import Task, percentage
from parlour.taskrouter.workflow import Target


@dataclass(slots=True)
class Load:
    """A worker's channel within a pass; ``last_reserved`` is domain time."""

    unique_name: str
    capacity: int
    taken: int
    assigned: int
    available: bool
    last_reserved: datetime


@dataclass(slots=True, eq=False)
class Candidate:
    """A worker whom a pass may reserve.

    :ivar channels: by task channel SID.
    :ivar attributes_version: of the worker's attributes; None where it is not known.
    """

    sid: str
    friendly_name: str
    available: bool
    last_reserved: datetime
    attributes: Mapping[str, object]
    built_in: dict[str, object]
    channels: dict[str, Load]
    attributes_version: int | None = None
    context: Layered = field(init=False)

    def __post_init__(self) -> None:
        self.context = Layered(self.attributes, self.built_in)
        self.refresh()

    def refresh(self) -> None:
        """Bring the channel built-ins of expressions up to date (§4.2)."""
        self.built_in["channel"] = {
            load.unique_name: {
                "configured_capacity": load.capacity,
                "assigned_tasks": load.assigned,
                "available_capacity_percentage": percentage(load.taken, load.capacity),
            }
            for load in self.channels.values()
        }

    def free_for(self, task: Task) -> bool:
        """Whether the worker is available and has capacity on the task's channel (§5.4)."""
        load = self.channels.get(task.task_channel_sid)
        return self.available and load is not None and load.available and load.taken < load.capacity


@dataclass(frozen=True, slots=True)
class Demand:
    """What decides who may have a task: the same for all tasks of its group (DESIGN 2.9).

    :ivar task: the task; of a group, one of them.
    :ivar per_channel: idle time counts on the task's channel alone (channel_optimized_routing).
    """

    task: Task
    target: Target
    queue: Expression
    per_channel: bool = False

    @property
    def reads_channels(self) -> bool:
        """Whether it depends on what workers hold, which changes from one task to the next (§4.2)."""
        by_queue = any(path[:1] == ("channel",) for path in self.queue.references)
        expression = self.target.expression
        return by_queue or (
            expression is not None and any(path[:2] == ("worker", "channel") for path in expression.references)
        )

    @property
    def directed_to(self) -> str | None:
        """The only worker who comes into question, by the routing target."""
        target = self.task.directed_to
        return target if target is not None and target.startswith("WK") else None


@dataclass(frozen=True, slots=True)
class Queued:
    """A waiting task's place in the order of service.

    :ivar demand: of its group.
    :ivar rejected_by: SIDs of the workers who declined it, the last one last.
    :ivar fresh: not yet compared with the workers who are free.
    """

    sid: str
    demand: Demand
    rank_priority: int
    rank_time: int
    rejected_by: Sequence[str]
    entering: bool
    fresh: bool

    @property
    def group(self) -> tuple[str, bool]:
        """What it shares with the tasks for which the same workers come into question."""
        return self.demand.task.group_key, self.fresh


def reserve(candidate: Candidate, task: Task, now: datetime) -> None:
    """Count the task among what the candidate holds."""
    candidate.last_reserved = now
    load = candidate.channels.get(task.task_channel_sid)
    if load is not None:
        load.taken += 1
        load.last_reserved = now
        candidate.refresh()
