"""A conversation with somebody whose token is tried, and the requests that such a token makes."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import AccessTokenGrant, ChatGrant

from tests.contract.inprocess import FORM, JSON, Reply, Request, basic
from tests.contract.world import World

NOTHING: Final = "editNotificationLevel"  # what a role has that allows nothing: no operation asks for it
PICTURE: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
BODIES: Final[dict[str, dict[str, Any]]] = {
    "create a conversation": {"friendly_name": "Talk"},
    "change the names of a conversation": {"friendly_name": "Ours"},
    "change the attributes of a conversation": {"attributes": '{"vip":true}'},
    "set one's own read position and notification level": {"notification_level": "muted"},
    "change the attributes of a participant": {"attributes": '{"seat":1}'},
    "send a message": {"body": "hello"},
    "change the body of a message": {"body": "changed"},
    "change the attributes of a message": {"attributes": '{"seen":1}'},
    "change a user": {"friendly_name": "Somebody"},
}
SUFFIXES: Final = {
    "see a conversation": "channel",
    "read messages and their receipts": "messages",
    "read participants": "roster",
}


class FlexGrant(AccessTokenGrant):  # type: ignore[misc] # the library says no types
    """The grant of sign-in to the agent desktop."""

    def __init__(self, roles: Sequence[str]) -> None:
        super().__init__()
        self._roles = list(roles)

    @property
    def key(self) -> str:
        """Return its name in the token."""
        return "flex"

    def to_payload(self) -> dict[str, Any]:
        """Return what it says."""
        return {"roles": self._roles}


@dataclass(frozen=True)
class Subject:
    """Whose token is tried.

    :ivar service_role: permissions of the user's service role, or its SID.
    :ivar conversation_role: permissions of the participant's role, or its SID; None: does not take part.
    :ivar leads: signed in to the desktop as supervisor.
    :ivar made: created the conversation.
    """

    service_role: str | tuple[str, ...] = (NOTHING,)
    conversation_role: str | tuple[str, ...] | None = (NOTHING,)
    leads: bool = False
    made: bool = False


class Scene:
    """One conversation with the subject and somebody else in it, made anew for each cell."""

    def __init__(self, world: World, subject: Subject) -> None:
        self.world = world
        self.subject = subject
        self.identity = f"subject-{secrets.token_hex(4)}"
        self.other = f"other-{secrets.token_hex(4)}"
        self.service_sid = default_service(world)
        self.service = world.client.conversations.v1.services(self.service_sid)
        roles = {"service": subject.service_role, "conversation": subject.conversation_role}
        self._roles = {kind: self._role(kind, role) for kind, role in roles.items() if role is not None}
        self.user_sid = self.service.users.create(identity=self.identity, role_sid=self._roles["service"]).sid
        self.conversation_sid = self._conversation()
        self._join(self.other, None)
        if "conversation" in self._roles:
            self._join(self.identity, self._roles["conversation"])

    def _role(self, kind: str, role: str | tuple[str, ...]) -> str:
        if isinstance(role, str):
            return role

        def make() -> str:
            return str(self.service.roles.create(friendly_name=kind, type=kind, permission=list(role)).sid)

        return self.world.keep(f"role {kind} {role}", make)

    def _conversation(self) -> str:
        if not self.subject.made:
            return str(self.service.conversations.create(friendly_name="Talk").sid)
        creating = self._role("service", ("createConversation",))
        self.service.users(self.identity).update(role_sid=creating)
        reply = self.send(self.json("POST", "aim", "/Client/v2/Conversations", {"friendly_name": "Talk"}))
        self.service.users(self.identity).update(role_sid=self._roles["service"])
        return str(reply.body["sid"])

    def _join(self, identity: str, role_sid: str | None) -> None:
        options = {} if role_sid is None else {"role_sid": role_sid}
        self.service.conversations(self.conversation_sid).participants.create(identity=identity, **options)

    def token(self, **options: Any) -> str:
        """Return the subject's token, which may also register devices."""
        return make_token(
            self.world,
            self.identity,
            self.service_sid,
            leads=self.subject.leads,
            push=credential(self.world),
            **options,
        )

    def send(self, request: Request) -> Reply:
        """Send a request and return the answer."""
        self.world.transport.carry(request)
        assert self.world.transport.reply is not None
        return self.world.transport.reply

    def json(self, method: str, product: str, path: str, body: Any = None) -> Request:
        """Return a request of the subject with a JSON body."""
        made = Request(method, f"{product}.twilio.com", path).with_header("Authorization", basic("token", self.token()))
        return made if body is None else replace(made.with_header("Content-Type", JSON), body=json.dumps(body).encode())

    def request(self, operation: str, what: str, *, own: bool) -> Request:
        """Return the subject's request of an operation that does one thing, to its own or somebody else's."""
        method, product, path = operation.split(" ")
        if path.endswith("/Typing"):
            form = self.json(method, product, path).with_header("Content-Type", FORM)
            return replace(form, form=(("ChannelSid", self.conversation_sid),))
        filled = path.replace("{ConversationSid}", self.conversation_sid).replace("{ServiceSid}", self.service_sid)
        if path.startswith("/v1/registrations"):
            return self._device(method, path)
        if "{Sid}" in filled or "{Identity}" in filled:
            filled = filled.replace("{Sid}", self._named(product, path, what, own=own))
            filled = filled.replace("{Identity}", self.identity if own else self.other)
        if product == "mcs" and path.endswith("/Media"):
            return replace(self.json(method, product, filled).with_header("Content-Type", "image/gif"), body=PICTURE)
        return self.json(method, product, filled, self._body(what, path) if method == "POST" else None)

    def _device(self, method: str, path: str) -> Request:
        """Return the request that registers a device, or unregisters one that was."""
        address = f"device-{self.identity}"
        device = {"channel_type": "fcm", "message_types": [], "data": {"registration_id": address}}
        register = self.json("POST", "ers", "/v1/registrations", device)
        if method == "POST":
            return register
        made = self.send(register).body["id"]
        if path.endswith("/{Sid}"):
            return self.json(method, "ers", path.replace("{Sid}", made))
        request = self.json(method, "ers", path).with_header("Content-Type", JSON)
        return replace(request, body=json.dumps({"binding_type": "fcm", "address": address}).encode())

    def _named(self, product: str, path: str, what: str, *, own: bool) -> str:
        if product == "cds":
            user = {"read a user": "user_info", "read one's own list, settings and user": "my_conversations"}
            return f"{self.user_sid}.{user[what]}" if what in user else f"{self.conversation_sid}.{SUFFIXES[what]}"
        if product == "mcs":
            return self.picture()
        conversation = self.service.conversations(self.conversation_sid)
        if "/Messages/" in path:
            return str(conversation.messages.create(author=self.identity if own else self.other, body="hello").sid)
        return str(conversation.participants(self.identity if own else self.other).fetch().sid)

    def _body(self, what: str, path: str) -> dict[str, Any]:
        if path.endswith("/MediaSet"):
            return {"command": "get", "list": [{"media_sid": self.picture()}]}
        if what == "send a message with media":
            return {"media_sids": [self.upload(self.token())]}
        if what == "join a conversation":
            return {"identity": self.identity}
        if what == "add a participant by identity":
            return {"identity": f"new-{secrets.token_hex(4)}"}
        if what == "add a participant by address":
            proxy = self.world.keep("proxy", self.world.number)
            return {"messaging_binding": {"address": self.world.phone(), "proxy_address": proxy}}
        return BODIES[what]

    def picture(self) -> str:
        """Return a file of a message in the conversation, which the account sent."""
        sid = self.upload(None)
        self.service.conversations(self.conversation_sid).messages.create(author="system", media_sid=sid)
        return sid

    def upload(self, token: str | None) -> str:
        """Upload a file by token, or by the account, and return its SID."""
        known = self.world.credentials
        credentials = basic("token", token) if token else basic(known.account_sid, known.auth_token)
        made = Request("POST", "mcs.twilio.com", f"/v1/Services/{self.service_sid}/Media", body=PICTURE)
        reply = self.send(made.with_header("Authorization", credentials).with_header("Content-Type", "image/gif"))
        assert reply.status == 201, reply.content
        return str(reply.body["sid"])


def default_service(world: World) -> str:
    """Return the account's default service."""
    configuration = world.client.conversations.v1.configuration()
    return world.keep("service", lambda: str(configuration.fetch().default_chat_service_sid))


def credential(world: World) -> str:
    """Return the account's push credential."""
    return world.keep(
        "push credential", lambda: str(world.client.conversations.v1.credentials.create("fcm", secret="s").sid)
    )


def make_token(
    world: World, identity: str, service_sid: str, *, leads: bool = False, push: str | None = None, **options: Any
) -> str:
    """Return an access token as the official helper library makes it."""

    def make() -> tuple[str, str]:
        made = world.client.new_signing_keys.create(friendly_name="tokens")
        return made.sid, made.secret

    key = world.keep("signing key", make)
    made = AccessToken(world.account_sid, *key, identity=identity, **{"ttl": 24 * 3600, **options})
    made.add_grant(ChatGrant(service_sid=service_sid, push_credential_sid=push))
    if leads:
        made.add_grant(FlexGrant(["supervisor"]))
    return str(made.to_jwt())
