"""Push credentials, devices and notification settings as their owner sees them (conversations.md §8.3, §9)."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant
from twilio.rest import Client

from tests.conftest import LiveServer
from tests.conversations.calls import raw, refusal


@pytest.fixture(scope="module")
def service_sid(server: LiveServer) -> str:
    """A service of its own."""
    return str(server.client().conversations.v1.services.create(friendly_name="Push").sid)


class Device:
    """A client with a token that names a push credential."""

    def __init__(self, server: LiveServer, service_sid: str, credential_sid: str | None, identity: str) -> None:
        key = server.client().new_keys.create(friendly_name="push")
        token = AccessToken(server.credentials.account_sid, key.sid, key.secret, identity=identity)
        token.add_grant(ChatGrant(service_sid=service_sid, push_credential_sid=credential_sid))
        self._server, self._token = server, token.to_jwt()

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call the registration service."""
        request = urllib.request.Request(  # noqa: S310
            f"{self._server.url}/ers/v1/registrations{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Twilio-Token": self._token},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def register(self, address: str, *types: str) -> tuple[int, Any]:
        """Register a device."""
        return self.call(
            "POST", "", {"channel_type": "fcm", "message_types": list(types), "data": {"registration_id": address}}
        )


def test_a_credential_is_shown_without_its_secrets(twilio: Client) -> None:
    status, body = raw(twilio, "POST", "/v1/Credentials", Type="FcM", FriendlyName="Phones", Secret="very-secret")
    assert status == 201
    assert body.keys() == {
        "sid", "account_sid", "friendly_name", "type", "sandbox", "date_created", "date_updated", "url"
    }  # fmt: skip
    assert (body["type"], body["sandbox"], body["friendly_name"]) == ("fcm", "False", "Phones")
    changed = twilio.conversations.v1.credentials(body["sid"]).update(type="apn", sandbox=True)
    assert (changed.type, changed.sandbox, changed.friendly_name) == ("apn", "True", "Phones")
    assert "very-secret" not in json.dumps(raw(twilio, "GET", f"/v1/Credentials/{body['sid']}"))
    assert refusal(twilio.conversations.v1.credentials(body["sid"]).update).code == 20161
    assert twilio.conversations.v1.credentials(body["sid"]).delete()
    assert refusal(twilio.conversations.v1.credentials(body["sid"]).fetch).status == 404


def test_a_device_registers_is_listed_and_goes(server: LiveServer, twilio: Client, service_sid: str) -> None:
    credential = twilio.conversations.v1.credentials.create(type="fcm", secret="s")
    alice = Device(server, service_sid, credential.sid, "alice")
    status, body = alice.register("phone-1", "twilio.conversations.new_message", "twilio.ipmsg.typing_indicator")
    assert status == 201
    bindings = twilio.conversations.v1.services(service_sid).bindings
    found = bindings(body["id"]).fetch()
    assert (found.identity, found.binding_type, found.credential_sid) == ("alice", "fcm", credential.sid)
    assert found.message_types == ["new_message"]
    assert [one.sid for one in bindings.list(identity=["alice"], binding_type=["fcm", "apn"])] == [body["id"]]
    assert bindings.list(identity=["nobody"]) == []
    assert bindings.list(binding_type=["apn"]) == []
    assert alice.call("DELETE", f"/{body['id']}")[0] == 204
    assert refusal(bindings(body["id"]).fetch).status == 404


def test_a_device_belongs_to_who_registered_it_last(server: LiveServer, twilio: Client, service_sid: str) -> None:
    credential = twilio.conversations.v1.credentials.create(type="fcm", secret="s")
    alice = Device(server, service_sid, credential.sid, "alice")
    bob = Device(server, service_sid, credential.sid, "bob")
    first = alice.register("shared-phone")[1]["id"]
    assert bob.register("shared-phone")[1]["id"] == first
    assert twilio.conversations.v1.services(service_sid).bindings(first).fetch().identity == "bob"
    assert alice.call("DELETE", f"/{first}")[0] == 404
    assert bob.call("DELETE", "", {"binding_type": "fcm", "address": "shared-phone"})[0] == 204


def test_a_device_needs_a_credential_of_its_type(server: LiveServer, twilio: Client, service_sid: str) -> None:
    other = twilio.conversations.v1.credentials.create(type="apn", certificate="c", private_key="k")
    for credential_sid in (None, other.sid):
        status, body = Device(server, service_sid, credential_sid, "alice").register("phone-2")
        assert status == 400
        assert "push_credential_sid" in body["message"]


def test_a_deleted_credential_takes_its_devices_with_it(server: LiveServer, twilio: Client, service_sid: str) -> None:
    credential = twilio.conversations.v1.credentials.create(type="fcm", secret="s")
    sid = Device(server, service_sid, credential.sid, "carol").register("phone-3")[1]["id"]
    credential.delete()
    assert refusal(twilio.conversations.v1.services(service_sid).bindings(sid).fetch).status == 404


def test_notifications_are_disabled_until_enabled_and_keep_what_is_not_given(twilio: Client) -> None:
    service = twilio.conversations.v1.services.create(friendly_name="Notifying")
    notifications = twilio.conversations.v1.services(service.sid).configuration.notifications()
    before = notifications.fetch()
    assert (before.log_enabled, before.new_message["enabled"]) == (False, False)
    assert (before.added_to_conversation["enabled"], before.removed_from_conversation["enabled"]) == (False, False)
    notifications.update(new_message_enabled=True, new_message_template="${MESSAGE}", new_message_sound="ring")
    notifications.update(new_message_with_media_enabled=True, log_enabled=True)
    after = notifications.fetch()
    assert after.log_enabled is True
    assert after.new_message == {
        "enabled": True,
        "template": "${MESSAGE}",
        "sound": "ring",
        "badge_count_enabled": False,
        "with_media": {"enabled": True, "template": ""},
    }
    assert refusal(notifications.update, new_message_template="x" * 2049).code == 50058
    assert refusal(notifications.update, added_to_conversation_sound="x" * 257).code == 50059
