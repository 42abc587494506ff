"""Good calls of the client API and of Sync, which browsers make with an access token (realtime-protocol.md §7, §8)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import ChatGrant

from tests.contract.good_calls import good
from tests.contract.inprocess import FORM, JSON, Request, basic
from tests.contract.world import World

BASE = "/Client/v2"
CONVERSATION = f"{BASE}/Conversations/{{ConversationSid}}"
IDENTITY = "ana"


def token(world: World) -> str:
    """Return the access token of a user."""

    def make() -> str:
        service = world.client.conversations.v1.configuration().fetch().default_chat_service_sid
        key = world.client.api.v2010.account.new_keys.create(friendly_name="tokens")
        made = AccessToken(world.account_sid, key.sid, key.secret, identity=IDENTITY, ttl=24 * 3600)
        made.add_grant(ChatGrant(service_sid=service))
        return str(made.to_jwt())

    return world.keep("access token", make)


def request(world: World, method: str, product: str, path: str, body: Any = None, **query: str) -> Request:
    """Return a request of that user."""
    made = Request(method, f"{product}.twilio.com", path, query=tuple(query.items()))
    made = made.with_header("Authorization", basic("token", token(world)))
    if body is None:
        return made
    return replace(made.with_header("Content-Type", JSON), body=json.dumps(body).encode())


def done(world: World, method: str, product: str, path: str, body: Any = None) -> Any:
    """Make a request, and return the JSON of the answer."""
    world.transport.carry(request(world, method, product, path, body))
    reply = world.transport.reply
    assert reply is not None
    assert reply.status < 300, f"{method} {path}: {reply.status} {reply.content[:500]!r}"
    return reply.body


def carrying(world: World, method: str, product: str, path: str, body: Any = None, **query: str) -> Callable[[], Any]:
    """Return a call of that user."""
    made = request(world, method, product, path, body, **query)
    return lambda: world.transport.carry(made)


def user(world: World) -> Any:
    """Return the configuration of the user, who exists after that."""
    return done(world, "GET", "aim", f"{BASE}/Configuration")


def conversation(world: World) -> str:
    """Return the path of a new conversation, which the user made and joined."""
    made = done(world, "POST", "aim", f"{BASE}/Conversations", {"friendly_name": world.unique("Talk")})
    path = f"{BASE}/Conversations/{made['sid']}"
    done(world, "POST", "aim", f"{path}/Participants", {"identity": IDENTITY})
    return path


def message(world: World) -> str:
    """Return the path of a new message."""
    path = conversation(world)
    return f"{path}/Messages/{done(world, 'POST', 'aim', f'{path}/Messages', {'body': 'hello'})['sid']}"


def object_path(world: World, collection: str, suffix: str) -> str:
    """Return the path of a Sync object of a new conversation."""
    sid = conversation(world).rpartition("/")[2]
    return f"/v3/{collection}/{done(world, 'GET', 'cds', f'/v3/{collection}/{sid}.{suffix}')['sid']}"


@good("GET", "aim", f"{BASE}/Configuration")
def configuration(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "aim", f"{BASE}/Configuration")


@good("GET", "aim", f"{BASE}/MyConversations")
def my_conversations(world: World) -> Callable[[], Any]:
    conversation(world)
    return carrying(world, "GET", "aim", f"{BASE}/MyConversations")


@good("GET", "aim", f"{BASE}/MyConversations/{{ConversationSid}}")
def my_conversation(world: World) -> Callable[[], Any]:
    sid = conversation(world).rpartition("/")[2]
    return carrying(world, "GET", "aim", f"{BASE}/MyConversations/{sid}")


@good("POST", "aim", f"{BASE}/MyConversations/{{ConversationSid}}")
def update_my_conversation(world: World) -> Callable[[], Any]:
    sid = conversation(world).rpartition("/")[2]
    return carrying(world, "POST", "aim", f"{BASE}/MyConversations/{sid}", {"notification_level": "muted"})


@good("POST", "aim", f"{BASE}/Conversations")
def create_conversation(world: World) -> Callable[[], Any]:
    user(world)
    return carrying(world, "POST", "aim", f"{BASE}/Conversations", {"friendly_name": "Talk", "attributes": "{}"})


@good("GET", "aim", CONVERSATION)
def fetch_conversation(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "aim", conversation(world))


@good("POST", "aim", CONVERSATION)
def update_conversation(world: World) -> Callable[[], Any]:
    return carrying(world, "POST", "aim", conversation(world), {"attributes": '{"vip":true}'})


@good("DELETE", "aim", CONVERSATION)
def delete_conversation(world: World) -> Callable[[], Any]:
    return carrying(world, "DELETE", "aim", conversation(world))


@good("POST", "aim", f"{CONVERSATION}/Participants")
def create_participant(world: World) -> Callable[[], Any]:
    path = conversation(world)
    return carrying(world, "POST", "aim", f"{path}/Participants", {"identity": world.unique("ben")})


def participant(world: World) -> str:
    """Return the path of a new participant."""
    path = conversation(world)
    made = done(world, "POST", "aim", f"{path}/Participants", {"identity": world.unique("ben")})
    return f"{path}/Participants/{made['sid']}"


@good("GET", "aim", f"{CONVERSATION}/Participants/{{Sid}}")
def fetch_participant(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "aim", participant(world))


@good("POST", "aim", f"{CONVERSATION}/Participants/{{Sid}}")
def update_participant(world: World) -> Callable[[], Any]:
    def allow() -> None:
        service = world.client.conversations.v1.services(user(world)["links"]["media_service"].split("/")[-2])
        [role] = [role for role in service.roles.list() if role.friendly_name == "channel admin"]
        service.roles(role.sid).update(permission=[*role.permissions, "editAnyParticipantAttributes"])

    world.keep("participants' attributes", allow)
    return carrying(world, "POST", "aim", participant(world), {"attributes": '{"seat":1}'})


@good("DELETE", "aim", f"{CONVERSATION}/Participants/{{Sid}}")
def delete_participant(world: World) -> Callable[[], Any]:
    return carrying(world, "DELETE", "aim", participant(world))


@good("POST", "aim", f"{CONVERSATION}/Messages")
def create_message(world: World) -> Callable[[], Any]:
    return carrying(world, "POST", "aim", f"{conversation(world)}/Messages", {"body": "hello", "attributes": "{}"})


@good("GET", "aim", f"{CONVERSATION}/Messages/{{Sid}}")
def fetch_message(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "aim", message(world))


@good("POST", "aim", f"{CONVERSATION}/Messages/{{Sid}}")
def update_message(world: World) -> Callable[[], Any]:
    return carrying(world, "POST", "aim", message(world), {"body": "changed"})


@good("DELETE", "aim", f"{CONVERSATION}/Messages/{{Sid}}")
def delete_message(world: World) -> Callable[[], Any]:
    return carrying(world, "DELETE", "aim", message(world))


@good("GET", "aim", f"{CONVERSATION}/Messages/{{Sid}}/Receipts")
def list_receipts(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "aim", f"{message(world)}/Receipts")


@good("GET", "aim", f"{CONVERSATION}/Messages/{{Sid}}/ChannelMetadata")
def fetch_channel_metadata(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "aim", f"{message(world)}/ChannelMetadata")


@good("GET", "aim", f"{CONVERSATION}/MessageRecipients")
def list_message_recipients(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "aim", f"{conversation(world)}/MessageRecipients")


@good("GET", "aim", f"{BASE}/Users/{{Identity}}")
def fetch_user(world: World) -> Callable[[], Any]:
    user(world)
    return carrying(world, "GET", "aim", f"{BASE}/Users/{IDENTITY}")


@good("POST", "aim", f"{BASE}/Users/{{Identity}}")
def update_user(world: World) -> Callable[[], Any]:
    user(world)
    return carrying(world, "POST", "aim", f"{BASE}/Users/{IDENTITY}", {"friendly_name": "Ana"})


@good("GET", "aim", f"{BASE}/ContentTemplates")
def list_content_templates(world: World) -> Callable[[], Any]:
    user(world)
    return carrying(world, "GET", "aim", f"{BASE}/ContentTemplates")


@good("POST", "aim", f"{BASE}/Typing")
def say_typing(world: World) -> Callable[[], Any]:
    sid = conversation(world).rpartition("/")[2]
    made = request(world, "POST", "aim", f"{BASE}/Typing").with_header("Content-Type", FORM)
    typed = replace(made, form=(("ChannelSid", sid),))
    return lambda: world.transport.carry(typed)


@good("GET", "cds", "/v3/Documents/{Sid}")
def fetch_document(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "cds", object_path(world, "Documents", "channel"))


@good("GET", "cds", "/v3/Lists/{Sid}")
def fetch_list(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "cds", object_path(world, "Lists", "messages"))


@good("GET", "cds", "/v3/Maps/{Sid}")
def fetch_map(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "cds", object_path(world, "Maps", "roster"), Include="items")


@good("GET", "cds", "/v3/Lists/{Sid}/Items")
def list_list_items(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "cds", f"{object_path(world, 'Lists', 'messages')}/Items", Order="desc")


@good("GET", "cds", "/v3/Maps/{Sid}/Items")
def list_map_items(world: World) -> Callable[[], Any]:
    return carrying(world, "GET", "cds", f"{object_path(world, 'Maps', 'roster')}/Items", Order="asc")


@good("POST", "cds", "/v4/Subscriptions")
def subscribe(world: World) -> Callable[[], Any]:
    body = {"event_protocol_version": 4, "action": "establish", "correlation_id": 1, "requests": []}
    return carrying(world, "POST", "cds", "/v4/Subscriptions", body)


@good("POST", "flex-sdk", "/v1/Telemetry/Events")
def report(world: World) -> Callable[[], Any]:
    return carrying(world, "POST", "flex-sdk", "/v1/Telemetry/Events", {"events": []})
