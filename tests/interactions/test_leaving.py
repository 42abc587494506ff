"""Agents leave while the conversation goes on: park, leave, and the way back (flex.md §1.6; invariants 4 and 6)."""

from tests.interactions.conftest import Desk
from tests.requirements import requirement


def test_a_parked_conversation_stays_open_without_its_agent_or_a_task(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.end_of(carla)
    assert (work.state, work.status, work.tasks()) == ("active", "active", [])
    assert work.members() == {work.customer}


def test_the_customers_message_brings_a_parked_conversation_back_to_the_agent_who_knows_it(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    desk.centre.server.advance(60)
    work.end_of(carla)
    desk.worker("Bob")
    work.says(work.customer)
    (task,) = work.tasks()
    assert (task.routing_target, task.assignment_status) == (carla, "reserved")
    work.accepted_by(carla)
    assert "Carla" in work.members()


def test_an_agent_who_went_offline_is_not_waited_for(desk: Desk) -> None:
    carla, bob = desk.worker("Carla"), desk.worker("Bob", available=False)
    work = desk.engage()
    work.accepted_by(carla)
    work.end_of(carla)
    desk.centre.move(carla, "Offline")
    desk.centre.move(bob, "Available")
    work.says(work.customer)
    work.accepted_by(bob)
    assert work.members() == {work.customer, "Bob"}


def test_what_the_known_agent_declines_goes_to_the_others(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.end_of(carla)
    work.says(work.customer)
    (offer,) = desk.centre.offers(carla)
    bob = desk.worker("Bob")
    desk.answer(offer, "rejected")
    work.accepted_by(bob)


def test_a_message_of_the_moment_in_which_the_agent_parks_asks_for_an_agent_at_once(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.says(work.customer, "wait, one more thing")
    work.end_of(carla)
    assert len(work.tasks()) == 1
    work.says(work.customer, "still there?")
    assert len(work.tasks()) == 1


def test_a_programs_message_wakes_nobody(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.end_of(carla)
    work.says("a robot")
    assert work.tasks() == []


def test_an_invite_brings_a_parked_conversation_back(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.end_of(carla)
    work.api.invites.create(routing=desk.routing())
    work.says(work.customer)
    assert len(work.tasks()) == 1
    work.accepted_by(carla)


def test_of_two_agents_the_one_who_ends_their_part_leaves_the_other_in_place(desk: Desk) -> None:
    carla, bob = desk.worker("Carla"), desk.worker("Bob")
    work = desk.engage(worker_sid=carla, queue_sid=desk.queue)
    work.accepted_by(carla)
    work.api.invites.create(routing=desk.routing(worker_sid=bob, queue_sid=desk.queue))
    work.accepted_by(bob)
    work.end_of(carla)
    assert (work.members(), work.state) == ({work.customer, "Bob"}, "active")
    work.end_of(bob)
    assert desk.broken() == []
    work.says(work.customer)
    assert len(work.tasks()) == 1


def test_leaving_with_a_pending_invite_leaves_the_conversation_to_the_invited(desk: Desk) -> None:
    carla, bob = desk.worker("Carla"), desk.worker("Bob")
    work = desk.engage(worker_sid=carla, queue_sid=desk.queue)
    work.accepted_by(carla)
    work.api.invites.create(routing=desk.routing(worker_sid=bob, queue_sid=desk.queue))
    work.end_of(carla)
    assert (work.state, len(work.tasks())) == ("active", 1)
    work.accepted_by(bob)
    assert work.members() == {work.customer, "Bob"}


def test_an_agent_who_leaves_wraps_up_outside_of_the_conversation(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    reservation = work.accepted_by(carla)
    work.api.update(status="inactive", routing={"status": "wrapup"})
    desk.settle()
    assert (work.status, work.state, work.members()) == ("inactive", "active", {work.customer})
    assert desk.centre.api.workers(carla).reservations(reservation.sid).fetch().reservation_status == "wrapping"
    assert desk.broken() == []
    work.end_of(carla)
    assert (work.status, work.state) == ("inactive", "active")


def test_a_left_conversation_wakes_as_a_new_task_of_the_same_conversation(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.api.update(status="inactive", routing={"status": "closed"})
    assert work.tasks() == []
    work.says(work.customer)
    assert work.status == "active"
    (task,) = work.tasks()
    assert task.routing_target is None
    work.accepted_by(carla)


def test_a_left_conversation_is_closed_after_ninety_days(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.api.update(status="inactive", routing={"status": "closed"})
    desk.centre.server.advance(90 * 24 * 3600 - 60)
    assert work.state == "active"
    desk.centre.server.advance(61)
    assert (work.state, work.status) == ("closed", "closed")


def test_a_canceled_task_leaves_the_conversation_to_the_customers_next_message(desk: Desk) -> None:
    work = desk.engage()
    (task,) = work.tasks()
    desk.centre.api.tasks(task.sid).update(assignment_status="canceled", reason="nobody is here")
    assert (work.tasks(), work.state) == ([], "active")
    assert desk.broken() == []
    work.says(work.customer)
    assert len(work.tasks()) == 1


def test_an_offer_that_its_one_agent_declines_goes_to_the_queue(desk: Desk) -> None:
    carla, bob = desk.worker("Carla"), desk.worker("Bob", available=False)
    work = desk.engage(worker_sid=carla, queue_sid=desk.queue)
    (offer,) = desk.centre.offers(carla)
    desk.centre.move(bob, "Available")
    desk.answer(offer, "rejected")
    assert len(work.tasks()) == 1
    desk.centre.move(carla, "Offline")
    desk.settle()


def test_a_conversation_that_its_timer_closes_takes_its_channel_along(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    reservation = work.accepted_by(carla)
    work.talk.update(state="closed")
    desk.settle()
    assert work.status == "closed"
    assert desk.centre.api.workers(carla).reservations(reservation.sid).fetch().reservation_status == "wrapping"


@requirement("S53")
def test_a_completed_task_is_gone_after_ten_minutes(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    reservation = work.accepted_by(carla)
    work.api.update(status="closed", routing={"status": "closed"})
    assert desk.centre.status(reservation.task_sid) == "completed"
    assert (work.state, work.members()) == ("closed", {work.customer})
    desk.centre.server.advance(601)
    assert reservation.task_sid not in {each.sid for each in desk.centre.api.tasks.list()}
