"""Functions behind plugins, on the official Node package: park, unpark, transfer, add somebody (flex.md §1.6, §10)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.interactions.conftest import Desk, Engagement
from tests.run.programs import node, run
from tests.webhooks.receiver import Receiver


@pytest.fixture
def carla(desk: Desk) -> str:
    return desk.worker("Carla")


@pytest.fixture
def work(desk: Desk, carla: str) -> Engagement:
    """A conversation that Carla works on."""
    made = desk.engage()
    made.accepted_by(carla)
    return made


def call(desk: Desk, folder: Path, name: str, event: dict[str, Any]) -> Any:
    """Run a function as the vendor's runtime would, with an event."""
    cwd, command = node("functions.js", "twilio-6", name, json.dumps(event))
    ran = run(desk.centre.server, folder, *command, cwd=cwd)
    assert ran.returncode == 0, ran.stderr
    desk.settle()
    return json.loads(ran.stdout)


def event_of(desk: Desk, work: Engagement, worker: str) -> dict[str, Any]:
    """What a plugin knows of the agent's task."""
    (task,) = work.tasks()
    return {
        "interactionSid": work.interaction,
        "channelSid": work.channel,
        "conversationSid": work.conversation,
        "participantSid": work.agent(worker),
        "taskAttributes": task.attributes,
        "taskChannelUniqueName": "chat",
        "workspaceSid": desk.centre.sid,
        "workflowSid": desk.workflow,
        "queueSid": desk.queue,
    }


def test_a_parked_chat_comes_back_once_by_the_functions_own_webhook(
    desk: Desk, carla: str, work: Engagement, receiver: Receiver, tmp_path: Path
) -> None:
    parked = call(desk, tmp_path, "park", {**event_of(desk, work, carla), "unparkUrl": f"{receiver.url}/unpark"})
    assert (work.tasks(), work.members(), work.state) == ([], {work.customer}, "active")
    work.says(work.customer, "are you there?")
    heard = receiver.one("onMessageAdded")
    assert work.tasks() == []  # who brought a wake-up of their own is given time for it
    back = call(desk, tmp_path, "unpark", heard.parameters)
    assert [task.sid for task in work.tasks()] == [back["task"]]
    assert parked["webhookSid"] not in {each.sid for each in work.talk.webhooks.list()}
    desk.centre.server.advance(60)
    assert [task.sid for task in work.tasks()] == [back["task"]]
    work.accepted_by(carla)


def test_a_function_that_does_not_come_leaves_nobody_waiting(
    desk: Desk, carla: str, work: Engagement, receiver: Receiver, tmp_path: Path
) -> None:
    call(desk, tmp_path, "park", {**event_of(desk, work, carla), "unparkUrl": f"{receiver.url}/unpark"})
    work.says(work.customer, "are you there?")
    assert work.tasks() == []
    desk.centre.server.advance(11)
    assert len(work.tasks()) == 1


def test_a_chat_is_handed_over_and_its_stale_sids_with_it(
    desk: Desk, carla: str, work: Engagement, tmp_path: Path
) -> None:
    bob = desk.worker("Bob")
    before = json.loads(work.tasks()[0].attributes)
    handed = call(desk, tmp_path, "transfer", {**event_of(desk, work, carla), "targetSid": bob})
    assert (work.state, work.members()) == ("active", {work.customer})
    after = json.loads(desk.centre.api.tasks(handed["task"]).fetch().attributes)
    assert after["flexChannelInviteSid"] == handed["inviteSid"] != before["flexChannelInviteSid"]
    work.accepted_by(bob)
    assert work.members() == {work.customer, "Bob"}


def test_a_further_customer_is_brought_in(desk: Desk, carla: str, work: Engagement, tmp_path: Path) -> None:
    event = {**event_of(desk, work, carla), "media": {"identity": "the husband"}}
    assert call(desk, tmp_path, "addParticipant", event)["all"] == 3
    assert work.members() == {work.customer, "Carla", "the husband"}
