"""Good calls of TaskRouter's events (taskrouter.md §7.3)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.contract.calls.taskrouter import HERE, workspace
from tests.contract.calls.tasks import offer
from tests.contract.good_calls import good
from tests.contract.world import World


@good("GET", "taskrouter", f"{HERE}/Events")
def list_events(world: World) -> Callable[[], Any]:
    task_sid, ana, reservation_sid = offer(world)
    task = workspace(world).tasks(task_sid).fetch()
    read = workspace(world).events.list
    made = read(event_type="reservation.created", worker_sid=ana, limit=1)[0]
    read(sid=made.sid, limit=1)
    read(reservation_sid=reservation_sid, limit=1)
    read(workflow_sid=task.workflow_sid, limit=2, page_size=1)
    read(task_queue_sid=task.task_queue_sid, limit=2, page_size=1)
    read(task_channel=world.pick("default", task.task_channel_sid), limit=2, page_size=1)
    began = made.event_date - timedelta(minutes=world.pick(5, 6))
    read(start_date=began, end_date=made.event_date + timedelta(minutes=world.pick(1, 2)), limit=2, page_size=1)
    read(event_type=world.pick("task.created", "workflow.entered"), limit=1)
    return lambda: read(task_sid=task_sid, minutes=world.pick("5", "10"), limit=3, page_size=1)


@good("GET", "taskrouter", f"{HERE}/Events/{{Sid}}")
def fetch_event(world: World) -> Callable[[], Any]:
    offer(world)
    return workspace(world).events(workspace(world).events.list(limit=1)[0].sid).fetch  # type: ignore[no-any-return]
