"""The event callback and the Events API (taskrouter.md §7)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.taskrouter.conftest import Centre
from tests.webhooks.receiver import Heard, Receiver, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A healthy receiver."""
    with running_receiver() as running:
        yield running


def told(centre: Centre, receiver: Receiver, events_filter: str | None = None) -> None:
    """Have the receiver told of the workspace's events."""
    more = {} if events_filter is None else {"events_filter": events_filter}
    centre.api.update(event_callback_url=f"{receiver.url}/events", **more)


def served_task(centre: Centre) -> tuple[str, str, str]:
    """Have a task made, accepted, wrapped up and completed; return it, its worker and its reservation."""
    queue = centre.queue("English", target_workers="skill == 'en'")
    flow = centre.workflow(
        {
            "filter_friendly_name": "Tickets",
            "expression": "type == 'ticket'",
            "targets": [{"queue": queue, "priority": 4}],
        }
    )
    ana = centre.worker("Ana", chat=2, skill="en")
    task = centre.task(flow, {"type": "ticket"}).sid
    offer = centre.offer(ana, task)
    centre.api.workers(ana).reservations(offer.sid).update(reservation_status="accepted")
    centre.api.tasks(task).update(assignment_status="wrapping")
    centre.api.tasks(task).update(assignment_status="completed", reason="solved")
    return task, ana, str(offer.sid)


def test_a_tasks_whole_way_is_told_in_order(centre: Centre, receiver: Receiver) -> None:
    told(centre, receiver)
    task, ana, reservation = served_task(centre)
    receiver.wait_for("task.completed")
    receiver.wait_for("reservation.completed")
    mine = [each for each in receiver.answered if each.parameters.get("TaskSid") == task]
    assert [each.event for each in mine] == [
        "workflow.entered",
        "workflow.target-matched",
        "task-queue.entered",
        "task.created",
        "reservation.created",
        "reservation.accepted",
        "task.wrapup",
        "reservation.wrapup",
        "task.completed",
        "reservation.completed",
    ]
    done = next(each for each in mine if each.event == "task.completed").parameters
    assert done["EventDescription"] == f"Task {task} completed"
    assert (done["ResourceType"], done["ResourceSid"]) == ("task", task)
    assert (done["TaskAssignmentStatus"], done["TaskCompletedReason"]) == ("completed", "solved")
    assert (done["TaskPriority"], done["TaskQueueName"], done["WorkflowName"]) == ("4", "English", "Flow")
    assert json.loads(done["TaskAttributes"]) == {"type": "ticket"}
    assert (done["AccountSid"], done["WorkspaceSid"]) == (centre.server.credentials.account_sid, centre.sid)
    assert done["WorkspaceName"] == "Test Centre"
    assert int(done["TimestampMs"]) // 1000 == int(done["Timestamp"])
    matched = next(each for each in mine if each.event == "workflow.target-matched").parameters
    assert matched["WorkflowFilterName"] == "Tickets"
    assert json.loads(matched["WorkflowFilterExpression"]) == ["type == 'ticket'"]
    accepted = next(each for each in mine if each.event == "reservation.accepted").parameters
    assert (accepted["ReservationSid"], accepted["WorkerSid"], accepted["WorkerName"]) == (reservation, ana, "Ana")
    assert (accepted["WorkerChannelCapacity"], accepted["WorkerChannelConsumedCapacity"]) == ("2", "1")
    assert "RetryCount" not in accepted


def test_every_callback_is_signed_and_has_a_token_of_its_own(centre: Centre, receiver: Receiver) -> None:
    told(centre, receiver, "task.created, task.canceled")
    flow = centre.workflow(default=centre.queue())
    for _ in range(2):
        centre.task(flow)
    heard = receiver.wait_for("task.created", 2)
    assert all(each.signed_by(centre.server.credentials.auth_token) for each in heard)
    assert len({each.headers["i-twilio-idempotency-token"] for each in heard}) == 2
    assert {each.event for each in receiver.book} == {"task.created"}


def test_a_workers_activity_capacity_and_availability_are_told(centre: Centre, receiver: Receiver) -> None:
    ana = centre.worker("Ana", available=False)
    told(centre, receiver)
    centre.move(ana, "Available")
    centre.api.workers(ana).worker_channels("chat").update(capacity=3)
    centre.api.workers(ana).worker_channels("chat").update(available=False)
    centre.api.workers(ana).update(attributes='{"level":1}')
    moved = receiver.one("worker.activity.update").parameters
    assert (moved["WorkerActivityName"], moved["WorkerPreviousActivityName"]) == ("Available", "Offline")
    assert moved["WorkerPreviousActivitySid"] == centre.activities["Offline"]
    assert int(moved["WorkerTimeInPreviousActivityMs"]) // 1000 == int(moved["WorkerTimeInPreviousActivity"])
    assert moved["EventDescription"] == "Worker Ana updated to Available Activity"
    capacity = receiver.one("worker.capacity.update").parameters
    assert (capacity["WorkerChannelPreviousCapacity"], capacity["WorkerChannelAvailableCapacity"]) == ("1", "3")
    assert (capacity["TaskChannelUniqueName"], capacity["WorkerChannelTaskCount"]) == ("chat", "0")
    assert receiver.one("worker.channel.availability.update").parameters["WorkerChannelAvailable"] == "false"
    assert receiver.one("worker.attributes.update").parameters["WorkerAttributes"] == '{"level":1}'


def test_what_configures_routing_is_told_to_its_end(centre: Centre, receiver: Receiver) -> None:
    """The last event of a workspace, too, when the workspace is gone."""
    told(centre, receiver)
    queue = centre.queue("Q")
    centre.api.task_queues(queue).update(target_workers="1==0")
    flow = centre.workflow(default=queue)
    centre.api.workflows(flow).update(friendly_name="Other")
    centre.api.workflows(flow).delete()
    centre.api.task_queues(queue).delete()
    activity = centre.api.activities.create(friendly_name="Lunch").sid
    centre.api.activities(activity).update(friendly_name="Dinner")
    centre.api.activities(activity).delete()
    channel = centre.api.task_channels.create(friendly_name="Fax", unique_name="fax").sid
    centre.api.task_channels(channel).update(friendly_name="Telefax")
    centre.api.task_channels(channel).delete()
    centre.api.workers(centre.worker("Ana")).delete()
    centre.api.delete()
    receiver.one("workspace.deleted")
    wanted = {f"{what}.{verb}" for what in ("workflow", "task-channel", "activity") for verb in ("created", "deleted")}
    wanted |= {"workflow.updated", "task-channel.updated", "activity.updated", "workspace.updated", "worker.created"}
    wanted |= {"task-queue.created", "task-queue.expression.updated", "task-queue.deleted", "worker.deleted"}
    for each in sorted(wanted):
        receiver.one(each)


def test_events_of_a_known_agent_name_them(centre: Centre) -> None:
    """§3.3."""
    ana = centre.worker("Ana", available=False)
    target = {"queue": centre.queue(), "known_worker_sid": "task.who"}
    flow = centre.workflow({"expression": "1==1", "targets": [target]})
    task = centre.task(flow, {"who": ana}).sid
    (matched,) = centre.api.events.list(task_sid=task, event_type="workflow.target-matched")
    assert matched.event_data["known_worker_sid"] == ana


def test_a_receiver_that_fails_is_told_again_in_order(centre: Centre, receiver: Receiver) -> None:
    failures = iter([503, 503])

    def fault(_heard: Heard) -> int:
        return next(failures, 200)

    receiver.fault = fault
    told(centre, receiver, "task.created,task.canceled,task.updated")
    task = centre.task(centre.workflow(default=centre.queue())).sid
    centre.api.tasks(task).update(attributes='{"a":1}')
    centre.api.tasks(task).update(assignment_status="canceled", reason="gone")
    canceled = receiver.one("task.canceled").parameters
    assert canceled["TaskCanceledReason"] == "gone"
    assert [each.event for each in receiver.book] == ["task.created"] * 3 + ["task.updated", "task.canceled"]
    assert len({each.headers["i-twilio-idempotency-token"] for each in receiver.book[:3]}) == 1
    assert receiver.book[0].body == receiver.book[2].body


def listed(centre: Centre, **filters: Any) -> list[str]:
    return [str(each.event_type) for each in centre.api.events.list(**filters)]


def test_the_events_api_shows_the_same(centre: Centre, receiver: Receiver) -> None:
    told(centre, receiver)
    task, ana, reservation = served_task(centre)
    receiver.wait_for("reservation.completed")
    heard = [each for each in receiver.answered if each.parameters.get("TaskSid") == task]
    found = centre.api.events.list(task_sid=task)
    assert [each.event_type for each in found] == [each.event for each in reversed(heard)]
    by_sid = {each.parameters["Sid"]: each.parameters for each in heard}
    for each in found:
        parameters = by_sid[each.sid]
        assert each.description == parameters["EventDescription"]
        assert each.event_date_ms == int(parameters["TimestampMs"])
        same = {name.replace("_", "") for name in each.event_data}
        common = {"eventtype", "accountsid", "eventdescription", "resourcetype", "resourcesid", "sid"}
        common |= {"timestamp", "timestampms"}
        assert same == {name.lower() for name in parameters} - common
    one = centre.api.events(found[0].sid).fetch()
    assert (one.event_type, one.resource_sid) == (found[0].event_type, found[0].resource_sid)
    assert one.event_data == found[0].event_data
    assert set(listed(centre, reservation_sid=reservation)) == {
        f"reservation.{verb}" for verb in ("created", "accepted", "wrapup", "completed")
    }
    assert "worker.created" in listed(centre, worker_sid=ana)
    assert listed(centre, event_type="task.created", task_sid=task) == ["task.created"]


def test_events_are_filtered_by_what_they_are_about(frozen: Centre) -> None:
    one, two = frozen.queue("One"), frozen.queue("Two")
    first, second = frozen.workflow(default=one), frozen.workflow(default=two)
    frozen.task(first, task_channel="chat")
    frozen.server.advance(61)
    frozen.task(second, task_channel="sms")
    assert listed(frozen, event_type="task.created") == ["task.created"] * 2
    for filters in (
        {"task_queue_sid": two},
        {"workflow_sid": second},
        {"task_channel": "sms"},
        {"minutes": "1"},
    ):
        assert listed(frozen, event_type="task.created", **filters) == ["task.created"], filters
    channel = frozen.api.task_channels("chat").fetch().sid
    assert listed(frozen, event_type="task.created", task_channel=channel) == ["task.created"]
    now = frozen.api.events.list(event_type="task.created")[0].event_date
    assert listed(frozen, event_type="task.created", end_date=now - timedelta(seconds=30)) == ["task.created"]
    assert listed(frozen, event_type="task.created", start_date=now - timedelta(seconds=30)) == ["task.created"]
    frozen.server.advance(15 * 60)
    assert listed(frozen, event_type="task.created") == ["task.created"]


def test_events_come_a_page_at_a_time_the_newest_first(frozen: Centre) -> None:
    flow = frozen.workflow(default=frozen.queue())
    made = []
    for _ in range(5):
        made.append(frozen.task(flow).sid)
        frozen.server.advance(1)
    found = frozen.api.events.list(event_type="task.created", page_size=2)
    assert [each.resource_sid for each in found] == made[::-1]


def test_an_interval_older_than_the_log_is_refused(centre: Centre) -> None:
    with pytest.raises(Exception, match="14241"):
        centre.api.events.list(start_date=datetime.now(UTC) - timedelta(days=31))
    with pytest.raises(Exception, match="20001"):
        centre.api.events.list(minutes="0")
