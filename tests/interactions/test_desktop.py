"""What an agent's desktop does to a channel: leave, pause, resume, transfer, add (agent-clients.md §5.2)."""

import json
from typing import Any

import pytest
import requests

from tests.interactions.conftest import Desk, Engagement, answer_of


@pytest.fixture
def carla(desk: Desk) -> str:
    return desk.worker("Carla")


@pytest.fixture
def work(desk: Desk, carla: str) -> Engagement:
    """A conversation that Carla works on."""
    made = desk.engage(worker_sid=carla, queue_sid=desk.queue)
    made.accepted_by(carla)
    return made


def path(work: Engagement) -> str:
    return f"v1/Interactions/{work.interaction}/Channels/{work.channel}"


def change(desk: Desk, work: Engagement, worker: str, status: str, routing: str | None = None) -> Any:
    params: dict[str, Any] = {"status": status}
    if routing is not None:
        params["routing"] = {"status": routing}
    return desk.desktop(worker, "POST", path(work), **params)


def test_a_paused_conversation_takes_no_capacity_and_comes_back_to_its_agent_at_once(
    desk: Desk, carla: str, work: Engagement
) -> None:
    assert change(desk, work, carla, "pause", "closed")["status"] == "pause"
    assert (work.tasks(), work.state, work.members()) == ([], "active", {work.customer})
    (paused,) = desk.desktop(carla, "GET", "v1/Channels", status="pause", pageSize=50)["channels"]
    assert (paused["sid"], paused["media_sid"]) == (work.channel, work.conversation)
    work.says(work.customer, "are you back?")
    assert work.tasks() == []
    change(desk, work, carla, "active")
    assert (work.status, work.members()) == ("active", {work.customer, "Carla"})
    assert len(desk.centre.offers(carla, "accepted")) == 1
    assert desk.desktop(carla, "GET", "v1/Channels", status="pause")["channels"] == []


def test_a_conversation_that_was_paused_for_too_long_goes_to_the_queue(
    desk: Desk, carla: str, work: Engagement
) -> None:
    change(desk, work, carla, "pause", "closed")
    desk.centre.move(carla, "Offline")
    bob = desk.worker("Bob")
    desk.centre.server.advance(14 * 24 * 3600 + 1)
    work.accepted_by(bob)
    assert work.status == "active"


def test_nobody_resumes_what_another_agent_paused(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    work.api.invites.create(routing=desk.routing(worker_sid=bob, queue_sid=desk.queue))
    work.accepted_by(bob)
    work.end_of(bob)
    change(desk, work, carla, "pause", "closed")
    with pytest.raises(requests.HTTPError) as refused:
        change(desk, work, bob, "active")
    assert answer_of(refused).status_code == 403


def test_one_of_two_agents_leaves_alone(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    work.api.invites.create(routing=desk.routing(worker_sid=bob, queue_sid=desk.queue))
    work.accepted_by(bob)
    change(desk, work, carla, "inactive", "closed")
    assert (work.status, work.members()) == ("active", {work.customer, "Bob"})


def test_completing_after_a_transfer_ends_only_the_agents_own_part(desk: Desk, carla: str, work: Engagement) -> None:
    bob = desk.worker("Bob")
    instance = desk.client.flex_api.v1.configuration().fetch().flex_instance_sid
    transfers = f"v1/Instances/{instance}/Interactions/{work.interaction}/Channels/{work.channel}/Transfers"
    made = desk.desktop(carla, "POST", transfers, type="cold", **{"from": work.agent(carla)}, to=bob)
    assert (made["status"], made["instance_sid"]) == ("active", instance)
    work.accepted_by(bob)
    assert [each["status"] for each in desk.desktop(carla, "GET", transfers)] == ["completed"]
    change(desk, work, carla, "closed", "closed")
    assert (work.state, work.members()) == ("active", {work.customer, "Bob"})
    assert len(desk.centre.offers(carla, "completed")) == 1


def test_the_last_participant_may_close_the_channel_with_their_part(desk: Desk, carla: str, work: Engagement) -> None:
    participant = f"{path(work)}/Participants/{work.agent(carla)}"
    desk.desktop(carla, "POST", participant, status="closed", closeChannelIfLastParticipant=True)
    assert (work.state, work.status) == ("closed", "closed")


def test_an_agent_adds_and_removes_a_customer(desk: Desk, carla: str, work: Engagement) -> None:
    people = f"{path(work)}/Participants"
    added = desk.desktop(carla, "POST", people, type="customer", media_properties={"identity": "the husband"})
    assert work.members() == {work.customer, "Carla", "the husband"}
    desk.desktop(carla, "POST", f"{people}/{added['sid']}", status="closed")
    assert work.members() == {work.customer, "Carla"}


@pytest.mark.parametrize(
    ("url", "params"),
    [
        ("", {"status": "closed", "routing": {"status": "closed"}}),
        ("", {"status": "inactive", "routing": {"status": "closed"}}),
        ("", {"status": "pause", "routing": {"status": "closed"}}),
        ("/Participants", {"type": "customer", "media_properties": {"identity": "a stranger"}}),
        ("/Participants/{customer}", {"status": "closed"}),
        ("/Participants/{agent}", {"status": "closed"}),
        ("/Transfers", {"type": "cold", "from": "{agent}", "to": "{worker}"}),
    ],
)
@pytest.mark.parametrize("how", ["asked", "declined", "done"])
def test_who_was_only_asked_or_is_done_does_nothing_to_a_channel(
    desk: Desk, carla: str, work: Engagement, url: str, params: dict[str, Any], how: str
) -> None:
    bob = desk.worker("Bob")
    work.api.invites.create(routing=desk.routing(worker_sid=bob, queue_sid=desk.queue))
    desk.settle()
    if how == "declined":
        (offer,) = desk.centre.offers(bob)
        desk.answer(offer, "rejected")
    elif how == "done":
        work.accepted_by(bob)
        work.end_of(bob)
    (customer,) = (each.sid for each in work.api.participants.list() if each.type == "customer")
    names = {"customer": customer, "agent": work.agent(carla), "worker": bob}
    given = {name: value.format(**names) if isinstance(value, str) else value for name, value in params.items()}
    root = f"v1/Interactions/{work.interaction}/Channels/{work.channel}"
    if url == "/Transfers":
        instance = desk.client.flex_api.v1.configuration().fetch().flex_instance_sid
        root = f"v1/Instances/{instance}/Interactions/{work.interaction}/Channels/{work.channel}"
    with pytest.raises(requests.HTTPError) as refused:
        desk.desktop(bob, "POST", root + url.format(**names), **given)
    assert answer_of(refused).status_code == 403, answer_of(refused).text
    assert (work.state, work.members(), work.status) == ("active", {work.customer, "Carla"}, "active")


def test_an_agent_begins_a_conversation_for_nobody_else(desk: Desk, carla: str) -> None:
    bob = desk.worker("Bob")
    channel = {"type": "web", "initiated_by": "agent", "participants": [{"identity": "a visitor"}]}
    with pytest.raises(requests.HTTPError) as refused:
        desk.desktop(
            carla,
            "POST",
            "v1/Interactions",
            channel=channel,
            routing=desk.routing(worker_sid=bob, queue_sid=desk.queue),
        )
    assert answer_of(refused).status_code == 403
    routing = {"type": "TaskRouter", **desk.routing(worker_sid=carla, queue_sid=desk.queue)}
    made = desk.desktop(carla, "POST", "v1/Interactions", channel=channel, routing=routing)
    attributes = json.loads(made["routing"]["properties"]["attributes"])
    assert (attributes["direction"], attributes["initiatedBy"]) == ("outbound", "agent")
    (offer,) = desk.centre.offers(carla)
    assert offer.task_sid == made["routing"]["properties"]["sid"]


def test_an_agent_cannot_hand_a_strangers_conversation_to_themselves(desk: Desk, carla: str) -> None:
    other = desk.client.conversations.v1.conversations.create()
    channel = {"type": "web", "initiated_by": "api", "properties": {"media_channel_sid": other.sid}}
    with pytest.raises(requests.HTTPError) as refused:
        desk.desktop(
            carla,
            "POST",
            "v1/Interactions",
            channel=channel,
            routing=desk.routing(worker_sid=carla, queue_sid=desk.queue),
        )
    assert answer_of(refused).status_code == 403
