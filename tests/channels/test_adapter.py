"""A channel that somebody else wrote: one module, named in the settings, and nothing else is changed (DESIGN 1)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from tests.carrier import eventually
from tests.conftest import LiveServer, running_server
from tests.messaging.pages import Site, running_site
from tests.requirements import requirement

HOME, TOWER = "pigeon:home", "pigeon:tower"
RING = "a ring on the leg"


@pytest.fixture(scope="module")
def loft() -> Iterator[Site]:
    """The other loft: it takes every pigeon."""
    with running_site() as site:
        site.says("/out", "{}", kind="application/json")
        yield site


@pytest.fixture(scope="module")
def server(loft: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose settings name the adapter's module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARLOUR_CHANNELS", "tests.channels.pigeon")
        patch.setenv("PIGEON_LOFT", f"{loft.url}/out")
        patch.setenv("PIGEON_RING", RING)
        patch.setenv("PARLOUR_RECORD", "")  # no published answer knows of pigeons
        with running_server(tmp_path_factory.mktemp("pigeon"), "start", "--ephemeral") as live:
            yield live


@pytest.fixture(scope="module")
def address(server: LiveServer) -> Any:
    """Our loft as an address: what comes there goes to the flow that sends to agents at once."""
    client = server.client()
    (demo,) = [each for each in client.conversations.v1.address_configurations.list() if each.address == "+12025550101"]
    return client.conversations.v1.address_configurations.create(
        type="pigeon",
        address=HOME,
        auto_creation_enabled=True,
        auto_creation_type="studio",
        auto_creation_studio_flow_sid=demo.auto_creation["studio_flow_sid"],
    )


def fly(server: LiveServer, post_id: str, body: str, sender: str = TOWER) -> int:
    post = {"id": post_id, "from": sender, "to": HOME, "body": body}
    url = f"{server.url}/pigeon/{server.credentials.account_sid}"
    return requests.post(url, json=post, headers={"X-Ring": RING}, timeout=30).status_code


def told(loft: Site, text: str) -> Any:
    """Wait until a text arrived at the other loft."""

    def look() -> Any:
        return next((post for post in (json.loads(heard.body) for heard in loft.book) if post["body"] == text), None)

    return eventually(look, what=text)


@requirement("S4")
def test_a_customer_of_a_new_channel_reaches_an_agent_and_is_answered(
    server: LiveServer, loft: Site, address: Any
) -> None:
    client = server.client()
    assert (address.type, address.address) == ("pigeon", HOME)
    workspace = client.taskrouter.v1.workspaces(client.taskrouter.v1.workspaces.list()[0].sid)
    (available,) = workspace.activities.list(friendly_name="Available")
    agent = workspace.workers.create(
        friendly_name="fay", attributes='{"contact_uri": "client:fay", "roles": ["agent"]}'
    )
    workspace.workers(agent.sid).update(activity_sid=available.sid)

    for _ in range(2):  # the loft repeats what it is not sure of
        assert fly(server, "post-1", "Coo") == 204
    (offer,) = eventually(workspace.workers(agent.sid).reservations.list, what="an offer to the agent")
    task = json.loads(workspace.tasks(offer.task_sid).fetch().attributes)
    assert (task["channelType"], task["customerAddress"]) == ("pigeon", TOWER)
    interaction = client.flex_api.v1.interaction(task["flexInteractionSid"])
    assert interaction.channels(task["flexInteractionChannelSid"]).fetch().type == "pigeon"
    workspace.workers(agent.sid).reservations(offer.sid).update(reservation_status="accepted")

    talk = client.conversations.v1.conversations(task["conversationSid"])
    customer, clerk = talk.participants.list()
    assert (customer.messaging_binding["type"], customer.messaging_binding["proxy_address"]) == ("pigeon", HOME)
    assert clerk.identity == "fay"
    assert [each.body for each in talk.messages.list() if each.author == TOWER] == ["Coo"]
    said = talk.messages.create(author="fay", body="Coo yourself")
    assert told(loft, "Coo yourself")["to"] == TOWER
    eventually(
        lambda: [each.status for each in talk.messages(said.sid).delivery_receipts.list()] == ["sent"], what="a receipt"
    )
    assert client.messages.list(from_=TOWER)[0].body == "Coo"

    interaction.channels(task["flexInteractionChannelSid"]).update(status="closed", routing={"status": "closed"})
    eventually(lambda: talk.fetch().state == "closed", what="the end of the conversation")
    assert fly(server, "post-2", "One more thing") == 204
    rows = eventually(
        lambda: [row for row in states(client) if row[0] != talk.fetch().sid and row[1] == "active"],
        what="a conversation of its own for who writes after the end",
    )
    assert len(rows) == 1


def states(client: Any) -> list[tuple[str, str]]:
    rows = client.conversations.v1.participant_conversations.list(address=TOWER)
    return [(row.conversation_sid, row.conversation_state) for row in rows]


def test_an_interaction_begins_on_the_new_channel(server: LiveServer, loft: Site) -> None:
    client = server.client()
    workspace = client.taskrouter.v1.workspaces.list()[0]
    talk = client.conversations.v1.conversations
    made = client.flex_api.v1.interaction.create(
        channel={
            "type": "pigeon",
            "initiated_by": "api",
            "participants": [{"address": "pigeon:barn", "proxy_address": HOME}],
        },
        routing={"properties": {"workspace_sid": workspace.sid, "task_channel_unique_name": "chat"}},
    )
    attributes = json.loads(made.routing["properties"]["attributes"])
    assert (made.channel["type"], attributes["channelType"]) == ("pigeon", "pigeon")
    talk(attributes["conversationSid"]).messages.create(author="system", body="We were looking for you")
    assert told(loft, "We were looking for you")["to"] == "pigeon:barn"


def test_addresses_of_the_new_channel_are_checked_like_others(server: LiveServer) -> None:
    talk = server.client().conversations.v1.conversations.create()
    add = server.client().conversations.v1.conversations(talk.sid).participants.create
    for pair, code in (
        (("pigeon:NO LOFT", HOME), 50407),
        (("pigeon:barn", "pigeon:7"), 50408),
        (("pigeon:barn", "pigeon:elsewhere"), 50413),
        (("pigeon:barn", "+12025550100"), 50414),
    ):
        with pytest.raises(TwilioRestException) as refused:
            add(messaging_binding_address=pair[0], messaging_binding_proxy_address=pair[1])
        assert refused.value.code == code, pair


def test_files_of_the_new_channel_have_limits_in_the_configuration(server: LiveServer) -> None:
    known = server.credentials
    limits: dict[str, Any] = {"address_type": "pigeon", "cbm_attachments": {"enabled": False}}
    answer = requests.post(
        f"{server.url}/flex-api/v1/Configuration",
        json={"account_sid": known.account_sid, "channel_configs": [limits]},
        auth=(known.account_sid, known.auth_token),
        timeout=30,
    )
    assert answer.status_code in (200, 201), answer.text
    (shown,) = answer.json()["channel_configs"]
    assert (shown["address_type"], shown["cbm_attachments"]["enabled"]) == ("pigeon", False)


@pytest.mark.parametrize(
    ("name", "words"), [("tests.channels.nowhere", "No module named"), ("tests.requirements", "no function package")]
)
def test_a_module_that_is_no_adapter_is_refused_in_a_sentence(name: str, words: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "parlour.cli.main", "start", "--data", str(tmp_path / "data"), "--port", "0"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARLOUR_CHANNELS", name)
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr
