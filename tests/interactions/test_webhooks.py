"""Programs hear of interactions: all of them, or those made with their webhook (flex.md §1.7)."""

from typing import Any

import requests

from tests.interactions.conftest import Desk
from tests.webhooks.receiver import Receiver

ALL = (
    "onInteractionCreated",
    "onChannelCreated",
    "onChannelStatusUpdated",
    "onParticipantJoined",
    "onParticipantLeft",
)


def hook(desk: Desk, url: str, events: tuple[str, ...] = ALL, **form: str) -> dict[str, Any]:
    """Make a webhook, which no official package can."""
    instance = desk.client.flex_api.v1.configuration().fetch().flex_instance_sid
    known = desk.centre.server.credentials
    answer = requests.post(
        f"{desk.centre.server.url}/flex-api/v1/Instances/{instance}/InteractionWebhooks",
        data={"WebhookUrl": url, "WebhookEvents": events, **form},
        auth=(known.account_sid, known.auth_token),
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_global_webhook_hears_of_an_interactions_whole_life(desk: Desk, receiver: Receiver) -> None:
    made = hook(desk, f"{receiver.url}/flex")
    assert made["ttid"].startswith("flex_interactionwebhook_01")
    carla = desk.worker("Carla")
    work = desk.engage()
    reservation = work.accepted_by(carla)
    work.api.update(status="closed", routing={"status": "closed"})
    desk.settle()
    mine = [heard for heard in receiver.answered if heard.parameters["InteractionSid"] == work.interaction]
    assert [heard.event for heard in mine] == [
        "onInteractionCreated",
        "onChannelCreated",
        "onParticipantJoined",
        "onParticipantLeft",
        "onChannelStatusUpdated",
    ]
    assert all(heard.signed_by(desk.centre.server.credentials.auth_token) for heard in mine)
    created, _, joined, _, closed = (heard.parameters for heard in mine)
    assert (created["MediaChannelSid"], created["MediaChannelType"]) == (work.conversation, "web")
    assert (joined["ParticipantType"], joined["TaskSid"]) == ("agent", reservation.task_sid)
    assert (closed["ChannelSid"], closed["ChannelStatus"]) == (work.channel, "closed")


def test_a_webhook_of_type_interaction_hears_of_those_made_with_it(desk: Desk, receiver: Receiver) -> None:
    made = hook(desk, f"{receiver.url}/flex", ("onParticipantJoined",), Type="interaction", WebhookMethod="GET")
    carla = desk.worker("Carla")
    unheard, heard = desk.engage(), desk.engage()
    desk.client.flex_api.v1.interaction(heard.interaction).update(webhook_ttid=made["ttid"])
    unheard.accepted_by(carla)
    heard.accepted_by(carla)
    told = receiver.one("onParticipantJoined")
    assert (told.method, told.parameters["InteractionSid"]) == ("GET", heard.interaction)
    assert len(receiver.book) == 1
