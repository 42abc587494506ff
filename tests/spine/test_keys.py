"""API keys: made, named, refused what only owners may, and deleted for good (conversations.md §1.8)."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant
from twilio.rest import Client

from parlour.accounts.service import Credentials
from parlour.sdk import client as sdk_client
from tests.conftest import LiveServer, running_server


def with_key(server: LiveServer, key_sid: str, secret: str) -> Client:
    return sdk_client(server.url, server.credentials.account_sid, secret, api_key=key_sid, timeout=30)


def refusal(call: Callable[[], object]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        call()
    return refused.value.status, refused.value.code


def test_a_secret_is_shown_once(server: LiveServer) -> None:
    client = server.client()
    for made in (client.new_keys.create(), client.new_signing_keys.create()):
        assert len(made.secret) == 32
        assert made.friendly_name == ""
        for shown in (client.keys(made.sid).fetch(), client.signing_keys(made.sid).fetch()):
            assert "secret" not in vars(shown)
            assert shown.sid == made.sid


def test_a_key_is_listed_and_named_under_every_name(server: LiveServer) -> None:
    client, account = server.client(), server.credentials.account_sid
    made = client.iam.v1.new_api_key.create(account_sid=account, friendly_name="first")
    assert client.keys(made.sid).update(friendly_name="second").friendly_name == "second"
    assert client.signing_keys(made.sid).update(friendly_name="third").friendly_name == "third"
    assert client.iam.v1.api_key(made.sid).update(friendly_name="fourth").friendly_name == "fourth"
    lists = (client.keys.list(), client.signing_keys.list(), client.iam.v1.get_api_keys.list(account_sid=account))
    for rows in lists:
        assert [row.friendly_name for row in rows if row.sid == made.sid] == ["fourth"]


def test_a_standard_key_may_use_the_api_but_not_manage_keys(server: LiveServer) -> None:
    key = server.client().new_keys.create(friendly_name="standard")
    client = with_key(server, key.sid, key.secret)
    assert client.conversations.v1.configuration().fetch().account_sid == server.credentials.account_sid
    for call in (client.new_keys.create, client.new_signing_keys.create, client.api.account.fetch):
        assert refusal(call) == (401, 20003)


def test_a_deleted_key_opens_nothing_from_then_on(server: LiveServer) -> None:
    key = server.client().new_keys.create(friendly_name="short lived")
    client = with_key(server, key.sid, key.secret)
    client.conversations.v1.configuration().fetch()  # from here on the pair is remembered
    token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity="ana")
    token.add_grant(ChatGrant(service_sid="IS" + "0" * 32))
    bearer = sdk_client(server.url, "token", token.to_jwt(), timeout=30)
    telemetry = "https://flex-sdk.twilio.com/v1/Telemetry/Events"
    body: dict[str, list[object]] = {"events": []}
    headers = {"Content-Type": "application/json"}
    assert bearer.request("POST", telemetry, data=body, headers=headers).status_code < 300
    assert server.client().keys(key.sid).delete()
    assert refusal(client.conversations.v1.configuration().fetch) == (401, 20003)
    refused = bearer.request("POST", telemetry, data=body, headers=headers)
    assert (refused.status_code, json.loads(refused.text)["code"]) == (401, 20103)


def test_a_restricted_key_is_refused_by_name(server: LiveServer) -> None:
    keys = server.client().iam.v1.new_api_key
    with pytest.raises(TwilioRestException, match="KeyType") as refused:
        keys.create(account_sid=server.credentials.account_sid, key_type="restricted")
    assert refused.value.status == 400


def test_a_main_key_that_the_operator_made_may_manage_keys(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_server(tmp_path, "start", "--demo", "--data", str(data)) as server:
        command = [sys.executable, "-m", "parlour.cli.main", "keys", "add", "console", "--main", "--json"]
        ran = subprocess.run([*command, "--data", str(data)], capture_output=True, text=True, timeout=60, check=True)
        made = json.loads(ran.stdout)
        client = with_key(server, made["sid"], made["secret"])
        assert made["kind"] == "main"
        assert client.api.account.fetch().auth_token == server.credentials.auth_token
        assert made["sid"] in [row.sid for row in client.keys.list()]
        other = Credentials(server.credentials.account_sid, "wrong" * 8)
        assert refusal(server.client(other).new_keys.create) == (401, 20003)
