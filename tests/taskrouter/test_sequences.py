"""The sequences of the reference with the events of each (taskrouter.md §11), and the reasons of its table (§2.3)."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.bridge import wire
from tests.bridge.agents import tokens_of
from tests.taskrouter.conftest import Centre


def events(centre: Centre, task: str) -> list[str]:
    """What was told of a task, the oldest first."""
    return [str(each.event_type) for each in reversed(centre.api.events.list(task_sid=task, minutes=60 * 24 * 2))]


ENTERING = ["workflow.entered", "workflow.target-matched", "task-queue.entered", "task.created"]


def test_1_fifo(frozen: Centre) -> None:
    flow = frozen.workflow(default=frozen.queue())
    ana = frozen.worker("Ana")
    first = frozen.task(flow).sid
    frozen.server.advance(1)
    second = frozen.task(flow).sid
    frozen.server.advance(4)
    offer = frozen.offers(ana)[0]
    frozen.api.workers(ana).reservations(offer.sid).update(reservation_status="accepted")
    channel = frozen.api.workers(ana).worker_channels("chat").fetch()
    assert (channel.assigned_tasks, channel.available_capacity_percentage) == (1, 0)
    assert frozen.status(second) == "pending"
    frozen.server.advance(55)
    frozen.api.tasks(first).update(assignment_status="completed")
    frozen.settle()
    assert events(frozen, first) == [
        *ENTERING,
        "reservation.created",
        "reservation.accepted",
        "task.completed",
        "reservation.completed",
    ]
    assert [each.task_sid for each in frozen.offers(ana)] == [second]
    assert events(frozen, second) == [*ENTERING, "reservation.created"]


def test_4_escalation_to_the_end_of_the_workflow(frozen: Centre) -> None:
    sales, everyone = (frozen.queue(name, target_workers="1==0") for name in ("Sales", "Everyone"))
    targets: list[dict[str, Any]] = [
        {"queue": sales, "priority": 1, "timeout": 300},
        {"priority": 10, "timeout": 300},
        {"queue": everyone, "timeout": 60},
    ]
    flow = frozen.workflow({"expression": "1==1", "targets": targets})
    task = frozen.task(flow).sid
    frozen.server.advance(660)
    assert events(frozen, task) == [
        *ENTERING,
        "task-queue.timeout",
        "workflow.target-matched",
        "task-queue.timeout",
        "task-queue.moved",
        "workflow.target-matched",
        "task-queue.entered",
        "task-queue.timeout",
        "workflow.timeout",
        "task.canceled",
    ]
    moved = frozen.api.events.list(task_sid=task, event_type="task-queue.moved")[0].event_data
    entered = frozen.api.events.list(task_sid=task, event_type="task-queue.entered", limit=1)[0].event_data
    assert (moved["task_queue_sid"], entered["task_queue_sid"]) == (sales, everyone)
    assert (moved["task_priority"], entered["task_priority"]) == ("10", "10")
    found = frozen.api.tasks(task).fetch()
    assert (found.assignment_status, found.reason) == ("canceled", "Task canceled on Workflow timeout")


def test_5_a_reservation_that_nobody_answers(frozen: Centre) -> None:
    flow = frozen.workflow(default=frozen.queue(), task_reservation_timeout=30)
    ana = frozen.worker("Ana")
    frozen.server.advance(1)
    frozen.worker("Ben")
    task = frozen.task(flow).sid
    frozen.server.advance(30)
    assert events(frozen, task) == [*ENTERING, "reservation.created", "reservation.timeout", "reservation.created"]
    assert [each.event_type for each in frozen.api.events.list(worker_sid=ana, limit=2)] == [
        "worker.activity.update",
        "reservation.timeout",
    ]


def test_6_multitasking(frozen: Centre) -> None:
    target = {
        "queue": frozen.queue(),
        "expression": "worker.channel.voice.available_capacity_percentage == 100",
    }
    flow = frozen.workflow({"expression": "1==1", "targets": [target]})
    voice = frozen.workflow(default=frozen.queue("Voice"))
    ana = frozen.worker("Ana", chat=3)
    for _ in range(3):
        frozen.task(flow)
    frozen.settle()
    chat = frozen.api.workers(ana).worker_channels("chat")
    assert (chat.fetch().available_capacity_percentage, chat.fetch().assigned_tasks) == (0, 0)
    for offer in frozen.offers(ana):
        frozen.api.workers(ana).reservations(offer.sid).update(reservation_status="accepted")
    assert chat.fetch().assigned_tasks == 3
    frozen.task(voice, task_channel="voice")
    fifth = frozen.task(flow).sid
    frozen.settle()
    held = frozen.offers(ana, "accepted")
    frozen.api.tasks(held[0].task_sid).update(assignment_status="wrapping")
    assert chat.fetch().available_capacity_percentage == 0
    frozen.api.tasks(held[0].task_sid).update(assignment_status="completed")
    frozen.settle()
    assert chat.fetch().available_capacity_percentage == 33
    assert frozen.status(fifth) == "pending", "the voice call keeps chats away"


TRANSFERRED = ["task.transfer-initiated", "reservation.created"]


@pytest.mark.parametrize(
    ("mode", "answer", "after", "statuses"),
    [
        ("WARM", "accepted", ["reservation.accepted", "task.transfer-completed"], ("accepted", "assigned")),
        (
            "WARM",
            "rejected",
            ["reservation.rejected", "task.transfer-failed", "task.updated"],
            ("accepted", "assigned"),
        ),
        ("COLD", "accepted", ["reservation.accepted", "task.transfer-completed"], ("wrapping", "assigned")),
    ],
)
def test_7_a_transfer_to_a_worker(
    frozen: Centre, mode: str, answer: str, after: list[str], statuses: tuple[str, str]
) -> None:
    ana, ben = (frozen.worker(name, number=number) for number, name in enumerate(("Ana", "Ben")))
    task = frozen.task(frozen.workflow(default=frozen.queue(target_workers="number == 0"))).sid
    frozen.settle()
    (held,) = frozen.offers(ana)
    held.update(reservation_status="accepted")
    frozen.server.advance(30)
    before = events(frozen, task)
    begun = transfer(frozen, ana, {"ReservationSid": held.sid, "TaskSid": task, "To": ben, "Mode": mode})
    (offer,) = frozen.offers(ben)
    assert (begun["transfer_status"], frozen.status(task)) == ("initiated", "reserved")
    offer.update(reservation_status=answer)
    wrapping = ["reservation.wrapup"] if mode == "COLD" else []
    assert sorted(events(frozen, task)[len(before) :]) == sorted([*TRANSFERRED, *wrapping, *after])
    assert (held.fetch().reservation_status, frozen.status(task)) == statuses
    held.update(reservation_status="completed")
    if answer == "accepted":
        assert frozen.status(task) == "assigned"
        offer.fetch().update(reservation_status="completed")
    assert frozen.status(task) == "completed"


def transfer(centre: Centre, worker: str, wanted: dict[str, str]) -> dict[str, Any]:
    """Transfer a task as the worker's client does, which is the only way."""
    url, token = centre.server.url, tokens_of(centre.server).of(centre.sid, worker)
    answer = wire.post(url, token, f"Workspaces/{centre.sid}/Workers/{worker}/Transfers", wanted)
    assert answer.status == 200, answer.body
    begun: dict[str, Any] = answer.body["payload"]
    return begun


def test_8_canceled_while_reserved(frozen: Centre) -> None:
    ana = frozen.worker("Ana")
    task = frozen.task(frozen.workflow(default=frozen.queue())).sid
    frozen.settle()
    (offer,) = frozen.offers(ana)
    frozen.api.tasks(task).update(assignment_status="canceled", reason="x")
    assert events(frozen, task)[-2:] == ["task.canceled", "reservation.canceled"]
    assert frozen.api.workers(ana).fetch().activity_name == "Available"
    with pytest.raises(TwilioRestException) as accepting:
        frozen.api.workers(ana).reservations(offer.sid).update(reservation_status="accepted")
    assert accepting.value.status == 400
    with pytest.raises(TwilioRestException, match=r"because it is not pending or reserved\.") as again:
        frozen.api.tasks(task).update(assignment_status="canceled")
    assert (again.value.status, again.value.code) == (400, 20001)


def test_9_an_edited_workflow(frozen: Centre) -> None:
    old, new = frozen.queue("Old", target_workers="1==0"), frozen.queue("New", target_workers="1==0")
    flow = frozen.workflow(default=old)
    task = frozen.task(flow).sid
    configuration = '{"task_routing":{"default_filter":{"queue":"%s","priority":4}}}' % new  # noqa: UP031 - braces
    frozen.api.workflows(flow).update(configuration=configuration, re_evaluate_tasks="true")
    assert events(frozen, task) == [*ENTERING, "task-queue.moved", "workflow.target-matched", "task-queue.entered"]
    assert frozen.api.tasks(task).fetch().priority == 4


def test_10_offline_while_reserved(frozen: Centre) -> None:
    flow = frozen.workflow(default=frozen.queue(), task_reservation_timeout=30)
    ana = frozen.worker("Ana")
    task = frozen.task(flow).sid
    frozen.settle()
    frozen.move(ana, "Offline")
    ben = frozen.worker("Ben")
    frozen.server.advance(29)
    assert frozen.offers(ben) == []
    frozen.server.advance(1)
    assert [each.task_sid for each in frozen.offers(ben)] == [task]
    frozen.api.workers(ben).update(activity_sid=frozen.activities["Unavailable"], reject_pending_reservations=True)
    assert events(frozen, task)[-1] == "reservation.rejected"
    assert frozen.status(task) == "pending"


@pytest.mark.parametrize(
    ("targets", "fields", "seconds", "reason", "event"),
    [
        ([{"timeout": 20}], {}, 20, "Task canceled on Workflow timeout", "workflow.timeout"),
        ([{}], {"timeout": 50}, 50, "Task TTL Exceeded", "task.canceled"),
        ([{"skip_if": "1==1"}], {}, 0, "Task canceled on Workflow skip", "workflow.skipped"),
    ],
    ids=["workflow time-out", "time to live", "skipped"],
)
def test_reasons(
    frozen: Centre, targets: list[dict[str, Any]], fields: dict[str, Any], seconds: int, reason: str, event: str
) -> None:
    queue = frozen.queue(target_workers="1==0")
    flow = frozen.workflow({"expression": "1==1", "targets": [{"queue": queue, **each} for each in targets]})
    task = frozen.task(flow, **fields).sid
    frozen.settle()
    if seconds:
        frozen.server.advance(seconds - 1)
        assert frozen.status(task) == "pending"
        frozen.server.advance(1)
    found = frozen.api.tasks(task).fetch()
    assert (found.assignment_status, found.reason) == ("canceled", reason)
    assert event in events(frozen, task)
    canceled = frozen.api.events.list(task_sid=task, event_type="task.canceled")[0]
    assert canceled.event_data["task_canceled_reason"] == reason


def test_a_routing_target_that_does_not_take_the_task_ends_it(frozen: Centre) -> None:
    queue, ana = frozen.queue(), frozen.worker("Ana", available=False)
    task = frozen.task(routing_target=ana, task_queue_sid=queue).sid
    frozen.settle()
    (offer,) = frozen.offers(ana)
    frozen.api.workers(ana).reservations(offer.sid).update(reservation_status="rejected")
    found = frozen.api.tasks(task).fetch()
    assert found.assignment_status == "canceled"
    assert found.reason == f"RoutingTarget not available for Reservation acceptance: {ana}"
    busy = frozen.worker("Ben", available=False)
    late = frozen.task(routing_target=busy, task_queue_sid=queue, ignore_capacity="false", timeout=40).sid
    frozen.server.advance(40)
    assert frozen.api.tasks(late).fetch().reason == "RoutingTarget SLA for Reservation creation was not met"
