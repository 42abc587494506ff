"""Who is in an interaction: customers on several channels, agents, supervisors, others (flex.md §1.1)."""

import itertools

import pytest
from twilio.base.exceptions import TwilioRestException

from parlour.demo import DEMO_NUMBER
from tests.interactions.conftest import Desk
from tests.requirements import requirement

NUMBERS = itertools.count(5_557_000)


def phone() -> str:
    return f"+1202{next(NUMBERS)}"


@requirement("S3", "S6")
def test_a_second_customer_joins_on_another_channel_and_is_removed_again(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    husband = phone()
    added = work.api.participants.create(
        type="customer", media_properties={"address": husband, "proxy_address": DEMO_NUMBER}
    )
    assert work.members() == {work.customer, "Carla", husband}
    work.says("Carla", "hello both")
    (message,) = work.talk.messages.list()
    assert message.delivery["total"] == 1  # the one by text; the web chat reads it where it is
    work.api.participants(added.sid).update(status="closed")
    assert work.members() == {work.customer, "Carla"}
    assert added.sid not in {each.sid for each in work.api.participants.list()}


def test_a_customer_of_another_open_conversation_cannot_be_added_twice(desk: Desk) -> None:
    work, other, address = desk.engage(), desk.engage(), phone()
    media = {"address": address, "proxy_address": DEMO_NUMBER}
    work.api.participants.create(type="customer", media_properties=media)
    with pytest.raises(TwilioRestException) as refused:
        other.api.participants.create(type="customer", media_properties=media)
    assert refused.value.code == 50416
    assert other.members() == {other.customer}


@requirement("S19")
def test_an_agent_who_is_added_is_asked_and_there_once_they_accept(desk: Desk) -> None:
    bob = desk.worker("Bob")
    work = desk.engage(queue_sid=desk.centre.queue("Nobody", target_workers="1==2"))
    added = work.api.participants.create(
        type="agent",
        media_properties={"identity": "Bob"},
        routing_properties={"workspace_sid": desk.centre.sid, "worker_sid": bob, "queue_sid": desk.queue},
    )
    assert (added.routing_properties["worker_sid"], added.routing_properties["reservation_sid"]) == (bob, None)
    assert work.members() == {work.customer}
    reservation = work.accepted_by(bob)
    assert work.members() == {work.customer, "Bob"}
    (agent,) = (each for each in work.api.participants.list() if each.type == "agent")
    assert (agent.sid, agent.routing_properties["reservation_sid"]) == (added.sid, reservation.sid)


def test_a_supervisor_joins_with_the_role_of_one(desk: Desk) -> None:
    work = desk.engage()
    work.api.participants.create(type="supervisor", media_properties={"identity": "sam"})
    (sam,) = (each for each in work.talk.participants.list() if each.identity == "sam")
    service = work.talk.fetch().chat_service_sid
    role = desk.client.conversations.v1.services(service).roles(sam.role_sid).fetch()
    assert role.friendly_name == "supervisor"


def test_a_supervisors_message_wakes_nobody(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.api.participants.create(type="supervisor", media_properties={"identity": "sam"})
    work.end_of(carla)
    work.says("sam", "a note")
    assert work.tasks() == []


def test_a_customer_who_joined_later_wakes_a_parked_engagement_as_the_first_does(desk: Desk) -> None:
    carla = desk.worker("Carla")
    work = desk.engage()
    work.accepted_by(carla)
    work.api.participants.create(type="customer", media_properties={"identity": "the neighbour"})
    work.end_of(carla)
    assert work.tasks() == []
    work.says("the neighbour", "we are back")
    assert len(work.tasks()) == 1


def test_customers_who_come_and_go_by_the_conversation_do_so_in_the_channel(desk: Desk) -> None:
    work = desk.engage()
    joined = work.talk.participants.create(identity="the husband")
    desk.settle()
    assert len(work.api.participants.list()) == 2
    joined.delete()
    desk.settle()
    assert len(work.api.participants.list()) == 1
    assert work.state == "active"


@requirement("S18")
def test_an_agent_begins_a_conversation_and_is_asked_alone(desk: Desk) -> None:
    carla = desk.worker("Carla")
    desk.worker("Bob")
    address = phone()
    made = desk.client.flex_api.v1.interaction.create(
        channel={
            "type": "sms",
            "initiated_by": "agent",
            "properties": {"type": "sms"},
            "participants": [{"address": address, "proxy_address": DEMO_NUMBER}],
        },
        routing={"type": "TaskRouter", **desk.routing(worker_sid=carla, queue_sid=desk.queue)},
    )
    desk.settle()
    properties = made.routing["properties"]
    assert properties["routing_target"] == carla
    assert '"direction":"outbound"' in properties["attributes"].replace(" ", "")
    (offer,) = desk.centre.offers(carla)
    desk.answer(offer, "rejected")
    channel = desk.client.flex_api.v1.interaction(made.sid).channels(made.channel["sid"]).fetch()
    assert channel.status == "closed"  # nobody waits for what its own agent gave up


def test_an_agent_cannot_begin_a_conversation_with_an_address_that_is_in_one(desk: Desk) -> None:
    carla, address = desk.worker("Carla"), phone()
    work = desk.engage()
    media = {"address": address, "proxy_address": DEMO_NUMBER}
    work.api.participants.create(type="customer", media_properties=media)
    with pytest.raises(TwilioRestException) as refused:
        desk.client.flex_api.v1.interaction.create(
            channel={"type": "sms", "initiated_by": "agent", "participants": [media]},
            routing=desk.routing(worker_sid=carla, queue_sid=desk.queue),
        )
    assert (refused.value.code, work.conversation in str(refused.value)) == (50416, True)
    assert {each.task_sid for each in desk.centre.offers(carla)} == {work.tasks()[0].sid}


@pytest.mark.parametrize(
    ("kind", "media", "routing", "name"),
    [
        ("customer", {}, None, "MediaProperties"),
        ("customer", {"identity": 5}, None, "MediaProperties"),
        ("agent", {"identity": "Bob"}, None, "RoutingProperties"),
        ("agent", {"identity": "Bob"}, {"worker_sid": "WK" + "0" * 32}, "worker_sid"),
        ("customer", {"identity": "Bo"}, {"worker_sid": "WK" + "0" * 32}, "RoutingProperties"),
    ],
)
def test_who_cannot_be_added_is_refused_by_name(
    desk: Desk, kind: str, media: dict[str, object], routing: dict[str, object] | None, name: str
) -> None:
    work = desk.engage()
    options = {} if routing is None else {"routing_properties": routing}
    with pytest.raises(TwilioRestException, match=name) as refused:
        work.api.participants.create(type=kind, media_properties=media, **options)
    assert refused.value.status == 400
    assert work.members() == {work.customer}
