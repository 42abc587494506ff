"""The wire: authentication, errors, addressing, keys, through the official client."""

import base64
import json
import urllib.error
import urllib.request

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from parlour.accounts.service import Credentials
from tests.conftest import LiveServer


def test_an_account_reads_itself(twilio: Client, server: LiveServer) -> None:
    account = twilio.api.accounts(server.credentials.account_sid).fetch()
    assert account.sid == server.credentials.account_sid
    assert account.status == "active"


def test_a_wrong_token_is_refused_with_20003(server: LiveServer) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        server.client(Credentials(server.credentials.account_sid, "wrong")).api.accounts(
            server.credentials.account_sid
        ).fetch()
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_another_accounts_sid_in_the_path_is_not_found(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        twilio.api.accounts("AC" + "9" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_an_api_key_calls_until_it_is_deleted(twilio: Client, server: LiveServer) -> None:
    key = twilio.new_keys.create(friendly_name="laptop")
    with_key = server.client(Credentials(key.sid, key.secret))
    assert with_key.conversations.v1.configuration().fetch().account_sid == server.credentials.account_sid
    assert key.sid in [listed.sid for listed in twilio.keys.list()]
    assert twilio.keys(key.sid).delete()
    with pytest.raises(TwilioRestException) as refusal:
        with_key.conversations.v1.configuration().fetch()
    assert refusal.value.code == 20003


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/api/2010-04-01/Accounts/{sid}.json", None),
        ("/_tw/api.twilio.com/2010-04-01/Accounts/{sid}.json", None),
        ("/2010-04-01/Accounts/{sid}.json", "api.twilio.com"),
        ("/2010-04-01/Accounts/{sid}", "api.twilio.com"),
    ],
)
def test_a_product_is_named_by_shim_path_or_host(server: LiveServer, path: str, host: str | None) -> None:
    status, body = ask(server, path.format(sid=server.credentials.account_sid), host=host)
    assert status == 200
    assert body["sid"] == server.credentials.account_sid


def test_a_host_outside_the_product_domains_is_no_product(server: LiveServer) -> None:
    status, _ = ask(server, f"/2010-04-01/Accounts/{server.credentials.account_sid}.json", host="api.example.com")
    assert status == 404


def test_an_unknown_path_and_a_wrong_method_have_their_codes(server: LiveServer) -> None:
    assert ask(server, "/api/2010-04-01/Nothing.json")[1]["code"] == 20404
    status, body = ask(server, f"/api/2010-04-01/Accounts/{server.credentials.account_sid}.json", method="DELETE")
    assert (status, body["code"]) == (405, 20004)


def test_a_long_value_is_refused_by_name(twilio: Client) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        twilio.new_keys.create(friendly_name="x" * 65)
    assert refusal.value.code == 20001
    assert "FriendlyName" in refusal.value.msg


def ask(
    server: LiveServer, path: str, *, host: str | None = None, method: str = "GET"
) -> tuple[int, dict[str, object]]:
    pair = f"{server.credentials.account_sid}:{server.credentials.auth_token}"
    headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    if host is not None:
        headers["Host"] = host
    request = urllib.request.Request(server.url + path, headers=headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else {}


def test_a_browser_is_told_what_it_may_send_by_its_preflight_and_what_it_may_read_by_each_answer(
    server: LiveServer,
) -> None:
    url = f"{server.url}/conversations/v1/Configuration"
    preflight = requests.options(url, headers={"Origin": "https://page.example"}, timeout=20).headers
    assert "X-Twilio-Token" in preflight["Access-Control-Allow-Headers"]
    assert "DELETE" in preflight["Access-Control-Allow-Methods"]
    answer = requests.get(url, headers={"Origin": "https://page.example"}, timeout=20).headers
    for headers in (preflight, answer):
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert "Twilio-Request-Id" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Headers" not in answer
