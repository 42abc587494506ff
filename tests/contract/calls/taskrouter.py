"""Good calls of workspaces and what routes: activities, channels, queues, workflows (taskrouter.md §1)."""

import json
from collections.abc import Callable
from typing import Any

from tests.contract.good_calls import good
from tests.contract.world import World

ROOT = "/v1/Workspaces"
HERE = f"{ROOT}/{{WorkspaceSid}}"
NAMES = ("Desk", "Shop")


def workspace(world: World) -> Any:
    """Return the context of the account's own workspace, beside that of Flex."""
    sid = world.keep(
        "workspace", lambda: str(world.client.taskrouter.v1.workspaces.create(friendly_name="Contract").sid)
    )
    return world.client.taskrouter.v1.workspaces(sid)


def activity(world: World, *, available: bool = True) -> str:
    """Return a new activity."""
    return str(workspace(world).activities.create(friendly_name=world.unique("Activity"), available=available).sid)


def options(world: World) -> dict[str, Any]:
    """Return what may be set of a workspace."""
    return {
        "friendly_name": world.unique("Workspace"),
        "event_callback_url": f"https://192.0.2.1/{world.unique('events')}",
        "events_filter": world.pick("task.created", "task.created,task.canceled"),
        "multi_task_enabled": world.pick(True, True),
        "prioritize_queue_order": world.pick("FIFO", "LIFO"),
    }


@good("POST", "taskrouter", ROOT)
def create_workspace(world: World) -> Callable[[], Any]:
    return lambda: world.client.taskrouter.v1.workspaces.create(template=world.pick("NONE", "FIFO"), **options(world))


@good("GET", "taskrouter", ROOT)
def list_workspaces(world: World) -> Callable[[], Any]:
    spaces = world.client.taskrouter.v1.workspaces
    name = world.pick(*NAMES)
    for _ in range(3):
        spaces.create(friendly_name=name)
    return lambda: spaces.list(friendly_name=name, limit=3, page_size=1)


@good("GET", "taskrouter", HERE)
def fetch_workspace(world: World) -> Callable[[], Any]:
    return workspace(world).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", HERE)
def update_workspace(world: World) -> Callable[[], Any]:
    first, second = activity(world), activity(world, available=False)
    return lambda: workspace(world).update(default_activity_sid=first, timeout_activity_sid=second, **options(world))


@good("DELETE", "taskrouter", HERE)
def delete_workspace(world: World) -> Callable[[], Any]:
    made = world.client.taskrouter.v1.workspaces.create(friendly_name=world.unique("Workspace"))
    return world.client.taskrouter.v1.workspaces(made.sid).delete  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/Activities")
def create_activity(world: World) -> Callable[[], Any]:
    return lambda: workspace(world).activities.create(
        friendly_name=world.unique("Activity"), available=world.pick(True, False)
    )


@good("GET", "taskrouter", f"{HERE}/Activities")
def list_activities(world: World) -> Callable[[], Any]:
    for _ in range(3):
        activity(world)
    name = world.pick(None, workspace(world).activities.list(limit=1)[0].friendly_name, world.unique("Activity"))
    more = {} if name is None else {"friendly_name": name}
    return lambda: workspace(world).activities.list(available=world.pick("true", "false"), limit=3, page_size=1, **more)


@good("GET", "taskrouter", f"{HERE}/Activities/{{Sid}}")
def fetch_activity(world: World) -> Callable[[], Any]:
    return workspace(world).activities(activity(world)).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/Activities/{{Sid}}")
def update_activity(world: World) -> Callable[[], Any]:
    known = workspace(world).activities(activity(world))
    return lambda: known.update(friendly_name=world.unique("Activity"))


@good("DELETE", "taskrouter", f"{HERE}/Activities/{{Sid}}")
def delete_activity(world: World) -> Callable[[], Any]:
    return workspace(world).activities(activity(world)).delete  # type: ignore[no-any-return]


def task_channel(world: World) -> Any:
    """Return the context of a new task channel."""
    name = world.unique("channel").replace("-", "_")
    return workspace(world).task_channels(
        workspace(world).task_channels.create(friendly_name=name, unique_name=name).sid
    )


@good("POST", "taskrouter", f"{HERE}/TaskChannels")
def create_task_channel(world: World) -> Callable[[], Any]:
    name = world.unique("channel").replace("-", "_")
    return lambda: workspace(world).task_channels.create(
        friendly_name=name, unique_name=name, channel_optimized_routing=world.pick(True, False)
    )


@good("GET", "taskrouter", f"{HERE}/TaskChannels")
def list_task_channels(world: World) -> Callable[[], Any]:
    return lambda: workspace(world).task_channels.list(limit=3, page_size=1)


@good("GET", "taskrouter", f"{HERE}/TaskChannels/{{Sid}}")
def fetch_task_channel(world: World) -> Callable[[], Any]:
    return task_channel(world).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/TaskChannels/{{Sid}}")
def update_task_channel(world: World) -> Callable[[], Any]:
    known = task_channel(world)
    return lambda: known.update(
        friendly_name=world.unique("channel").replace("-", "_"), channel_optimized_routing=world.pick(True, False)
    )


@good("DELETE", "taskrouter", f"{HERE}/TaskChannels/{{Sid}}")
def delete_task_channel(world: World) -> Callable[[], Any]:
    return task_channel(world).delete  # type: ignore[no-any-return]


def queue(world: World, target: str = "1==1") -> str:
    """Return a new queue of the workers that an expression picks."""
    return str(workspace(world).task_queues.create(friendly_name=world.unique("Queue"), target_workers=target).sid)


def queue_options(world: World) -> dict[str, Any]:
    """Return what may be set of a queue."""
    return {
        "friendly_name": world.unique("Queue"),
        "target_workers": world.pick("1==1", "level > 2"),
        "max_reserved_workers": world.pick(1, 2),
        "task_order": world.pick("FIFO", "LIFO"),
        "reservation_activity_sid": activity(world, available=False),
        "assignment_activity_sid": activity(world, available=False),
    }


@good("POST", "taskrouter", f"{HERE}/TaskQueues")
def create_task_queue(world: World) -> Callable[[], Any]:
    values = queue_options(world)
    return lambda: workspace(world).task_queues.create(**values)


@good("GET", "taskrouter", f"{HERE}/TaskQueues")
def list_task_queues(world: World) -> Callable[[], Any]:
    queues = [queue(world) for _ in range(3)]
    name = workspace(world).task_queues(queues[0]).fetch().friendly_name
    ana = worker(world)
    workspace(world).task_queues.list(friendly_name=name, limit=1)
    workspace(world).task_queues.list(
        evaluate_worker_attributes=world.pick('{"level": 3}', '{"level": 1}'), limit=3, page_size=1
    )
    return lambda: workspace(world).task_queues.list(
        worker_sid=ana,
        ordering=world.pick("DateUpdated:asc", "DateUpdated:desc"),
        limit=3,
        page_size=1,
    )


@good("GET", "taskrouter", f"{HERE}/TaskQueues/{{Sid}}")
def fetch_task_queue(world: World) -> Callable[[], Any]:
    return workspace(world).task_queues(queue(world)).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/TaskQueues/{{Sid}}")
def update_task_queue(world: World) -> Callable[[], Any]:
    known = workspace(world).task_queues(queue(world))
    values = queue_options(world)
    return lambda: known.update(**values)


@good("DELETE", "taskrouter", f"{HERE}/TaskQueues/{{Sid}}")
def delete_task_queue(world: World) -> Callable[[], Any]:
    return workspace(world).task_queues(queue(world)).delete  # type: ignore[no-any-return]


def configuration(world: World, queue_sid: str | None = None) -> str:
    """Return a workflow that leads to a queue."""
    return json.dumps({"task_routing": {"filters": [], "default_filter": {"queue": queue_sid or queue(world)}}})


def workflow(world: World, queue_sid: str | None = None) -> str:
    """Return a new workflow to a queue."""
    made = workspace(world).workflows.create(
        friendly_name=world.unique("Workflow"),
        configuration=configuration(world, queue_sid),
        task_reservation_timeout=3600,
    )
    return str(made.sid)


def workflow_options(world: World) -> dict[str, Any]:
    """Return what may be set of a workflow."""
    return {
        "friendly_name": world.unique("Workflow"),
        "configuration": configuration(world),
        "task_reservation_timeout": world.pick(30, 60),
        "assignment_callback_url": f"https://192.0.2.1/{world.unique('assign')}",
        "fallback_assignment_callback_url": f"https://192.0.2.1/{world.unique('fallback')}",
    }


@good("POST", "taskrouter", f"{HERE}/Workflows")
def create_workflow(world: World) -> Callable[[], Any]:
    values = workflow_options(world)
    return lambda: workspace(world).workflows.create(**values)


@good("GET", "taskrouter", f"{HERE}/Workflows")
def list_workflows(world: World) -> Callable[[], Any]:
    known = [workflow(world) for _ in range(3)]
    workspace(world).workflows.list(limit=3, page_size=1)
    name = workspace(world).workflows(known[0]).fetch().friendly_name
    return lambda: workspace(world).workflows.list(friendly_name=name, limit=3, page_size=1)


@good("GET", "taskrouter", f"{HERE}/Workflows/{{Sid}}")
def fetch_workflow(world: World) -> Callable[[], Any]:
    return workspace(world).workflows(workflow(world)).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/Workflows/{{Sid}}")
def update_workflow(world: World) -> Callable[[], Any]:
    known = workspace(world).workflows(workflow(world))
    values = workflow_options(world)
    return lambda: known.update(re_evaluate_tasks=world.pick("true", "false"), **values)


@good("DELETE", "taskrouter", f"{HERE}/Workflows/{{Sid}}")
def delete_workflow(world: World) -> Callable[[], Any]:
    return workspace(world).workflows(workflow(world)).delete  # type: ignore[no-any-return]


def worker(world: World, name: str | None = None, activity_sid: str | None = None) -> str:
    """Return a new worker, offline unless an activity is given."""
    known = name or world.unique("worker")
    more = {} if activity_sid is None else {"activity_sid": activity_sid}
    made = workspace(world).workers.create(friendly_name=known, attributes=json.dumps({"name": known}), **more)
    return str(made.sid)
