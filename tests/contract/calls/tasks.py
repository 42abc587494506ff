"""Good calls of workers, tasks and reservations (taskrouter.md §1, §2)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.contract.calls.taskrouter import HERE, activity, queue, task_channel, worker, workflow, workspace
from tests.contract.good_calls import good
from tests.contract.world import World

THEN, LATER = datetime(2024, 5, 1, 12, tzinfo=UTC), datetime(2025, 6, 2, 13, tzinfo=UTC)
BY_TASK = f"{HERE}/Tasks/{{TaskSid}}/Reservations"
BY_WORKER = f"{HERE}/Workers/{{WorkerSid}}/Reservations"


def worker_options(world: World) -> dict[str, Any]:
    """Return what may be set of a worker."""
    return {
        "friendly_name": world.unique("worker"),
        "activity_sid": activity(world, available=False),
        "attributes": json.dumps({"level": world.pick(1, 3)}),
    }


@good("POST", "taskrouter", f"{HERE}/Workers")
def create_worker(world: World) -> Callable[[], Any]:
    values = worker_options(world)
    return lambda: workspace(world).workers.create(**values)


@good("GET", "taskrouter", f"{HERE}/Workers")
def list_workers(world: World) -> Callable[[], Any]:
    resting = activity(world, available=False)
    workers = [worker(world, activity_sid=resting) for _ in range(3)]
    first = workspace(world).workers(workers[0]).fetch()
    queue_sid = queue(world)
    queue_name = workspace(world).task_queues(queue_sid).fetch().friendly_name
    read = workspace(world).workers.list
    read(activity_name=first.activity_name, limit=3, page_size=1)
    read(friendly_name=first.friendly_name, limit=1)
    read(task_queue_sid=queue_sid, limit=3, page_size=1)
    read(task_queue_name=queue_name, limit=3, page_size=1)
    read(target_workers_expression=world.pick("level > 2", "1==1"), limit=3, page_size=1)
    return lambda: read(
        activity_sid=resting,
        available=world.pick("false", "0"),
        ordering=world.pick("DateStatusChanged:asc", "DateStatusChanged:desc"),
        limit=3,
        page_size=1,
    )


@good("GET", "taskrouter", f"{HERE}/Workers/{{Sid}}")
def fetch_worker(world: World) -> Callable[[], Any]:
    return workspace(world).workers(worker(world)).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/Workers/{{Sid}}")
def update_worker(world: World) -> Callable[[], Any]:
    known = workspace(world).workers(worker(world))
    values = worker_options(world)
    return lambda: known.update(
        reject_pending_reservations=world.pick(True, False), if_match=world.pick("0", '"0"'), **values
    )


def deletion(world: World, what: str, sid: str, version: str) -> Callable[[], Any]:
    """Return the deletion of a version of a row; the package's own methods forget the header that names it."""
    where = f"/Workspaces/{workspace(world).fetch().sid}/{what.capitalize()}/{sid}"
    return lambda: world.client.taskrouter.v1.delete(method="DELETE", uri=where, headers={"If-Match": version})


@good("DELETE", "taskrouter", f"{HERE}/Workers/{{Sid}}")
def delete_worker(world: World) -> Callable[[], Any]:
    known = workspace(world).workers(worker(world))
    known.update(attributes='{"level": 2}')
    deletion(world, "workers", known.fetch().sid, "1")()
    return deletion(world, "workers", workspace(world).workers(worker(world)).fetch().sid, '"0"')


def worker_channel(world: World) -> Any:
    """Return the context of a channel of a new worker."""
    known = workspace(world).workers(worker(world))
    return known.worker_channels(known.worker_channels.list(limit=1)[0].sid)


@good("GET", "taskrouter", f"{HERE}/Workers/{{WorkerSid}}/Channels")
def list_worker_channels(world: World) -> Callable[[], Any]:
    known = workspace(world).workers(worker(world))
    return lambda: known.worker_channels.list(limit=3, page_size=1)


@good("GET", "taskrouter", f"{HERE}/Workers/{{WorkerSid}}/Channels/{{Sid}}")
def fetch_worker_channel(world: World) -> Callable[[], Any]:
    return worker_channel(world).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/Workers/{{WorkerSid}}/Channels/{{Sid}}")
def update_worker_channel(world: World) -> Callable[[], Any]:
    known = worker_channel(world)
    return lambda: known.update(capacity=world.pick(2, 3), available=world.pick(True, False))


def task(world: World, workflow_sid: str | None = None, **options: Any) -> Any:
    """Return a new task; nobody takes it unless the workflow leads to somebody."""
    return workspace(world).tasks.create(workflow_sid=workflow_sid or workflow(world, queue(world, "1==2")), **options)


@good("POST", "taskrouter", f"{HERE}/Tasks")
def create_task(world: World) -> Callable[[], Any]:
    workflow_sid, queue_sid = workflow(world, queue(world, "1==2")), queue(world, "1==2")
    channel = task_channel(world).fetch().unique_name
    ana = worker(world)
    workspace(world).tasks.create(
        task_queue_sid=queue_sid, routing_target=ana, ignore_capacity=world.pick("true", "false"), attributes="{}"
    )
    return lambda: workspace(world).tasks.create(
        workflow_sid=workflow_sid,
        attributes=json.dumps({"name": world.unique("Bo")}),
        priority=world.pick(1, 2),
        timeout=world.pick(600, 900),
        task_channel=channel,
        virtual_start_time=world.pick(THEN, LATER),
    )


@good("GET", "taskrouter", f"{HERE}/Tasks")
def list_tasks(world: World) -> Callable[[], Any]:
    queue_sid = queue(world, "1==2")
    workflow_sid = workflow(world, queue_sid)
    priority = world.pick(3, 4)
    for _ in range(3):
        task(world, workflow_sid, priority=priority, attributes='{"color": "red"}')
    read = workspace(world).tasks.list
    read(workflow_name=workspace(world).workflows(workflow_sid).fetch().friendly_name, limit=3, page_size=1)
    read(task_queue_name=workspace(world).task_queues(queue_sid).fetch().friendly_name, limit=3, page_size=1)
    read(evaluate_task_attributes=world.pick('color=="red"', 'color=="blue"'), limit=3, page_size=1)
    read(routing_target=world.pick(queue_sid, workflow_sid), limit=3, page_size=1)
    read(has_addons=world.pick(True, False), limit=3, page_size=1)
    return lambda: read(
        workflow_sid=workflow_sid,
        task_queue_sid=queue_sid,
        priority=priority,
        assignment_status=world.pick(["pending"], ["pending", "reserved"]),
        ordering=world.pick("DateCreated:asc", "Priority:desc"),
        limit=3,
        page_size=1,
    )


@good("GET", "taskrouter", f"{HERE}/Tasks/{{Sid}}")
def fetch_task(world: World) -> Callable[[], Any]:
    return workspace(world).tasks(task(world).sid).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{HERE}/Tasks/{{Sid}}")
def update_task(world: World) -> Callable[[], Any]:
    known = workspace(world).tasks(task(world).sid)
    channel = task_channel(world).fetch().unique_name
    workspace(world).tasks(task(world).sid).update(
        assignment_status="canceled", reason=world.pick("wrong number", "spam")
    )
    task_sid, _, reservation_sid = offer(world)
    taken = workspace(world).tasks(task_sid)
    taken.reservations(reservation_sid).update(reservation_status="accepted")
    taken.update(assignment_status="wrapping")
    taken.update(assignment_status="completed", reason="answered")
    return lambda: known.update(
        if_match=world.pick("0", '"0"'),
        attributes=json.dumps({"name": world.unique("Bo")}),
        priority=world.pick(1, 2),
        task_channel=channel,
        virtual_start_time=world.pick(THEN, LATER),
    )


@good("DELETE", "taskrouter", f"{HERE}/Tasks/{{Sid}}")
def delete_task(world: World) -> Callable[[], Any]:
    known = workspace(world).tasks(task(world).sid)
    known.update(attributes='{"level": 2}')
    deletion(world, "tasks", known.fetch().sid, "1")()
    return deletion(world, "tasks", workspace(world).tasks(task(world).sid).fetch().sid, '"0"')


def offer(world: World) -> tuple[str, str, str]:
    """Return a task, the one worker it is offered to, and the reservation."""
    name = world.unique("Ana")
    queue_sid = queue(world, f'name=="{name}"')
    ana = worker(world, name, activity(world))
    offered = task(world, workflow(world, queue_sid))
    world.stage.settle()
    found = workspace(world).tasks(offered.sid).reservations.list(limit=1)
    assert found, "the task was not offered to the one worker of its queue"
    return str(offered.sid), ana, str(found[0].sid)


@good("GET", "taskrouter", BY_TASK)
def list_task_reservations(world: World) -> Callable[[], Any]:
    names = [world.unique("Agent") for _ in range(3)]
    everybody = workspace(world).task_queues.create(
        friendly_name=world.unique("Queue"), target_workers=f"name IN {json.dumps(names)}", max_reserved_workers=3
    )
    agents = [worker(world, name, activity(world)) for name in names]
    task_sid = task(world, workflow(world, everybody.sid)).sid
    world.stage.settle()
    for each in ("accepted", "rejected", "timeout", "canceled", "rescinded", "wrapping", "completed"):
        workspace(world).tasks(task_sid).reservations.list(reservation_status=each)
    for ana in agents:
        assert len(workspace(world).tasks(task_sid).reservations.list(worker_sid=ana)) == 1
    return lambda: (
        workspace(world).tasks(task_sid).reservations.list(reservation_status="pending", limit=3, page_size=1)
    )


@good("GET", "taskrouter", BY_WORKER)
def list_worker_reservations(world: World) -> Callable[[], Any]:
    _, ana, _ = offer(world)
    for status in ("accepted", "rejected"):
        workspace(world).workers(ana).reservations.list(reservation_status=status)
    own = workspace(world).workers(ana).fetch()
    workspace(world).workers(ana).worker_channels("default").update(capacity=3)
    flow = workflow(world, queue(world, f'sid=="{own.sid}"'))
    for _ in range(2):
        task(world, flow)
    world.stage.settle()
    return lambda: workspace(world).workers(ana).reservations.list(reservation_status="pending", limit=3, page_size=1)


@good("GET", "taskrouter", f"{BY_TASK}/{{Sid}}")
def fetch_task_reservation(world: World) -> Callable[[], Any]:
    task_sid, _, sid = offer(world)
    return workspace(world).tasks(task_sid).reservations(sid).fetch  # type: ignore[no-any-return]


@good("GET", "taskrouter", f"{BY_WORKER}/{{Sid}}")
def fetch_worker_reservation(world: World) -> Callable[[], Any]:
    _, ana, sid = offer(world)
    return workspace(world).workers(ana).reservations(sid).fetch  # type: ignore[no-any-return]


@good("POST", "taskrouter", f"{BY_TASK}/{{Sid}}")
def update_task_reservation(world: World) -> Callable[[], Any]:
    task_sid, _, sid = offer(world)
    workspace(world).tasks(task_sid).reservations(sid).update(
        reservation_status="rejected", worker_activity_sid=activity(world, available=False), if_match="0"
    )
    task_sid, _, sid = offer(world)
    workspace(world).tasks(task_sid).reservations(sid).update(instruction=world.pick("accept", "reject"), if_match="*")
    task_sid, _, sid = offer(world)
    known = workspace(world).tasks(task_sid).reservations(sid)
    for status in world.pick(("accepted",), ("accepted", "wrapping"), ()):
        known.update(reservation_status=status)
    status = {"pending": "accepted", "accepted": "completed", "wrapping": "completed"}[known.fetch().reservation_status]
    return lambda: known.update(reservation_status=status)


@good("POST", "taskrouter", f"{BY_WORKER}/{{Sid}}")
def update_worker_reservation(world: World) -> Callable[[], Any]:
    _, ana, sid = offer(world)
    workspace(world).workers(ana).reservations(sid).update(instruction=world.pick("accept", "reject"), if_match="*")
    _, ana, sid = offer(world)
    workspace(world).workers(ana).reservations(sid).update(reservation_status="accepted", if_match="0")
    _, ana, sid = offer(world)
    away = activity(world, available=False)
    known = workspace(world).workers(ana).reservations(sid)
    return lambda: known.update(reservation_status="rejected", worker_activity_sid=away)
