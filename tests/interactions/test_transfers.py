"""Transfers: the old agent leaves only after the new one joined (flex.md §1.6; peers.md §2 theme 11)."""

import pytest
from twilio.base.exceptions import TwilioRestException

from tests.interactions.conftest import Body, Desk, Engagement


@pytest.fixture
def carla(desk: Desk) -> str:
    return desk.worker("Carla")


@pytest.fixture
def work(desk: Desk, carla: str) -> Engagement:
    """A conversation that Carla works on."""
    made = desk.engage(worker_sid=carla, queue_sid=desk.queue)
    made.accepted_by(carla)
    return made


def test_a_cold_transfer_keeps_the_agent_until_the_other_accepts(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    made = desk.transfer(work, carla, bob)
    assert (made.status, work.status, work.members()) == ("active", "transfer", {work.customer, "Carla"})
    work.accepted_by(bob)
    assert (work.status, work.state, work.members()) == ("active", "active", {work.customer, "Bob"})
    assert work.api.transfers(made.sid).fetch().status == "completed"


def test_who_transferred_wraps_up_and_their_completion_does_not_end_the_conversation(
    desk: Desk, carla: str, work: Engagement
) -> None:
    bob = desk.worker("Bob")
    desk.transfer(work, carla, bob)
    work.accepted_by(bob)
    (mine,) = desk.centre.offers(carla, "wrapping")
    desk.answer(mine, "completed")
    assert (work.state, work.members()) == ("active", {work.customer, "Bob"})


def test_a_transfer_to_a_queue_passes_the_workflow_by(desk: Desk, carla: str, work: Engagement) -> None:
    experts = desk.centre.queue("Experts", target_workers="expert == true")
    bob = desk.worker("Bob", expert=True)
    desk.transfer(work, carla, experts)
    (_, task) = work.tasks()
    assert (task.task_queue_sid, task.routing_target) == (experts, experts)
    work.accepted_by(bob)
    assert work.members() == {work.customer, "Bob"}


def test_the_new_task_carries_the_old_attributes_with_its_own_sids(desk: Desk, carla: str, work: Engagement) -> None:
    import json

    made = desk.transfer(work, carla, desk.worker("Bob"))
    before, after = (json.loads(task.attributes) for task in work.tasks())
    assert after["name"] == before["name"] == "Bo"
    assert after["transfer_sid"] == made.sid
    assert after["flexChannelInviteSid"] != before["flexChannelInviteSid"]
    assert after["flexInteractionChannelSid"] == before["flexInteractionChannelSid"] == work.channel


def test_what_the_other_agent_declines_goes_on_to_the_queue(desk: Desk, carla: str, work: Engagement) -> None:
    bob, dora = desk.worker("Bob"), desk.worker("Dora", available=False)
    desk.centre.move(carla, "Offline")
    made = desk.transfer(work, carla, bob)
    (offer,) = desk.centre.offers(bob)
    desk.centre.move(dora, "Available")
    desk.answer(offer, "rejected")
    desk.centre.move(bob, "Offline")
    desk.settle()
    work.accepted_by(dora)
    assert work.members() == {work.customer, "Dora"}
    assert work.api.transfers(made.sid).fetch().status == "completed"


def test_a_transfer_that_is_called_off_leaves_the_agent_at_work(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    made = desk.transfer(work, carla, bob)
    assert work.api.transfers(made.sid).update(Body(status="failed")).status == "failed"
    assert (work.status, work.members(), len(work.tasks())) == ("active", {work.customer, "Carla"}, 1)


def test_with_a_warm_transfer_both_talk_until_the_first_says_so(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    made = desk.transfer(work, carla, bob, "warm")
    with pytest.raises(TwilioRestException, match="nobody has joined"):
        work.api.transfers(made.sid).update(Body(status="completed"))
    work.accepted_by(bob)
    assert work.members() == {work.customer, "Carla", "Bob"}
    work.api.transfers(made.sid).update(Body(status="completed"))
    assert work.members() == {work.customer, "Bob"}


def test_an_agent_has_one_transfer_at_a_time(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    desk.transfer(work, carla, bob)
    with pytest.raises(TwilioRestException) as refused:
        desk.transfer(work, carla, bob)
    assert (refused.value.code, refused.value.status) == (45007, 409)


def test_an_agent_who_leaves_during_the_transfer_leaves_it_to_the_other(
    desk: Desk, carla: str, work: Engagement
) -> None:
    bob = desk.worker("Bob")
    desk.transfer(work, carla, bob)
    work.end_of(carla)
    assert (work.state, work.members()) == ("active", {work.customer})
    work.accepted_by(bob)
    assert work.members() == {work.customer, "Bob"}


def test_ending_the_conversation_during_a_transfer_ends_the_transfer(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    made = desk.transfer(work, carla, bob)
    work.api.update(status="closed", routing={"status": "closed"})
    desk.settle()
    assert work.api.transfers(made.sid).fetch().status == "failed"
    assert (work.tasks(), work.state, desk.centre.offers(bob)) == ([], "closed", [])


def test_a_target_who_goes_offline_gives_the_transfer_to_the_queue(desk: Desk, carla: str, work: Engagement) -> None:
    bob, dora = desk.worker("Bob"), desk.worker("Dora", available=False)
    desk.transfer(work, carla, bob)
    desk.centre.move(carla, "Offline")
    desk.centre.move(dora, "Available")
    desk.centre.server.advance(125)  # nobody answers the offer
    work.accepted_by(dora)
    assert work.members() == {work.customer, "Dora"}


def test_what_a_transfer_cannot_do_is_refused_by_name(desk: Desk, carla: str, work: Engagement) -> None:
    mine = work.agent(carla)
    other = desk.engage()
    bad = [
        ({"type": "cold", "from": mine, "to": "WK" + "0" * 32}, "to"),
        ({"type": "cold", "from": mine, "to": carla}, "to"),
        ({"type": "external", "from": mine, "to": "+15550001"}, "type"),
        ({"type": "hot", "from": mine, "to": desk.queue}, "type"),
        ({"type": "cold", "from": other.api.participants.list()[0].sid, "to": desk.queue}, "from"),
        ({"type": "cold", "from": mine, "to": desk.queue, "noteSid": "KD1"}, "noteSid"),
    ]
    for body, name in bad:
        with pytest.raises(TwilioRestException, match=f"parameter {name}") as refused:
            work.api.transfers.create(Body(body))
        assert (refused.value.status, refused.value.code) == (400, 45004)
    assert len(work.tasks()) == 1
