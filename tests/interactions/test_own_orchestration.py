"""Own orchestration: a conversation and a task of the customer's own making, and no interaction (flex.md §2.4, §8)."""

import json
from typing import Any

import pytest
import requests
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import TaskRouterGrant

from tests.interactions.conftest import Desk, answer_of
from tests.requirements import requirement


@pytest.fixture
def carla(desk: Desk) -> str:
    return desk.worker("Carla")


@pytest.fixture
def talk(desk: Desk) -> Any:
    """A conversation with a customer in it."""
    made = desk.client.conversations.v1.conversations.create()
    made.participants.create(identity="a customer")
    return desk.client.conversations.v1.conversations(made.sid)


def task_of(desk: Desk, talk: Any, **more: Any) -> Any:
    made = desk.centre.task(desk.workflow, {"conversationSid": talk.fetch().sid, "channelType": "web"}, **more)
    desk.settle()
    return made


def token(desk: Desk, worker: str, identity: str, role: str = "worker") -> str:
    key = desk.client.new_keys.create(friendly_name="desktop")
    made = AccessToken(desk.client.account_sid, key.sid, key.secret, identity=identity)
    made.add_grant(TaskRouterGrant(workspace_sid=desk.centre.sid, worker_sid=worker, role=role))
    return str(made.to_jwt())


def join(desk: Desk, talk: Any, identity: str, with_token: str, role: str = "agent") -> requests.Response:
    """What the desktop sends once an agent accepted a task without an interaction."""
    path = f"/flex-api/v1/Channels/{talk.fetch().sid}/Roles/{role}/Users"
    return requests.post(
        desk.centre.server.url + path, data={"Identity": identity}, auth=("token", with_token), timeout=30
    )


def names(talk: Any) -> set[str]:
    return {each.identity for each in talk.participants.list()}


@requirement("S9", "S10", "S13", "S50")
def test_the_agent_joins_by_the_desktop_with_the_role_of_one(desk: Desk, carla: str, talk: Any) -> None:
    task_of(desk, talk)
    (offer,) = desk.centre.offers(carla)
    desk.answer(offer, "accepted")
    assert names(talk) == {"a customer"}  # the server keeps out of it
    mine = token(desk, carla, "Carla")
    answer = join(desk, talk, "Carla", mine)
    assert answer.status_code == 201, answer.text
    (agent,) = (each for each in talk.participants.list() if each.identity == "Carla")
    service = desk.client.conversations.v1.services(talk.fetch().chat_service_sid)
    assert service.roles(agent.role_sid).fetch().friendly_name == "agent"
    assert join(desk, talk, "Carla", mine).status_code == 409


def test_nobody_joins_a_conversation_whose_task_they_do_not_hold(desk: Desk, carla: str, talk: Any) -> None:
    task_of(desk, talk)
    assert join(desk, talk, "Carla", token(desk, carla, "Carla")).status_code == 403
    assert join(desk, talk, "Carla", token(desk, carla, "Bob")).status_code == 403
    assert join(desk, talk, "sam", token(desk, carla, "sam", "supervisor"), "supervisor").status_code == 201


def test_completing_without_an_interaction_leaves_the_conversation_alone(desk: Desk, carla: str, talk: Any) -> None:
    task_of(desk, talk)
    (offer,) = desk.centre.offers(carla)
    for status in ("accepted", "wrapping", "completed"):
        desk.answer(offer, status)
    assert (talk.fetch().state, names(talk)) == ("active", {"a customer"})


@requirement("S23")
def test_a_task_channel_of_ones_own_reaches_the_agent(desk: Desk, carla: str, talk: Any) -> None:
    desk.centre.api.task_channels.create(friendly_name="Custom", unique_name="custom1")
    desk.centre.api.workers(carla).worker_channels("custom1").update(capacity=2, available=True)
    task_of(desk, talk, task_channel="custom1")
    (offer,) = desk.centre.offers(carla)
    task = desk.centre.api.tasks(offer.task_sid).fetch()
    assert task.task_channel_unique_name == "custom1"


@requirement("S17")
def test_the_known_agent_is_asked_by_the_workflow(desk: Desk, carla: str, talk: Any) -> None:
    bob = desk.worker("Bob")
    configuration = {
        "task_routing": {
            "filters": [
                {
                    "filter_friendly_name": "known",
                    "expression": "known != null",
                    "targets": [
                        {"queue": desk.queue, "known_worker_friendly_name": "task.known", "timeout": 30},
                        {"queue": desk.queue},
                    ],
                }
            ],
            "default_filter": {"queue": desk.queue},
        }
    }
    workflow = desk.centre.api.workflows.create(friendly_name="Known", configuration=json.dumps(configuration))
    desk.centre.task(str(workflow.sid), {"known": "Bob", "conversationSid": talk.fetch().sid})
    desk.settle()
    assert (len(desk.centre.offers(bob)), len(desk.centre.offers(carla))) == (1, 0)


@pytest.mark.parametrize(
    ("url", "params"),
    [
        ("v1/Interactions/{kd}/Channels/{uo}", {"status": "inactive", "routing": {"status": "closed"}}),
        ("v1/Interactions/{kd}/Channels/{uo}", {"status": "pause", "routing": {"status": "closed"}}),
        ("v1/Instances/{go}/Interactions/{kd}/Channels/{uo}/Transfers", {"type": "cold"}),
    ],
)
@requirement("S14")
def test_what_needs_an_interaction_is_refused_with_a_sentence(
    desk: Desk, carla: str, talk: Any, url: str, params: dict[str, Any]
) -> None:
    task = task_of(desk, talk)
    (offer,) = desk.centre.offers(carla)
    desk.answer(offer, "accepted")
    # The desktop makes an interaction's SID of the task's digits where the attributes have none.
    digits = task.sid[2:]
    path = url.format(kd=f"KD{digits}", uo=f"UO{digits}", go=f"GO{digits}")
    with pytest.raises(requests.HTTPError) as refused:
        desk.desktop(carla, "POST", path, **params)
    answer = answer_of(refused)
    assert answer.status_code == 404
    assert f"UO{digits}" in answer.text
    assert talk.fetch().state == "active"
