"""Good calls of TaskRouter's statistics (taskrouter.md §8)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.contract.calls.taskrouter import HERE, queue, worker, workflow, workspace
from tests.contract.calls.tasks import offer
from tests.contract.good_calls import good
from tests.contract.world import World


class Queues:
    """The body of a question about several queues, as the official package wants it."""

    def __init__(self, sids: list[str]) -> None:
        self._sids = sids

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of it."""
        return {"queueSids": self._sids}


def asked(world: World, read: Callable[..., Any], *, split: bool = True) -> Callable[[], Any]:
    """Ask about two dates, then return the call that asks about the last minutes."""
    task_sid, _, _ = offer(world)
    made = workspace(world).tasks(task_sid).fetch()
    ended = made.date_created + timedelta(minutes=world.pick(1, 2))
    read(start_date=made.date_created - timedelta(minutes=world.pick(5, 6)), end_date=ended)
    more = {"split_by_wait_time": world.pick("5,30", "60")} if split else {}
    channel = world.pick("default", made.task_channel_sid)
    return lambda: read(minutes=world.pick("5", "10"), task_channel=channel, **more)


def now(world: World, read: Callable[..., Any]) -> Callable[[], Any]:
    """Return the call that asks how things are."""
    task_sid, _, _ = offer(world)
    sid = workspace(world).tasks(task_sid).fetch().task_channel_sid
    channel = world.pick("default", sid)
    return lambda: read(task_channel=channel)


@good("GET", "taskrouter", f"{HERE}/CumulativeStatistics")
def workspace_past(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).cumulative_statistics().fetch)


@good("GET", "taskrouter", f"{HERE}/RealTimeStatistics")
def workspace_now(world: World) -> Callable[[], Any]:
    return now(world, workspace(world).real_time_statistics().fetch)


@good("GET", "taskrouter", f"{HERE}/Statistics")
def workspace_statistics(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).statistics().fetch)


QUEUE = f"{HERE}/TaskQueues/{{TaskQueueSid}}"


@good("GET", "taskrouter", f"{QUEUE}/CumulativeStatistics")
def queue_past(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).task_queues(queue(world)).cumulative_statistics().fetch)


@good("GET", "taskrouter", f"{QUEUE}/RealTimeStatistics")
def queue_now(world: World) -> Callable[[], Any]:
    return now(world, workspace(world).task_queues(queue(world)).real_time_statistics().fetch)


@good("GET", "taskrouter", f"{QUEUE}/Statistics")
def queue_statistics(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).task_queues(queue(world)).statistics().fetch)


@good("GET", "taskrouter", f"{HERE}/TaskQueues/Statistics")
def list_queue_statistics(world: World) -> Callable[[], Any]:
    name = workspace(world).task_queues(queue(world)).fetch().friendly_name
    workspace(world).task_queues.statistics.list(friendly_name=name, limit=1)

    def read(**fields: Any) -> Any:
        return workspace(world).task_queues.statistics.list(limit=3, page_size=1, **fields)

    return asked(world, read)


@good("POST", "taskrouter", f"{HERE}/TaskQueues/RealTimeStatistics")
def bulk_queues_now(world: World) -> Callable[[], Any]:
    body = Queues([queue(world), queue(world)])
    return lambda: workspace(world).task_queues.bulk_real_time_statistics.create(body)


WORKFLOW = f"{HERE}/Workflows/{{WorkflowSid}}"


@good("GET", "taskrouter", f"{WORKFLOW}/CumulativeStatistics")
def workflow_past(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).workflows(workflow(world)).cumulative_statistics().fetch)


@good("GET", "taskrouter", f"{WORKFLOW}/RealTimeStatistics")
def workflow_now(world: World) -> Callable[[], Any]:
    return now(world, workspace(world).workflows(workflow(world)).real_time_statistics().fetch)


@good("GET", "taskrouter", f"{WORKFLOW}/Statistics")
def workflow_statistics(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).workflows(workflow(world)).statistics().fetch)


@good("GET", "taskrouter", f"{HERE}/Workers/CumulativeStatistics")
def workers_past(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).workers.cumulative_statistics().fetch, split=False)


@good("GET", "taskrouter", f"{HERE}/Workers/RealTimeStatistics")
def workers_now(world: World) -> Callable[[], Any]:
    return now(world, workspace(world).workers.real_time_statistics().fetch)


@good("GET", "taskrouter", f"{HERE}/Workers/Statistics")
def workers_statistics(world: World) -> Callable[[], Any]:
    read = workspace(world).workers.statistics().fetch
    sid = queue(world)
    read(task_queue_sid=sid)
    read(task_queue_name=workspace(world).task_queues(sid).fetch().friendly_name)
    read(friendly_name=workspace(world).workers(worker(world)).fetch().friendly_name)
    return asked(world, read, split=False)


@good("GET", "taskrouter", f"{HERE}/Workers/{{WorkerSid}}/Statistics")
def worker_statistics(world: World) -> Callable[[], Any]:
    return asked(world, workspace(world).workers(worker(world)).statistics().fetch, split=False)
