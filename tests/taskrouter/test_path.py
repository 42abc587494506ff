"""The way of a task: created, offered, accepted, completed (taskrouter.md §2.2, §6, §11)."""

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.taskrouter.conftest import Centre, eventually


def test_a_task_is_offered_accepted_and_completed(centre: Centre) -> None:
    queue = centre.queue()
    flow = centre.workflow(default=queue, task_reservation_timeout=30)
    ana = centre.worker("Ana")
    task = centre.task(flow, {"name": "Bo"})
    assert (task.assignment_status, task.task_queue_sid, task.age, task.reason) == ("pending", queue, 0, None)
    offer = centre.offer(ana, task.sid)
    assert offer.worker_name == "Ana"
    assert centre.status(task.sid) == "reserved"
    channel = centre.api.workers(ana).worker_channels("chat").fetch()
    assert (channel.assigned_tasks, channel.available_capacity_percentage) == (0, 0)
    accepted = centre.api.tasks(task.sid).reservations(offer.sid).update(reservation_status="accepted")
    assert accepted.reservation_status == "accepted"
    assert centre.status(task.sid) == "assigned"
    assert centre.api.workers(ana).worker_channels("chat").fetch().assigned_tasks == 1
    second = centre.task(flow)
    done = centre.api.tasks(task.sid).update(assignment_status="completed", reason="answered")
    assert (done.assignment_status, done.reason) == ("completed", "answered")
    assert centre.api.tasks(task.sid).reservations(offer.sid).fetch().reservation_status == "completed"
    assert centre.offer(ana, second.sid).task_sid == second.sid


def test_wrapping_keeps_capacity_and_completing_frees_it(centre: Centre) -> None:
    flow = centre.workflow(default=centre.queue())
    ana = centre.worker("Ana")
    first, second = centre.task(flow), centre.task(flow)
    offer = centre.offer(ana, first.sid)
    reservation = centre.api.workers(ana).reservations(offer.sid)
    reservation.update(reservation_status="accepted")
    assert centre.api.tasks(first.sid).update(assignment_status="wrapping").assignment_status == "wrapping"
    assert reservation.fetch().reservation_status == "wrapping"
    channel = centre.api.workers(ana).worker_channels("chat").fetch()
    assert (channel.assigned_tasks, channel.available_capacity_percentage) == (0, 0)
    assert centre.offers(ana) == []
    reservation.update(reservation_status="completed")
    assert centre.status(first.sid) == "completed"
    assert centre.offer(ana, second.sid)


def test_a_rejected_task_goes_to_the_next_worker_and_comes_back_to_a_lonely_one(centre: Centre) -> None:
    flow = centre.workflow(default=centre.queue())
    ana = centre.worker("Ana")
    task = centre.task(flow)
    offer = centre.offer(ana, task.sid)
    ben = centre.worker("Ben")
    centre.api.workers(ana).reservations(offer.sid).update(reservation_status="rejected")
    offer = centre.offer(ben, task.sid)
    centre.move(ben, "Unavailable")
    centre.api.tasks(task.sid).reservations(offer.sid).update(
        reservation_status="rejected", worker_activity_sid=centre.activities["Offline"]
    )
    assert centre.offer(ana, task.sid)
    assert centre.api.workers(ben).fetch().activity_name == "Offline"


def test_refusals_of_status_changes_use_the_contracts_words(centre: Centre) -> None:
    task = centre.task(centre.workflow(default=centre.queue()))
    where = f"task {task.sid} in workspace {centre.sid} for account {centre.client.username}"
    with pytest.raises(TwilioRestException) as caught:
        centre.api.tasks(task.sid).update(assignment_status="completed")
    assert (caught.value.status, caught.value.code) == (400, 20001)
    assert f"Cannot complete {where} because it is not currently assigned." in caught.value.msg
    canceled = centre.api.tasks(task.sid).update(assignment_status="canceled", reason="wrong number")
    assert (canceled.assignment_status, canceled.reason) == ("canceled", "wrong number")
    with pytest.raises(TwilioRestException) as caught:
        centre.api.tasks(task.sid).update(assignment_status="canceled")
    assert f"Cannot cancel {where} because it is not pending or reserved." in caught.value.msg


def test_canceling_a_reserved_task_cancels_its_reservation(centre: Centre) -> None:
    """taskrouter.md §11.8."""
    flow = centre.workflow(default=centre.queue())
    ana = centre.worker("Ana")
    task = centre.task(flow)
    offer = centre.offer(ana, task.sid)
    centre.api.tasks(task.sid).update(assignment_status="canceled")
    reservation = centre.api.workers(ana).reservations(offer.sid)
    assert reservation.fetch().reservation_status == "canceled"
    assert centre.api.workers(ana).fetch().activity_name == "Available"
    with pytest.raises(TwilioRestException) as caught:
        reservation.update(reservation_status="accepted")
    assert caught.value.status == 400


def test_a_skill_that_a_worker_learns_brings_the_waiting_task(centre: Centre) -> None:
    """taskrouter.md §11.2."""
    queue = centre.queue("Support", target_workers='skills HAS "support" AND languages HAS "english"')
    flow = centre.workflow({"expression": "type == 'support'", "targets": [{"queue": queue}]})
    alice = centre.worker("Alice", skills=["support"], languages=["english"])
    bob = centre.worker("Bob", skills=["sales"], languages=["spanish", "english"])
    first, second = (centre.task(flow, {"type": "support"}) for _ in range(2))
    assert centre.offer(alice, first.sid)
    assert centre.offers(bob) == []
    centre.api.workers(bob).update(attributes='{"skills":["support","sales"],"languages":["english"]}')
    assert centre.offer(bob, second.sid)
    with pytest.raises(TwilioRestException, match="Couldn't match task to queue in workspace"):
        centre.task(flow, {"type": "other"})


def test_a_worker_who_becomes_busy_enough_gets_the_waiting_task(centre: Centre) -> None:
    """taskrouter.md §4.2: channel built-ins; a rising load may make a worker eligible."""
    queue = centre.queue()
    busy = {"queue": queue, "expression": "worker.channel.chat.assigned_tasks >= 1"}
    flow = centre.workflow({"expression": "kind == 'extra'", "targets": [busy]}, default=queue)
    ana = centre.worker("Ana", chat=3)
    extra = centre.task(flow, {"kind": "extra"})
    first = centre.task(flow)
    offer = centre.offer(ana, first.sid)
    assert centre.status(extra.sid) == "pending"
    centre.api.workers(ana).reservations(offer.sid).update(reservation_status="accepted")
    assert centre.offer(ana, extra.sid)


def test_several_workers_are_reserved_and_the_first_to_accept_wins(centre: Centre) -> None:
    flow = centre.workflow(default=centre.queue(max_reserved_workers=3))
    workers = [centre.worker(f"W{n}") for n in range(4)]
    task = centre.task(flow)
    offers = eventually(lambda: len(found := centre.api.tasks(task.sid).reservations.list()) == 3 and found)
    assert [each.worker_sid for each in offers] == workers[:3]
    centre.api.tasks(task.sid).reservations(offers[1].sid).update(reservation_status="accepted")
    states = [each.reservation_status for each in centre.api.tasks(task.sid).reservations.list()]
    assert states == ["rescinded", "accepted", "rescinded"]
    with pytest.raises(TwilioRestException) as caught:
        centre.api.tasks(task.sid).reservations(offers[0].sid).update(reservation_status="accepted")
    assert caught.value.status == 410


def test_an_offline_worker_gets_a_task_that_is_routed_to_them(centre: Centre) -> None:
    """taskrouter.md §2.4."""
    queue = centre.queue()
    centre.workflow(default=queue)
    ana = centre.worker("Ana", available=False, chat=0)
    task = centre.task(routing_target=ana, task_queue_sid=queue)
    assert (task.routing_target, task.ignore_capacity, task.task_queue_sid) == (ana, True, queue)
    offer = centre.offer(ana, task.sid)
    centre.api.workers(ana).reservations(offer.sid).update(reservation_status="rejected")
    ended = centre.api.tasks(task.sid).fetch()
    assert (ended.assignment_status, ended.reason) == (
        "canceled",
        f"RoutingTarget not available for Reservation acceptance: {ana}",
    )


def test_a_deleted_task_is_gone_and_frees_its_worker(centre: Centre) -> None:
    flow = centre.workflow(default=centre.queue())
    ana = centre.worker("Ana")
    first, second = centre.task(flow), centre.task(flow)
    offer = centre.offer(ana, first.sid)
    centre.api.workers(ana).reservations(offer.sid).update(reservation_status="accepted")
    assert centre.api.tasks(first.sid).delete()
    with pytest.raises(TwilioRestException) as caught:
        centre.api.tasks(first.sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
    assert centre.offer(ana, second.sid)


def test_versions_guard_updates(centre: Centre) -> None:
    """taskrouter.md §1.3: a mismatch of If-Match is 412."""
    task = centre.task(centre.workflow(default=centre.queue()))
    api = centre.api.tasks(task.sid)
    api.update(attributes='{"a":1}', if_match='"0"')
    with pytest.raises(TwilioRestException) as caught:
        api.update(attributes='{"a":2}', if_match="0")
    assert caught.value.status == 412
    assert api.update(attributes='{"a":2}', if_match="1").attributes == '{"a":2}'
