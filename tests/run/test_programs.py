"""Programs written for the vendor's service run here, started by `parlour run`, no line of them changed."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from tests.conftest import LiveServer
from tests.run.programs import account, clean_environment, node, parlour_run, run

PYTHON_PROGRAM = """
from twilio.rest import Client

client = Client()
conversation = client.conversations.v1.conversations.create(friendly_name="From my own program")
for body in ("one", "two", "three"):
    conversation.messages.create(author="alice", body=body)
print(conversation.url, *(message.body for message in conversation.messages.list(page_size=2)))
"""

ASYNC_PROGRAM = """
import asyncio, os
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

async def main():
    async with AsyncTwilioHttpClient() as http:
        client = Client(os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"], http_client=http)
        made = await client.conversations.v1.conversations.create_async(friendly_name="From my own program")
        print(made.url)

asyncio.run(main())
"""


def test_the_python_package_talks_and_pages(server: LiveServer, tmp_path: Path) -> None:
    ran = run(server, tmp_path, sys.executable, "-c", PYTHON_PROGRAM)
    assert ran.returncode == 0, ran.stderr
    url, *bodies = ran.stdout.split()
    assert url.startswith("https://conversations.twilio.com/v1/Conversations/CH")
    assert bodies == ["one", "two", "three"]


def test_the_python_package_talks_without_waiting(server: LiveServer, tmp_path: Path) -> None:
    ran = run(server, tmp_path, sys.executable, "-c", ASYNC_PROGRAM)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("https://conversations.twilio.com/v1/Conversations/CH")


def test_a_sitecustomize_of_the_program_runs_all_the_same(server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('mine')\n")
    own = {"PYTHONPATH": str(tmp_path)}
    ran = run(server, tmp_path, sys.executable, "-c", "print('program')", environment=own)
    assert ran.stdout.split() == ["mine", "mine", "program"], ran.stderr  # `parlour run` is a program of Python too


@pytest.mark.parametrize("version", ["twilio-4", "twilio-5", "twilio-6"])
def test_the_node_package_talks_and_pages(server: LiveServer, tmp_path: Path, version: str) -> None:
    folder, program = node("talk.js", version)
    ran = run(server, tmp_path, *program, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["bodies"] == ["one", "two", "three"]
    assert said["url"] == f"https://conversations.twilio.com/v1/Conversations/{said['sid']}"


def test_a_node_program_that_knows_no_proxy_comes_here_all_the_same(server: LiveServer, tmp_path: Path) -> None:
    folder, program = node("talk.js", "twilio-6")
    no_proxy = ("env", "-u", "HTTP_PROXY", "-u", "HTTPS_PROXY", "-u", "http_proxy", "-u", "https_proxy")
    ran = run(server, tmp_path, *no_proxy, *program, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["bodies"] == ["one", "two", "three"]


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_fetch_of_node_comes_here(server: LiveServer, tmp_path: Path, scheme: str) -> None:
    program = f"fetch('{scheme}://conversations.twilio.com/v1/Nothing').then(async (a) => console.log(await a.text()))"
    ran = run(server, tmp_path, "node", "-e", program)
    assert json.loads(ran.stdout)["code"] == 20404, ran.stderr


def test_curl_makes_a_conversation_over_one_connection(server: LiveServer, tmp_path: Path) -> None:
    url = "https://conversations.twilio.com/v1/Conversations"
    user = f"{server.credentials.account_sid}:{server.credentials.auth_token}"
    told = "\n%{http_code} %{http_version} %{num_connects}\n"
    ran = run(server, tmp_path, "curl", "-sS", "-w", told, "-u", user, "-d", "FriendlyName=one", url, url)
    first, first_status, second, second_status = ran.stdout.splitlines()
    assert json.loads(first)["sid"] != json.loads(second)["sid"]
    assert (first_status, second_status) == ("201 1.1 1", "201 1.1 0"), ran.stderr


def test_a_picture_goes_in_in_pieces_and_comes_out_as_it_was(server: LiveServer, tmp_path: Path) -> None:
    service = server.client().conversations.v1.configuration().fetch().default_chat_service_sid
    picture = tmp_path / "picture.png"
    head = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
    picture.write_bytes(head + secrets.token_bytes(3_000_000))
    user = f"{server.credentials.account_sid}:{server.credentials.auth_token}"
    media = f"https://mcs.us1.twilio.com/v1/Services/{service}/Media"
    chunked = ("-H", "Transfer-Encoding: chunked", "-H", "Content-Type: image/png", "--data-binary", f"@{picture}")
    ran = run(server, tmp_path, "curl", "-sS", "-u", user, *chunked, media)
    made = json.loads(ran.stdout)
    assert made["size"] == picture.stat().st_size, ran.stderr
    back = tmp_path / "back.png"
    link = json.loads(run(server, tmp_path, "curl", "-sS", "-u", user, f"{media}/{made['sid']}").stdout)
    ran = run(server, tmp_path, "curl", "-sS", "-o", str(back), link["links"]["content_direct_temporary"])
    assert back.read_bytes() == picture.read_bytes(), ran.stderr


def test_the_conversations_client_needs_nothing_but_its_token(server: LiveServer, tmp_path: Path) -> None:
    client = server.client()
    service = client.conversations.v1.configuration().fetch().default_chat_service_sid
    key = client.api.v2010.account.new_keys.create(friendly_name="tokens")
    token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity="ana", ttl=600)
    token.add_grant(ChatGrant(service_sid=service))
    conversation = client.conversations.v1.conversations.create(friendly_name="Room")
    conversation.participants.create(identity="ana")
    folder, program = node("listen.js", token.to_jwt())
    with subprocess.Popen(
        [*parlour_run(server.url, tmp_path), *program],
        cwd=folder,
        env=clean_environment(**account(server)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout is not None
        try:
            assert json.loads(started.stdout.readline() or "null") == {"ready": "ana"}
            conversation.messages.create(author="system", body="hello")
            assert json.loads(started.stdout.readline() or "null")["heard"] == "hello"
            assert started.wait(30) == 0
        finally:
            started.terminate()  # which reaches the program
    assert [message.body for message in conversation.messages.list()] == ["hello", "heard hello"]
