"""The Flex configuration as its owner changes it, and the limits of attachments that follow from it (flex.md §3)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.requirements import requirement

PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 500
MB = 1024 * 1024
TYPES = ["web", "sms", "whatsapp", "email", "messenger", "gbm"]


def refused(call: Callable[[], Any]) -> tuple[int, int, str]:
    with pytest.raises(TwilioRestException) as refusal:
        call()
    return refusal.value.status, refusal.value.code, refusal.value.msg


class Body(dict[str, Any]):
    """A body as the official Python package takes it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON."""
        return dict(self)


class Owner:
    """The owner of an account, who changes its configuration."""

    def __init__(self, server: LiveServer) -> None:
        self.client: Client = server.client()
        self.auth = (server.credentials.account_sid, server.credentials.auth_token)
        self.url = f"{server.url}/_tw/flex-api.twilio.com/v1/Configuration/"
        self.media = f"{server.url}/mcs/v1/Services/{self.shown()['chat_service_instance_sid']}/Media"

    def shown(self) -> dict[str, Any]:
        """Return the configuration."""
        found: dict[str, Any] = requests.get(self.url, auth=self.auth, timeout=30).json()
        return found

    def post(self, **values: Any) -> requests.Response:
        """Change it, as curl does."""
        body = {"account_sid": self.auth[0], **values}
        return requests.post(self.url, json=body, auth=self.auth, timeout=30)

    def limit(self, kind: str, **attachments: Any) -> None:
        """Change the limits of one address type."""
        answer = self.post(channel_configs=[{"address_type": kind, "cbm_attachments": attachments}])
        assert answer.status_code == 200, answer.text

    def upload(self, data: bytes, filename: str, content_type: str = "image/png") -> str:
        """Upload a file."""
        query, headers = {"Filename": filename}, {"Content-Type": content_type}
        answer = requests.post(self.media, params=query, data=data, auth=self.auth, headers=headers, timeout=30)
        return str(answer.json()["sid"])


@pytest.fixture
def owner(server: LiveServer) -> Owner:
    return Owner(server)


@requirement("S24", "S26", "S27", "S28", "S29")
def test_a_new_account_has_the_published_limits_of_every_address_type(server: LiveServer) -> None:
    shown = {each["address_type"]: each["cbm_attachments"] for each in Owner(server).shown()["channel_configs"]}
    assert list(shown) == TYPES
    assert all(each["enabled"] for each in shown.values())
    assert [each["number_of_attachments"] for each in shown.values()] == [1, 1, 1, 10, 1, 1]
    assert [each["max_file_size"] for each in shown.values()] == [
        16 * MB, 2 * MB, 16 * MB, 150 * MB, 25 * MB, 5 * MB,
    ]  # fmt: skip
    assert shown["sms"]["max_total_file_size"] == 5 * MB
    assert shown["whatsapp"]["accepted_extensions"] == ["jpg", "jpeg", "png", "amr", "mp3", "mp4", "pdf", "heic", "oga"]


@requirement("S25", "S31")
def test_only_the_keys_that_are_named_change_and_each_is_replaced_whole(owner: Owner) -> None:
    before = owner.shown()
    owner.post(ui_attributes={"a": {"b": 1}, "c": 2}, ui_version="~2.7.0", crm_enabled=True)
    shown = owner.post(ui_attributes={"d": 3}).json()
    assert shown["ui_attributes"] == {"version_compatibility": "yes", "d": 3}
    assert (shown["ui_version"], shown["crm_enabled"]) == ("~2.7.0", True)
    unchanged = before.keys() - {"ui_attributes", "ui_version", "crm_enabled", "date_updated"}
    assert {name: shown[name] for name in unchanged} == {name: before[name] for name in unchanged}
    shown = owner.post(ui_version=None, crm_enabled=None).json()
    assert (shown["ui_version"], shown["crm_enabled"]) == (before["ui_version"], before["crm_enabled"])


def test_the_official_client_changes_it(owner: Owner) -> None:
    changed = owner.client.flex_api.v1.configuration().update(
        Body(account_sid=owner.auth[0], public_attributes={"greeting": "hello"})
    )
    assert changed.public_attributes == {"greeting": "hello"}
    public = requests.get(f"{owner.url}Public?AccountSid={owner.auth[0]}", timeout=30).json()
    assert public["configurations"][0]["public_attributes"] == {"greeting": "hello"}


@pytest.mark.parametrize(
    ("body", "status", "code", "names"),
    [
        ({"account_sid": None}, 400, 20001, "account_sid"),
        ({"account_sid": "AC" + "0" * 32}, 403, 20403, "account_sid"),
        ({"ui_attributes": []}, 400, 45004, "ui_attributes"),
        ({"crm_enabled": "yes"}, 400, 45004, "crm_enabled"),
        ({"ui_version": 2}, 400, 45004, "ui_version"),
        ({"taskrouter_workspace_sid": "WS" + "0" * 32}, 400, 45004, "taskrouter_workspace_sid"),
        ({"taskrouter_taskqueues": [{"sid": "WQ" + "0" * 32, "targettable": True}]}, 400, 45004, "taskqueues"),
        ({"taskrouter_skills": [{"multivalue": True}]}, 400, 45004, "taskrouter_skills"),
        ({"taskrouter_worker_channels": {"agent": [{"name": "smoke", "capacity": 1}]}}, 400, 45004, "smoke"),
        ({"taskrouter_worker_channels": {"agent": [{"name": "sms", "capacity": -1}]}}, 400, 45004, "capacity"),
        ({"taskrouter_worker_attributes": {"agent": 1}}, 400, 45004, "taskrouter_worker_attributes"),
        ({"agent_conv_end_methods": {"enabled": ["Fly"]}}, 400, 45004, "agent_conv_end_methods"),
        ({"serverless_service_sids": ["XX"]}, 400, 45004, "serverless_service_sids"),
        ({"channel_configs": [{"address_type": "sms"}]}, 400, 45004, "cbm_attachments"),
        ({"channel_configs": [{"address_type": "pigeon", "cbm_attachments": {}}]}, 400, 45004, "pigeon"),
        ({"channel_configs": [{"address_type": "sms", "cbm_attachments": {}}] * 2}, 400, 45004, "twice"),
        (
            {"channel_configs": [{"address_type": "sms", "cbm_attachments": {"max_file_size": "2MB"}}]},
            400, 45004, "max_file_size",
        ),
        (
            {"channel_configs": [{"address_type": "sms", "cbm_attachments": {"accepted_extensions": "jpg"}}]},
            400, 45004, "accepted_extensions",
        ),
    ],
)  # fmt: skip
@requirement("S32")
def test_a_bad_value_is_refused_by_name_and_changes_nothing(
    owner: Owner, body: dict[str, Any], status: int, code: int, names: str
) -> None:
    before = owner.shown()
    answer = owner.post(ui_language="xx", **body) if "account_sid" not in body else _as_is(owner, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert names in answer.json()["message"]
    assert owner.shown() == before


def _as_is(owner: Owner, body: dict[str, Any]) -> requests.Response:
    return requests.post(owner.url, json={**body, "ui_language": "xx"}, auth=owner.auth, timeout=30)


def under_flex(owner: Owner, kind: str) -> Any:
    """Return a conversation that is an interaction of a channel type."""
    client = owner.client
    made = client.flex_api.v1.interaction.create(
        channel={"type": kind, "initiated_by": "api", "participants": [{"identity": f"visitor-{kind}"}]},
        routing={"properties": {}},
    )
    attributes = made.routing["properties"]["attributes"]
    sid = attributes.split('"conversationSid":"')[1][:34]
    return client.conversations.v1.conversations(sid)


def test_an_attachment_within_the_limits_is_sent(owner: Owner) -> None:
    owner.limit("web", max_file_size=600)
    conversation = under_flex(owner, "web")
    assert conversation.messages.create(media_sid=owner.upload(PNG, "a.PNG")).media[0]["size"] == len(PNG)
    assert conversation.messages.create(media_sid=owner.upload(PNG, "")).media[0]["filename"] in ("", None)


@pytest.mark.parametrize(
    ("limits", "count", "filename", "code", "reason"),
    [
        ({"enabled": False}, 1, "a.png", 50511, "disabled for web"),
        ({"number_of_attachments": 1}, 2, "a.png", 20001, "allows 1 attachments"),
        ({"accepted_extensions": [".JPG", "pdf"]}, 1, "a.png", 50511, "web: jpg, pdf"),
        ({"max_file_size": 100}, 1, "a.png", 50512, "larger than 100 bytes"),
        ({"number_of_attachments": 3, "max_total_file_size": 1200}, 3, "a.png", 50512, "1200 bytes in all"),
    ],
)
@requirement("S30")
def test_an_attachment_over_a_limit_is_refused_with_the_reason(
    owner: Owner, limits: dict[str, Any], count: int, filename: str, code: int, reason: str
) -> None:
    conversation = under_flex(owner, "web")
    owner.limit("web", **limits)
    files = [owner.upload(PNG, filename) for _ in range(count)]
    status, told, message = refused(lambda: _send(owner, conversation.fetch().sid, files))
    assert (status, told) == (400, code)
    assert reason in message
    assert conversation.messages.list() == []


def _send(owner: Owner, conversation_sid: str, files: list[str]) -> None:
    """Send a message with several files, which the official package cannot."""
    path = f"https://conversations.twilio.com/v1/Conversations/{conversation_sid}/Messages"
    answer = owner.client.request("POST", path, data={"MediaSid": files})
    if answer.status_code != 201:
        body = json.loads(answer.text)
        raise TwilioRestException(answer.status_code, path, body["message"], body["code"])


def test_a_conversation_outside_flex_has_no_such_limits(owner: Owner) -> None:
    owner.limit("web", enabled=False)
    made = owner.client.conversations.v1.conversations.create()
    sent = owner.client.conversations.v1.conversations(made.sid).messages.create(media_sid=owner.upload(PNG, "a.bin"))
    assert sent.media[0]["filename"] == "a.bin"


def test_a_user_uploads_no_more_than_the_widest_limit_and_nothing_while_all_are_off(
    owner: Owner, server: LiveServer
) -> None:
    service_sid = owner.media.split("/")[-2]
    key = owner.client.new_keys.create(friendly_name="chat")
    token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity="visitor")
    token.add_grant(ChatGrant(service_sid=service_sid))

    def upload() -> requests.Response:
        headers = {"Content-Type": "image/png", "X-Twilio-Token": token.to_jwt()}
        return requests.post(owner.media, params={"Category": "media"}, data=PNG, headers=headers, timeout=30)

    owner.limit("web", max_file_size=600)
    assert upload().status_code == 201
    owner.limit("web", max_file_size=100)
    assert (upload().status_code, upload().json()["code"]) == (413, 50512)
    owner.limit("web", enabled=False)
    assert (upload().status_code, upload().json()["code"]) == (400, 50511)
