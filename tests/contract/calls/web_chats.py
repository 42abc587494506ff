"""Good calls of web chats and of their deployment keys (flex.md §4.2, §4.4)."""

from collections.abc import Callable
from typing import Any

from tests.contract.good_calls import good
from tests.contract.inprocess import Request, raw
from tests.contract.world import World

KEYS = "/v1/WebchatKeys"


def address(world: World) -> str:
    """Return a chat address that makes conversations."""
    made = world.client.conversations.v1.address_configurations.create(
        type="chat", address=world.unique("site"), auto_creation_enabled=True, auto_creation_type="default"
    )
    return str(made.sid)


def key(world: World) -> str:
    """Return a new deployment key."""
    made = world.raw("POST", "parlour", KEYS, FriendlyName=world.unique("site"), AddressSid=address(world))
    return str(made["sid"])


def visiting(world: World, path: str, **form: str) -> Request:
    """Return a request as a visitor's browser sends it."""
    request = raw(world.credentials, "POST", "flex-api", path, **form)
    headers = {
        "x-twilio-sec-decoders": '{"audio":{}}',
        "x-twilio-sec-usersettings": '{"language":"en"}',
        "x-twilio-sec-webchatinfo": '{"loginTimestamp":"1"}',
    }
    for name, value in headers.items():
        request = request.with_header(name, value)
    return request


@good("POST", "flex-api", "/v2/WebChats")
def create_web_chat(world: World) -> Callable[[], Any]:
    sids = [address(world), address(world)]

    def create() -> None:
        for sid in sids:
            world.client.flex_api.v2.web_channels.create(
                address_sid=sid,
                chat_friendly_name=world.unique("Chat"),
                customer_friendly_name=world.unique("Bo"),
                pre_engagement_data=world.pick('{"a":1}', '{"b":2}'),
                identity=world.unique("visitor"),
                ui_version=world.pick("2.0.0", "2.1.0"),
            )

    return create


@good("POST", "flex-api", "/v2/Webchat/Init")
def init_webchat(world: World) -> Callable[[], Any]:
    request = visiting(
        world,
        "/v2/Webchat/Init",
        DeploymentKey=key(world),
        CustomerFriendlyName="Bo",
        PreEngagementData='{"a":1}',
        Identity=world.unique("visitor"),
    )
    return lambda: world.transport.carry(request)


@good("POST", "flex-api", "/v2/Webchat/Tokens/Refresh")
def refresh_token(world: World) -> Callable[[], Any]:
    deployment_key = key(world)
    world.transport.carry(visiting(world, "/v2/Webchat/Init", DeploymentKey=deployment_key))
    reply = world.transport.reply
    assert reply is not None
    request = visiting(
        world, "/v2/Webchat/Tokens/Refresh", DeploymentKey=deployment_key, Token=str(reply.body["token"])
    )
    return lambda: world.transport.carry(request)


@good("POST", "parlour", KEYS)
def create_key(world: World) -> Callable[[], Any]:
    request = raw(
        world.credentials,
        "POST",
        "parlour",
        KEYS,
        FriendlyName=world.unique("site"),
        AddressSid=address(world),
        AllowedOrigins="https://www.example.com",
        Fingerprint=world.pick("true", "false"),
    )
    return lambda: world.transport.carry(request)


@good("GET", "parlour", KEYS)
def list_keys(world: World) -> Callable[[], Any]:
    for _ in range(3):
        key(world)
    request = raw(world.credentials, "GET", "parlour", KEYS)
    return lambda: world.transport.carry(request)


def own(method: str, **form: str) -> Callable[[World], Callable[[], Any]]:
    """Return the builder of a call on a new key."""

    def builder(world: World) -> Callable[[], Any]:
        request = raw(world.credentials, method, "parlour", f"{KEYS}/{key(world)}", **form)
        return lambda: world.transport.carry(request)

    return builder


good("GET", "parlour", f"{KEYS}/{{Sid}}")(own("GET"))
good("POST", "parlour", f"{KEYS}/{{Sid}}")(own("POST", FriendlyName="Other", Fingerprint="false"))
good("DELETE", "parlour", f"{KEYS}/{{Sid}}")(own("DELETE"))
