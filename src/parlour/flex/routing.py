"""Where the tasks of an interaction go (flex.md §1.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from parlour.kit.wire import decode_json
from parlour.taskrouter.rows import Task


@dataclass(frozen=True)
class Routing:
    """Where the task goes: ``routing.properties`` of a request (flex.md §1.3).

    A worker is asked alone; else a queue past the workflow; else the workflow decides.

    :ivar declined_by: workers who come last for it, as they declined the same work.
    """

    workspace_sid: str
    workflow_sid: str | None = None
    queue_sid: str | None = None
    worker_sid: str | None = None
    task_channel: str = "chat"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None
    timeout: int | None = None
    declined_by: Sequence[str] = ()

    @property
    def target(self) -> str | None:
        """The task's routing target."""
        return self.worker_sid or self.queue_sid

    def as_json(self) -> dict[str, Any]:
        """Return it in values that JSON has."""
        return asdict(self)


def read(stored: Mapping[str, Any]) -> Routing:
    """Return a routing that was stored as JSON."""
    return Routing(**stored)


def again(task: Task, *, worker_sid: str | None = None) -> Routing:
    """Return how a task's work is offered anew: by its workflow, or in its queue where it came past the workflow.

    :param worker_sid: who worked on it, whom the work goes back to first.
    """
    attributes = decode_json(task.attributes)
    direct = task.routing_target is not None and task.routing_target.startswith(("WK", "WQ"))
    return Routing(
        workspace_sid=task.workspace_sid,
        workflow_sid=task.workflow_sid,
        queue_sid=task.task_queue_sid if direct or task.workflow_sid is None else None,
        worker_sid=worker_sid,
        task_channel=task.task_channel_sid,
        attributes=attributes if isinstance(attributes, dict) else {},
        priority=task.priority,
        timeout=task.timeout,
        declined_by=task.rejected_by if task.assignment_status == "canceled" else (),
    )
