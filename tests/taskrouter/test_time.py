"""What time does to tasks, on a clock that moves when told (taskrouter.md §2.3, §3.2, §11)."""

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.taskrouter.conftest import Centre


def test_fifo_and_the_end_of_a_finished_task(frozen: Centre) -> None:
    """§11.1; finished tasks are kept for ten minutes."""
    flow = frozen.workflow(default=frozen.queue())
    ana = frozen.worker("Ana")
    tasks = []
    for _ in range(3):
        tasks.append(frozen.task(flow).sid)
        frozen.server.advance(1)
    for task in tasks:
        frozen.settle()
        offers = frozen.offers(ana)
        assert [each.task_sid for each in offers] == [task]
        frozen.api.workers(ana).reservations(offers[0].sid).update(reservation_status="accepted")
        frozen.server.advance(60)
        frozen.api.tasks(task).update(assignment_status="completed")
    age = frozen.api.tasks(tasks[2]).fetch().age
    frozen.server.advance(590)
    assert frozen.api.tasks(tasks[2]).fetch().age == age
    frozen.server.advance(20)
    with pytest.raises(TwilioRestException) as caught:
        frozen.api.tasks(tasks[2]).fetch()
    assert caught.value.status == 404


def test_priority_goes_before_age_and_lifo_ignores_it(frozen: Centre) -> None:
    """§2.5."""
    fifo, lifo = frozen.queue("F"), frozen.queue("L", task_order="LIFO")
    flow = frozen.workflow({"expression": "order == 'LIFO'", "targets": [{"queue": lifo}]}, default=fifo)
    made = {}
    for name, order, priority in (("f1", "FIFO", 0), ("f2", "FIFO", 5), ("l1", "LIFO", 9), ("l2", "LIFO", 0)):
        made[frozen.task(flow, {"order": order}, priority=priority).sid] = name
        frozen.server.advance(1)
    ana = frozen.worker("Ana", chat=4)
    frozen.settle()
    assert [made[each.task_sid] for each in frozen.offers(ana)] == ["f2", "f1", "l2", "l1"]


def test_an_unanswered_offer_sends_the_worker_offline_and_the_task_on(frozen: Centre) -> None:
    """§11.5."""
    flow = frozen.workflow(default=frozen.queue(), task_reservation_timeout=30)
    ana = frozen.worker("Ana")
    frozen.server.advance(1)
    ben = frozen.worker("Ben")
    task = frozen.task(flow).sid
    frozen.settle()
    assert len(frozen.offers(ana)) == 1
    frozen.server.advance(29)
    assert frozen.offers(ben) == []
    frozen.server.advance(1)
    assert [each.reservation_status for each in frozen.offers(ana, None)] == ["timeout"]
    assert frozen.api.workers(ana).fetch().activity_name == "Offline"
    assert [each.task_sid for each in frozen.offers(ben)] == [task]
    frozen.server.advance(30)
    assert frozen.status(task) == "pending"
    frozen.move(ana, "Available")
    frozen.settle()
    assert [each.task_sid for each in frozen.offers(ana)] == [task]


def test_a_reservation_time_out_at_the_end_of_the_only_target_cancels_the_task(frozen: Centre) -> None:
    """§11.5, last sentence."""
    filters = {"expression": "1==1", "targets": [{"queue": frozen.queue(), "timeout": 30}]}
    flow = frozen.workflow(filters, task_reservation_timeout=30)
    frozen.worker("Ana")
    frozen.worker("Ben")
    task = frozen.task(flow).sid
    frozen.server.advance(30)
    found = frozen.api.tasks(task).fetch()
    assert (found.assignment_status, found.reason) == ("canceled", "Task canceled on Workflow timeout")


def test_a_known_agent_first_then_anybody(frozen: Centre) -> None:
    """§11.3."""
    queue = frozen.queue()
    targets = [{"queue": queue, "known_worker_sid": "task.agent_sid", "timeout": 10}, {"queue": queue}]
    flow = frozen.workflow({"expression": "1==1", "targets": targets})
    alice, bob = frozen.worker("Alice"), frozen.worker("Bob")
    known = frozen.task(flow, {"agent_sid": alice}).sid
    frozen.settle()
    assert [each.task_sid for each in frozen.offers(alice)] == [known]
    first = frozen.task(flow, {"agent_sid": alice}).sid
    frozen.server.advance(1)
    frozen.task(flow, {"agent_sid": None})
    frozen.server.advance(8)
    assert frozen.offers(bob) == []
    frozen.server.advance(1)
    assert [each.task_sid for each in frozen.offers(bob)] == [first]


def test_skip_if_leaves_a_target_at_once(frozen: Centre) -> None:
    """§3.2 step 4, §11.3."""
    first, second, third = (frozen.queue(name) for name in "ABC")
    skills = frozen.queue("Nobody", target_workers="skill == 'none'")
    flow = frozen.workflow(
        {
            "expression": "go == 1",
            "targets": [{"queue": skills, "skip_if": "workers.available == 0"}, {"queue": first}],
        },
        {"expression": "go == 2", "targets": [{"queue": skills, "skip_if": "1==1"}]},
        {"expression": "go == 2", "targets": [{"queue": second}]},
        {"expression": "go == 4", "targets": [{"queue": third, "skip_if": "workers.available > 0"}, {"queue": first}]},
        default=third,
    )
    places = {}
    for go in (1, 2, 3, 4):
        places[go] = frozen.task(flow, {"go": go}).sid
    frozen.settle()
    queues = {go: frozen.api.tasks(task).fetch().task_queue_sid for go, task in places.items()}
    assert queues == {1: first, 2: second, 3: third, 4: third}


def test_a_skip_out_of_the_last_step_cancels(frozen: Centre) -> None:
    queue = frozen.queue()
    flow = frozen.workflow({"expression": "1==1", "targets": [{"queue": queue, "skip_if": "1==1"}]})
    task = frozen.task(flow).sid
    frozen.settle()
    assert frozen.status(task) == "canceled"


def test_escalation_raises_priority_and_moves_the_queue(frozen: Centre) -> None:
    """§11.4."""
    sales = frozen.queue("Sales", target_workers="1==0")
    everyone = frozen.queue("Everyone", target_workers="1==0")
    targets = [
        {"queue": sales, "priority": 1, "timeout": 300},
        {"priority": "10", "timeout": "300"},
        {"queue": everyone},
    ]
    flow = frozen.workflow({"expression": "1==1", "targets": targets})
    task = frozen.api.tasks(frozen.task(flow, timeout=1000).sid)
    steps = []
    for seconds in (299, 1, 299, 1, 399, 1):
        frozen.server.advance(seconds)
        found = task.fetch()
        steps.append((found.age, found.priority, found.task_queue_friendly_name, found.assignment_status))
    assert steps == [
        (299, 1, "Sales", "pending"),
        (300, 10, "Sales", "pending"),
        (599, 10, "Sales", "pending"),
        (600, 10, "Everyone", "pending"),
        (999, 10, "Everyone", "pending"),
        (1000, 10, "Everyone", "canceled"),
    ]
    assert task.fetch().reason == "Task TTL Exceeded"


def test_the_last_targets_time_out_cancels(frozen: Centre) -> None:
    """§11.4, last sentence; target time-outs add up from the task's entry."""
    queue = frozen.queue(target_workers="1==0")
    flow = frozen.workflow({"expression": "1==1", "targets": [{"queue": queue, "timeout": 10}, {"timeout": 60}]})
    task = frozen.task(flow).sid
    frozen.server.advance(69)
    assert frozen.status(task) == "pending"
    frozen.server.advance(1)
    found = frozen.api.tasks(task).fetch()
    assert (found.assignment_status, found.reason) == ("canceled", "Task canceled on Workflow timeout")


def test_a_reserved_task_stays_in_its_target_until_the_offer_ends(frozen: Centre) -> None:
    """§3.2: a task with a pending reservation is not moved."""
    first, second = frozen.queue("A"), frozen.queue("B", target_workers="1==0")
    targets = [{"queue": first, "timeout": 20}, {"queue": second}]
    flow = frozen.workflow({"expression": "1==1", "targets": targets}, task_reservation_timeout=30)
    frozen.worker("Ana")
    task = frozen.api.tasks(frozen.task(flow).sid)
    frozen.server.advance(25)
    assert (task.fetch().assignment_status, task.fetch().task_queue_sid) == ("reserved", first)
    frozen.server.advance(5)
    assert (task.fetch().assignment_status, task.fetch().task_queue_sid) == ("pending", second)


def test_an_edited_workflow_moves_waiting_tasks_only_when_told(frozen: Centre) -> None:
    """§11.9."""
    old, new = frozen.queue("Old"), frozen.queue("New")
    flow = frozen.workflow(default=old)
    tasks = [frozen.task(flow).sid for _ in range(3)]
    configuration = '{"task_routing":{"default_filter":{"queue":"%s"}}}' % new  # noqa: UP031 - braces everywhere
    frozen.api.workflows(flow).update(configuration=configuration)
    frozen.settle()
    assert {frozen.api.tasks(each).fetch().task_queue_sid for each in tasks} == {old}
    assert frozen.api.workflows(flow).fetch().configuration == configuration
    frozen.api.workflows(flow).update(re_evaluate_tasks="true")
    frozen.settle()
    assert {frozen.api.tasks(each).fetch().task_queue_friendly_name for each in tasks} == {"New"}
    for sid in (new, old):
        if sid == old:
            assert frozen.api.task_queues(old).delete()
        else:
            with pytest.raises(TwilioRestException, match="cannot be deleted"):
                frozen.api.task_queues(new).delete()


def test_an_offline_worker_keeps_an_offer_unless_told_to_reject(frozen: Centre) -> None:
    """§11.10."""
    flow = frozen.workflow(default=frozen.queue())
    ana = frozen.worker("Ana")
    task = frozen.task(flow).sid
    frozen.settle()
    frozen.move(ana, "Offline")
    assert len(frozen.offers(ana)) == 1
    frozen.move(ana, "Available")
    with pytest.raises(TwilioRestException) as caught:
        frozen.api.workers(ana).update(activity_sid=frozen.activities["Available"], reject_pending_reservations=True)
    assert caught.value.status == 400
    frozen.api.workers(ana).update(activity_sid=frozen.activities["Offline"], reject_pending_reservations=True)
    assert [each.reservation_status for each in frozen.offers(ana, None)] == ["rejected"]
    assert frozen.status(task) == "pending"


def test_an_assigned_task_is_deleted_after_a_day(frozen: Centre) -> None:
    flow = frozen.workflow(default=frozen.queue())
    ana = frozen.worker("Ana")
    task = frozen.task(flow).sid
    frozen.settle()
    frozen.api.workers(ana).reservations(frozen.offers(ana)[0].sid).update(reservation_status="accepted")
    frozen.server.advance(86_399)
    assert frozen.status(task) == "assigned"
    frozen.server.advance(1)
    with pytest.raises(TwilioRestException) as caught:
        frozen.api.tasks(task).fetch()
    assert caught.value.status == 404
    assert frozen.api.workers(ana).worker_channels("chat").fetch().available_capacity_percentage == 100
