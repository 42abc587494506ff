"""The server part of a published web chat app, started by `parlour run` (flex.md §4.3)."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from tests import npm
from tests.carrier import eventually
from tests.conftest import LiveServer, free_port
from tests.run.programs import CACHE, HERE, account, clean_environment, node, parlour_run

SHOP = "https://shop.example"
QUERY = "Where is my parcel?"


@dataclass
class ServerPart:
    """The running program."""

    url: str

    def post(self, path: str, body: dict[str, Any], origin: str = SHOP) -> requests.Response:
        return requests.post(self.url + path, json=body, headers={"Origin": origin}, timeout=30)


@pytest.fixture(scope="module")
def secrets(server: LiveServer) -> dict[str, str]:
    """What such a program finds in its environment: its credentials, and an address whose flow sends to agents."""
    client = server.client()
    texts = client.conversations.v1.address_configurations.list()
    (direct,) = [each for each in texts if each.address == "+12025550101"]
    address = client.conversations.v1.address_configurations.create(
        type="chat",
        address="published-web-chat",
        auto_creation_enabled=True,
        auto_creation_type="studio",
        auto_creation_studio_flow_sid=direct.auto_creation["studio_flow_sid"],
    )
    key = client.new_keys.create(friendly_name="web chat")
    known = server.credentials
    return {
        "ACCOUNT_SID": known.account_sid,
        "AUTH_TOKEN": known.auth_token,
        "API_KEY": str(key.sid),
        "API_SECRET": str(key.secret),
        "ADDRESS_SID": str(address.sid),
        "CONVERSATIONS_SERVICE_SID": str(client.conversations.v1.configuration().fetch().default_chat_service_sid),
        "ALLOWED_ORIGINS": f"{SHOP}, https://other.example",
    }


@pytest.fixture(scope="module")
def part(server: LiveServer, secrets: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerPart]:
    """The program with the packages of the published app, in their versions there."""
    port, found = free_port(), shutil.which("node")
    assert found is not None
    cwd = npm.installed(HERE / "web_chat", CACHE)
    command = [*parlour_run(server.url, tmp_path_factory.mktemp("part")), found, "server.js"]
    environment = clean_environment(**secrets, PORT=str(port))
    with subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"listening": port}
        yield ServerPart(f"http://127.0.0.1:{port}")
        process.terminate()


def test_a_visitor_gets_a_token_that_the_official_client_takes_and_agents_get_the_question(
    server: LiveServer, part: ServerPart, tmp_path: Path
) -> None:
    opened = part.post("/initWebchat", {"formData": {"friendlyName": "Bo", "email": "bo@example.com", "query": QUERY}})
    assert opened.status_code == 200, opened.text
    client = server.client()
    talk = client.conversations.v1.conversations(opened.json()["conversationSid"])
    asked = json.loads(talk.fetch().attributes)["pre_engagement_data"]
    assert asked == {"friendlyName": "Bo", "email": "bo@example.com", "query": QUERY}
    (visitor,) = talk.participants.list()
    assert client.conversations.v1.users(visitor.identity).fetch().friendly_name == "Bo"

    def said() -> list[tuple[str, str]]:
        known = {visitor.identity: "visitor"}
        return [(known.get(each.author, each.author), each.body) for each in talk.messages.list()]

    eventually(lambda: any(author == "Concierge" for author, _ in said()), what="the greeting")
    assert said()[0] == ("visitor", QUERY)
    workspace = client.taskrouter.v1.workspaces(client.taskrouter.v1.workspaces.list()[0].sid)
    sid = talk.fetch().sid
    (task,) = eventually(lambda: [t for t in workspace.tasks.list() if sid in t.attributes], what="a task for agents")
    shown = json.loads(task.attributes)
    assert (shown["channelType"], shown["customerAddress"]) == ("web", visitor.identity)

    cwd, program = node("listen.js", opened.json()["token"])
    with subprocess.Popen(
        [*parlour_run(server.url, tmp_path), *program],
        cwd=cwd,
        env=clean_environment(**account(server)),
        stdout=subprocess.PIPE,
        text=True,
    ) as browser:
        assert browser.stdout is not None
        try:
            assert json.loads(browser.stdout.readline() or "null") == {"ready": visitor.identity}
            talk.messages.create(author="ana", body="It is on its way")
            assert json.loads(browser.stdout.readline() or "null") == {"heard": "It is on its way"}
            assert browser.wait(30) == 0
        finally:
            browser.terminate()
    assert said()[-1] == ("visitor", "heard It is on its way")


def test_a_token_is_renewed_for_the_same_visitor_and_only_there(
    server: LiveServer, part: ServerPart, secrets: dict[str, str]
) -> None:
    first = part.post("/initWebchat", {"formData": {}}).json()
    renewed = part.post("/refreshToken", {"token": first["token"]})
    assert renewed.status_code == 200
    (visitor,) = server.client().conversations.v1.conversations(first["conversationSid"]).participants.list()
    signed = jwt.decode(renewed.json()["token"], secrets["API_SECRET"], algorithms=["HS256"])
    assert signed["grants"]["identity"] == visitor.identity
    assert part.post("/refreshToken", {"token": first["token"][:-3] + "abc"}).status_code == 403
    assert part.post("/initWebchat", {"formData": {}}, origin="https://elsewhere.example").status_code == 403


def test_why_no_chat_was_opened_reaches_the_program(server: LiveServer, part: ServerPart) -> None:
    refused = part.post("/initWebchat", {"formData": {"friendlyName": "Bo", "query": "x" * 20_000}})
    assert (refused.status_code, refused.text[:27]) == (500, "Couldn't initiate WebChat: ")
    assert "PreEngagementData" in refused.text
