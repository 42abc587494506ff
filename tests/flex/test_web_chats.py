"""Web chats as the published clients open them: through one's own server, or with a deployment key (flex.md §4)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from parlour.kit.rates import Rates
from tests.channels.street import parlour
from tests.conftest import LiveServer
from tests.webhooks.receiver import Receiver, running_receiver

FORM = '{"friendlyName":"Bo","email":"bo@example.com","query":"Where is my parcel?"}'
PAGE = "https://shop.example"
counter = iter(range(1000))
PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 50


def refused(call: Callable[[], Any]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refusal:
        call()
    return refusal.value.status, refusal.value.code


class Shop:
    """A shop with a web chat, at its own chat address."""

    def __init__(self, server: LiveServer, data: Path, receiver: Receiver | None = None, **settings: Any) -> None:
        self.client: Client = server.client()
        self.server = server
        self.data = data
        integration = {"auto_creation_type": "default"}
        if receiver is not None:
            integration = {"auto_creation_type": "webhook", "auto_creation_webhook_url": f"{receiver.url}/hook"}
            settings["auto_creation_webhook_filters"] = ["onMessageAdded"]
        self.address = str(
            self.client.conversations.v1.address_configurations.create(
                type="chat",
                address=f"shop-{next(counter)}",
                **{"auto_creation_enabled": True, **integration, **settings},
            ).sid
        )

    def key(self, *options: str) -> str:
        """Make a deployment key."""
        made = parlour("webchat", "keys", "create", self.address, *options, "--json", "--data", str(self.data))
        return str(json.loads(made)["sid"])

    def post(self, path: str, *, origin: str | None = PAGE, **form: str) -> requests.Response:
        """Post as a page in a browser does."""
        login = form.pop("login", "7")
        headers = {
            "x-twilio-sec-decoders": '{"audio":{},"video":{}}',
            "x-twilio-sec-usersettings": '{"language":"en-GB","cookieEnabled":true,"userTimezone":0}',
            "x-twilio-sec-webchatinfo": json.dumps({"loginTimestamp": login}),
            "ui-version": "2.0.0",
        }
        if origin is not None:
            headers["Origin"] = origin
        url = f"{self.server.url}/_tw/flex-api.twilio.com/v2/Webchat{path}"
        return requests.post(url, data=form, headers=headers, timeout=30)

    def init(self, key: str, **options: Any) -> requests.Response:
        """Open a chat."""
        return self.post("/Init", DeploymentKey=key, **options)

    def conversation(self, sid: str) -> Any:
        """Return a conversation's context."""
        return self.client.conversations.v1.conversations(sid)


@pytest.fixture
def shop(frozen: LiveServer, data: Path) -> Shop:
    return Shop(frozen, data)


def test_a_server_part_opens_a_chat_and_writes_the_visitors_question(frozen: LiveServer, data: Path) -> None:
    with running_receiver() as receiver:
        shop = Shop(frozen, data, receiver)
        made = shop.client.flex_api.v2.web_channels.create(
            address_sid=shop.address,
            chat_friendly_name="Webchat widget",
            customer_friendly_name="Bo",
            pre_engagement_data=FORM,
        )
        assert made.identity.startswith("FX")
        conversation = shop.conversation(made.conversation_sid)
        shown = conversation.fetch()
        assert (shown.friendly_name, shown.state) == ("Webchat widget", "active")
        assert json.loads(shown.attributes)["pre_engagement_data"] == json.loads(FORM)
        [visitor] = conversation.participants.list()
        roles = {role.sid: role.friendly_name for role in shop.client.conversations.v1.roles.list()}
        assert (visitor.identity, roles[visitor.role_sid]) == (made.identity, "guest")
        assert shop.client.conversations.v1.users(made.identity).fetch().friendly_name == "Bo"
        assert [hook.target for hook in conversation.webhooks.list()] == ["webhook"]
        conversation.messages.create(author=made.identity, body="Where is it?", x_twilio_webhook_enabled="true")
        assert receiver.one("onMessageAdded").parameters["Body"] == "Where is it?"


def test_a_visitor_who_comes_back_keeps_the_identity(shop: Shop) -> None:
    create = shop.client.flex_api.v2.web_channels.create
    first = create(address_sid=shop.address, customer_friendly_name="Bo", identity="bo-1")
    second = create(address_sid=shop.address, identity="bo-1")
    assert (first.identity, second.identity) == ("bo-1", "bo-1")
    assert first.conversation_sid != second.conversation_sid
    assert shop.client.conversations.v1.users("bo-1").fetch().friendly_name == "Bo"


def test_a_chat_that_cannot_be_opened_is_refused_with_the_contracts_code(shop: Shop, frozen: LiveServer) -> None:
    create = shop.client.flex_api.v2.web_channels.create
    addresses = shop.client.conversations.v1.address_configurations
    off = addresses.create(type="chat", address=f"off-{next(counter)}", auto_creation_enabled=False)
    text = addresses.create(type="sms", address=f"+1555700{next(counter):04}", auto_creation_enabled=True)
    before = len(shop.client.conversations.v1.conversations.list())
    assert refused(lambda: create(address_sid="IG" + "0" * 32)) == (400, 45765)
    assert refused(lambda: create(address_sid=off.sid)) == (400, 45761)
    assert refused(lambda: create(address_sid=text.sid)) == (400, 45762)
    assert refused(lambda: create(address_sid=shop.address, pre_engagement_data="{half")) == (400, 45733)
    large = json.dumps({"a": "x" * 16_384})
    assert refused(lambda: create(address_sid=shop.address, pre_engagement_data=large)) == (400, 45731)
    assert len(shop.client.conversations.v1.conversations.list()) == before


def test_a_page_opens_a_chat_with_its_key_and_its_token_works(shop: Shop) -> None:
    answer = shop.init(shop.key(), CustomerFriendlyName="Bo", PreEngagementData=FORM, Identity="bo-2")
    assert answer.status_code == 201
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    given = answer.json()
    assert given.keys() == {"token", "conversation_sid", "identity", "expiration"}
    assert given["identity"] == "bo-2"
    service_sid = shop.conversation(given["conversation_sid"]).fetch().chat_service_sid
    url = f"{shop.server.url}/mcs/v1/Services/{service_sid}/Media"
    headers = {"X-Twilio-Token": given["token"], "Content-Type": "image/png"}
    assert requests.post(url, data=PNG, headers=headers, timeout=30).status_code == 201


def test_a_token_is_refreshed_for_the_same_chat_in_the_same_browser_alone(shop: Shop) -> None:
    key = shop.key()
    given = shop.init(key).json()
    again = shop.post("/Tokens/Refresh", DeploymentKey=key, Token=given["token"])
    assert again.status_code == 200
    shown = again.json()
    assert {name: shown[name] for name in ("conversation_sid", "identity")} == {
        name: given[name] for name in ("conversation_sid", "identity")
    }
    assert shop.post("/Tokens/Refresh", DeploymentKey=key, token=shown["token"]).status_code == 200
    elsewhere = shop.post("/Tokens/Refresh", DeploymentKey=key, Token=given["token"], login="8")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, 45775)
    other_key = shop.post("/Tokens/Refresh", DeploymentKey=shop.key(), Token=given["token"])
    assert (other_key.status_code, other_key.json()["code"]) == (403, 45775)
    forged = shop.post("/Tokens/Refresh", DeploymentKey=key, Token=given["token"][:-3] + "abc")
    assert (forged.status_code, forged.json()["code"]) == (403, 45775)


def test_a_key_without_a_fingerprint_lets_another_browser_refresh(shop: Shop) -> None:
    key = shop.key("--no-fingerprint")
    token = shop.init(key).json()["token"]
    assert shop.post("/Tokens/Refresh", DeploymentKey=key, Token=token, login="8").status_code == 200


def test_only_the_pages_on_the_list_may_use_a_key(shop: Shop) -> None:
    key = shop.key("--origin", PAGE.upper() + "/", "--origin", "http://localhost:3000")
    answer = shop.init(key)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (201, PAGE)
    assert "Origin" in answer.headers["Vary"]
    for origin in ("https://evil.example", None):
        answer = shop.init(key, origin=origin)
        assert (answer.status_code, answer.json()["code"]) == (403, 45003)


def test_a_browser_asks_beforehand_and_may_send_its_headers(shop: Shop) -> None:
    url = f"{shop.server.url}/_tw/flex-api.twilio.com/v2/Webchat/Init"
    allowed = requests.options(url, headers={"Origin": PAGE}, timeout=30).headers["Access-Control-Allow-Headers"]
    wanted = {"x-twilio-sec-decoders", "x-twilio-sec-usersettings", "x-twilio-sec-webchatinfo", "webchat-version"}
    assert wanted <= {name.strip().lower() for name in allowed.split(",")}


def test_a_request_that_tells_nothing_of_its_browser_is_refused(shop: Shop) -> None:
    url = f"{shop.server.url}/_tw/flex-api.twilio.com/v2/Webchat/Init"
    answer = requests.post(url, data={"DeploymentKey": shop.key()}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (400, 45772)
    answer = shop.init("CV" + "0" * 32)
    assert (answer.status_code, answer.json()["code"]) == (404, 45778)


def test_keys_are_listed_and_deleted(shop: Shop) -> None:
    key = shop.key("--name", "Front page")
    listed = parlour("webchat", "keys", "list", "--data", str(shop.data))
    assert f"{key}  {shop.address}  Front page  every page" in listed
    parlour("webchat", "keys", "delete", key, "--data", str(shop.data))
    assert key not in parlour("webchat", "keys", "list", "--json", "--data", str(shop.data))
    assert shop.init(key).status_code == 404


def test_chats_at_one_address_are_limited_in_a_second(shop: Shop) -> None:
    create = shop.client.flex_api.v2.web_channels.create
    answers = []
    for _ in range(12):
        try:
            create(address_sid=shop.address)
            answers.append(201)
        except TwilioRestException as error:
            answers.append(error.status)
    assert answers[:5] == [201] * 5
    assert 429 in answers


def test_a_bucket_fills_again_with_time() -> None:
    now = [0.0]
    rates = Rates(2, clock=lambda: now[0])
    assert [rates.passes("a") for _ in range(3)] == [True, True, False]
    assert rates.passes("b")
    now[0] = 0.5
    assert [rates.passes("a") for _ in range(2)] == [True, False]
    now[0] = 60
    assert [rates.passes("a") for _ in range(3)] == [True, True, False]
