"""Good calls of push credentials, devices and notification settings (conversations.md §8.3, §9)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from tests.contract.calls.basics import service
from tests.contract.good_calls import good
from tests.contract.inprocess import JSON, Request, basic
from tests.contract.world import World

CREDENTIALS = "/v1/Credentials"
BINDINGS = "/v1/Services/{ChatServiceSid}/Bindings"
NOTIFICATIONS = "/v1/Services/{ChatServiceSid}/Configuration/Notifications"
REGISTRATIONS = "/v1/registrations"
SECRETS = {
    "certificate": ("-----BEGIN CERTIFICATE-----1", "-----BEGIN CERTIFICATE-----2"),
    "private_key": ("-----BEGIN RSA PRIVATE KEY-----1", "-----BEGIN RSA PRIVATE KEY-----2"),
    "api_key": ("AIza1", "AIza2"),
    "secret": ("AAAA1", "AAAA2"),
}


def options(world: World) -> dict[str, Any]:
    """Return what may be set of a credential."""
    return {
        "friendly_name": world.unique("Push"),
        "sandbox": world.pick(True, False),
        **{name: world.pick(*values) for name, values in SECRETS.items()},
    }


def credential(world: World) -> Any:
    """Return the context of a new credential."""
    made = world.client.conversations.v1.credentials.create(type="fcm", secret="AAAA")
    return world.client.conversations.v1.credentials(made.sid)


@good("POST", "conversations", CREDENTIALS)
def create_credential(world: World) -> Callable[[], Any]:
    credentials = world.client.conversations.v1.credentials
    for kind in ("apn", "gcm"):
        credentials.create(type=kind, **options(world))
    return lambda: credentials.create(type="fcm", **options(world))


@good("GET", "conversations", CREDENTIALS)
def list_credentials(world: World) -> Callable[[], Any]:
    for _ in range(3):
        credential(world)
    return lambda: world.client.conversations.v1.credentials.list(limit=3, page_size=1)


@good("GET", "conversations", f"{CREDENTIALS}/{{Sid}}")
def fetch_credential(world: World) -> Callable[[], Any]:
    return credential(world).fetch  # type: ignore[no-any-return]


@good("POST", "conversations", f"{CREDENTIALS}/{{Sid}}")
def update_credential(world: World) -> Callable[[], Any]:
    known = credential(world)
    for kind in ("apn", "gcm"):
        known.update(type=kind, **options(world))
    return lambda: known.update(type="fcm", **options(world))


@good("DELETE", "conversations", f"{CREDENTIALS}/{{Sid}}")
def delete_credential(world: World) -> Callable[[], Any]:
    return credential(world).delete  # type: ignore[no-any-return]


def registering(world: World, method: str, path: str, body: Any = None, *, identity: str = "ana") -> Request:
    """Return a request of a user whose token names a push credential."""
    service_sid = service(world)
    credential_sid = world.keep("push credential", lambda: str(credential(world)._solution["sid"]))
    key = world.keep("push key", lambda: world.client.api.v2010.account.new_keys.create(friendly_name="push"))
    made = AccessToken(world.account_sid, key.sid, key.secret, identity=identity, ttl=24 * 3600)
    made.add_grant(ChatGrant(service_sid=service_sid, push_credential_sid=credential_sid))
    request = Request(method, "ers.twilio.com", path).with_header("Authorization", basic("token", str(made.to_jwt())))
    if body is None:
        return request
    return replace(request.with_header("Content-Type", JSON), body=json.dumps(body).encode())


def device(world: World, address: str, identity: str = "ana") -> str:
    """Register a device and return its SID."""
    body = {
        "endpoint_platform": "jssdk",
        "channel_type": "fcm",
        "version": "4",
        "message_types": ["twilio.conversations.new_message", "twilio.ipmsg.typing_indicator"],
        "data": {"registration_id": address},
    }
    world.transport.carry(registering(world, "POST", REGISTRATIONS, body, identity=identity))
    reply = world.transport.reply
    assert reply is not None
    assert reply.status == 201, reply.content
    return str(reply.body["id"])


@good("POST", "ers", REGISTRATIONS)
def register(world: World) -> Callable[[], Any]:
    return lambda: device(world, world.unique("device"))


@good("DELETE", "ers", f"{REGISTRATIONS}/{{Sid}}")
def unregister(world: World) -> Callable[[], Any]:
    request = registering(world, "DELETE", f"{REGISTRATIONS}/{device(world, world.unique('device'))}")
    return lambda: world.transport.carry(request)


@good("DELETE", "ers", REGISTRATIONS)
def unregister_address(world: World) -> Callable[[], Any]:
    address = world.unique("device")
    device(world, address)
    request = registering(world, "DELETE", REGISTRATIONS, {"binding_type": "fcm", "address": address})
    return lambda: world.transport.carry(request)


def bindings(world: World) -> Any:
    """Return the devices of a service."""
    return world.client.conversations.v1.services(service(world)).bindings


@good("GET", "conversations", BINDINGS)
def list_bindings(world: World) -> Callable[[], Any]:
    for _ in range(3):
        device(world, world.unique("device"), world.pick("ana", "ben"))
    for kind in ("apn", "gcm", "twilsock"):
        bindings(world).list(binding_type=[kind], limit=3)
    return lambda: bindings(world).list(binding_type=["fcm"], identity=[world.pick("ana", "ben")], limit=3, page_size=1)


@good("GET", "conversations", f"{BINDINGS}/{{Sid}}")
def fetch_binding(world: World) -> Callable[[], Any]:
    return bindings(world)(device(world, world.unique("device"))).fetch  # type: ignore[no-any-return]


@good("DELETE", "conversations", f"{BINDINGS}/{{Sid}}")
def delete_binding(world: World) -> Callable[[], Any]:
    return bindings(world)(device(world, world.unique("device"))).delete  # type: ignore[no-any-return]


@good("GET", "conversations", NOTIFICATIONS)
def fetch_notifications(world: World) -> Callable[[], Any]:
    return lambda: world.client.conversations.v1.services(service(world)).configuration.notifications().fetch()


@good("POST", "conversations", NOTIFICATIONS)
def update_notifications(world: World) -> Callable[[], Any]:
    notifications = world.client.conversations.v1.services(service(world)).configuration.notifications()
    templates = ("${PARTICIPANT}: ${MESSAGE}", "${CONVERSATION}")
    return lambda: notifications.update(
        log_enabled=world.pick(True, False),
        new_message_enabled=world.pick(True, False),
        new_message_template=world.pick(*templates),
        new_message_sound=world.pick("ring", "ping"),
        new_message_badge_count_enabled=world.pick(True, False),
        new_message_with_media_enabled=world.pick(True, False),
        new_message_with_media_template=world.pick(*templates),
        added_to_conversation_enabled=world.pick(True, False),
        added_to_conversation_template=world.pick(*templates),
        added_to_conversation_sound=world.pick("ring", "ping"),
        removed_from_conversation_enabled=world.pick(True, False),
        removed_from_conversation_template=world.pick(*templates),
        removed_from_conversation_sound=world.pick("ring", "ping"),
    )
