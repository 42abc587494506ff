"""Interactions through the event bridge, as the desktop's client makes the calls (agent-clients.md §5.2)."""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bridge.agents import Agent, Refused
from tests.bridge.conftest import Bridge
from tests.requirements import requirement
from tests.taskrouter.conftest import eventually

NUMBERS = itertools.count(1)


@dataclass
class Work:
    """A customer's conversation that was offered to an agent."""

    bridge: Bridge
    agent: Agent
    name: str
    conversation: str
    reservation: str
    interaction: str
    channel: str
    invite: str

    @property
    def path(self) -> str:
        return f"v1/Interactions/{self.interaction}/Channels/{self.channel}"

    def answer(self, action: str) -> Any:
        routing = {"type": "taskrouter", "reservation": {"sid": self.reservation}}
        return self.agent.do(
            "post", url=f"{self.path}/Invites/{self.invite}", params={"action": action, "routing": routing}
        )

    def close(self, status: str) -> Any:
        return self.agent.do("post", url=self.path, params={"status": "closed", "routing": {"status": status}})

    def people(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.agent.do("get", url=f"{self.path}/Participants")["participants"]
        return found

    def members(self) -> set[str | None]:
        listed = self.bridge.centre.client.conversations.v1.conversations(self.conversation).participants.list()
        return {each.identity for each in listed}

    def state(self) -> str:
        return str(self.bridge.centre.client.conversations.v1.conversations(self.conversation).fetch().state)


@pytest.fixture
def work(flex: Bridge) -> Work:
    number = next(NUMBERS)
    name = f"Interactive {number}"
    worker = flex.centre.worker(name, email=f"{number}@example.com")
    agent = flex.agent(worker)
    client = flex.centre.client
    conversation = client.conversations.v1.conversations.create()
    conversation.participants.create(identity=f"customer {number}")
    made = client.flex_api.v1.interaction.create(
        channel={"type": "web", "initiated_by": "api", "properties": {"media_channel_sid": conversation.sid}},
        routing={
            "properties": {
                "workspace_sid": flex.centre.sid,
                "worker_sid": worker,
                "queue_sid": flex.queue,
                "task_channel_unique_name": "chat",
                "attributes": {"name": "Customer"},
            }
        },
    )
    offer = agent.wait("reservationCreated").data
    attributes = offer["task"]["attributes"]
    return Work(
        flex,
        agent,
        name,
        str(conversation.sid),
        offer["sid"],
        str(made.sid),
        attributes["flexInteractionChannelSid"],
        attributes["flexChannelInviteSid"],
    )


@requirement("S11", "S49")
def test_an_accepted_invite_is_heard_and_brings_the_agent_in(work: Work) -> None:
    assert work.answer("accept")["sid"] == work.invite
    work.agent.wait("reservation.accepted", lambda data: data["sid"] == work.reservation)
    assert work.name in work.members()
    (agent,) = (each for each in work.people() if each["type"] == "agent")
    assert agent["routing_properties"]["reservation_sid"] == work.reservation
    assert agent["media_properties"]["identity"] == work.name
    work.agent.sound()


def test_who_is_offered_a_channel_sees_the_customer_in_it(work: Work) -> None:
    (customer,) = work.people()
    assert (customer["type"], customer["channel_sid"], customer["interaction_sid"]) == (
        "customer",
        work.channel,
        work.interaction,
    )
    assert customer["media_properties"]["identity"].startswith("customer ")
    assert customer["routing_properties"] is None


def test_the_channel_names_its_conversation(work: Work) -> None:
    (channel,) = work.agent.do("get", url=f"v1/Interactions/{work.interaction}/Channels")["channels"]
    assert channel == {
        "sid": work.channel,
        "interaction_sid": work.interaction,
        "type": "web",
        "status": "active",
        "media_sid": work.conversation,
    }


def test_the_task_of_an_interaction_is_transferred_by_the_interaction_alone(work: Work, flex: Bridge) -> None:
    work.answer("accept")
    work.agent.wait("reservation.accepted", lambda data: data["sid"] == work.reservation)
    with pytest.raises(Refused, match=rf"400\. .*by the Transfers of interaction channel {work.channel}"):
        work.agent.do("transfer", sid=work.reservation, to=flex.queue)
    assert work.agent.do("state")["reservations"][0]["status"] == "accepted"
    assert work.name in work.members()


def test_a_declined_invite_is_heard_and_brings_nobody_in(work: Work) -> None:
    work.answer("decline")
    work.agent.wait("reservation.rejected", lambda data: data["sid"] == work.reservation)
    assert work.name not in work.members()


@requirement("S53")
def test_wrapping_up_closes_the_conversation_with_the_agent_in_it(work: Work) -> None:
    work.answer("accept")
    assert work.close("wrapup")["status"] == "closed"
    work.agent.wait("reservation.wrapup", lambda data: data["sid"] == work.reservation)
    assert work.agent.wait("task.wrapup").data["status"] == "wrapping"
    assert (work.state(), work.name in work.members()) == ("closed", True)


@requirement("S11", "S53")
def test_completing_takes_the_agent_out(work: Work) -> None:
    work.answer("accept")
    work.close("wrapup")
    work.close("closed")
    work.agent.wait("reservation.completed", lambda data: data["sid"] == work.reservation)
    assert work.agent.wait("task.completed").data["status"] == "completed"
    assert eventually(lambda: work.name not in work.members())
    work.agent.sound()


def test_a_worker_who_was_not_asked_may_neither_look_nor_close(work: Work) -> None:
    stranger = work.bridge.agent(work.bridge.centre.worker(f"Stranger {next(NUMBERS)}", available=False))
    with pytest.raises(Refused, match="status code 403"):
        stranger.do("get", url=f"{work.path}/Participants")
    with pytest.raises(Refused, match="status code 403"):
        stranger.do("post", url=work.path, params={"status": "closed"})
    assert work.state() == "active"


def test_a_worker_who_has_not_accepted_may_look_and_not_close(work: Work) -> None:
    assert [each["type"] for each in work.people()] == ["customer"]
    with pytest.raises(Refused, match=r"status code 403\. .*does not work in"):
        work.close("closed")
    assert work.state() == "active"


def test_an_invite_is_not_accepted_by_the_reservation_of_another_task(work: Work) -> None:
    other = work.bridge.centre.api.tasks.create(
        attributes="{}",
        task_channel="sms",
        routing_target=work.agent.do("state")["sid"],
        task_queue_sid=work.bridge.queue,
    )
    foreign = work.agent.wait("reservationCreated", lambda data: data["task"]["sid"] == other.sid).data["sid"]
    routing = {"type": "taskrouter", "reservation": {"sid": foreign}}
    with pytest.raises(Refused, match=r"status code 400\. .*reservation"):
        work.agent.do("post", url=f"{work.path}/Invites/{work.invite}", params={"action": "accept", "routing": routing})
    assert work.name not in work.members()


def test_what_a_channel_cannot_do_is_refused_by_name(work: Work) -> None:
    with pytest.raises(Refused, match=r"status code 400\. .*Status"):
        work.agent.do("post", url=work.path, params={"status": "transfer", "routing": {"status": "wrapup"}})
    with pytest.raises(Refused, match=r"status code 400\. .*action"):
        work.answer("ignore")
    with pytest.raises(Refused, match=r"status code 400\. .*params"):
        work.agent.do("post", url=f"{work.path}/Invites/{work.invite}", params={"action": "accept"})
