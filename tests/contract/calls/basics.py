"""What the good calls of Conversations share: both levels, services, conversations, roles."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from tests.contract.good_calls import Builder, good
from tests.contract.inprocess import raw
from tests.contract.world import World

Twin = Callable[[World, Any], Callable[[], Any]]
THEN, LATER = datetime(2024, 5, 1, 12, tzinfo=UTC), datetime(2025, 6, 2, 13, tzinfo=UTC)
ATTRIBUTES = ('{"vip":true}', '{"vip":false}')


def twice(method: str, path: str) -> Callable[[Twin], Twin]:
    """Register a call below the account and below a service."""

    def register(builder: Twin) -> Twin:
        def short(world: World) -> Callable[[], Any]:
            return builder(world, world.client.conversations.v1)

        def long(world: World) -> Callable[[], Any]:
            return builder(world, world.client.conversations.v1.services(service(world)))

        pairs: tuple[tuple[str, Builder], ...] = (("/v1", short), ("/v1/Services/{ChatServiceSid}", long))
        for base, call in pairs:
            good(method, "conversations", f"{base}{path}")(call)
        return builder

    return register


def service(world: World) -> str:
    """Return a service beside the default one."""
    return world.keep("service", lambda: str(world.client.conversations.v1.services.create(friendly_name="Other").sid))


def messaging_service(world: World) -> str:
    """Return a new messaging service."""
    return str(world.client.messaging.v1.services.create(friendly_name=world.unique("Desk")).sid)


def conversation(world: World, root: Any, **options: Any) -> Any:
    """Return the context of a new conversation."""
    made = root.conversations.create(friendly_name=world.unique("Talk"), **options)
    return root.conversations(made.sid)


def role(world: World, root: Any, kind: str = "conversation") -> str:
    """Return a new role."""
    permission = ["sendMessage"] if kind == "conversation" else ["addParticipant"]
    return str(root.roles.create(friendly_name=world.unique("role"), type=kind, permission=permission).sid)


def delete_with_header(world: World, context: Any) -> None:
    """Delete a resource with the webhook header, which the official Python package takes and does not send."""
    path = urlsplit(context._version.absolute_url(context._uri)).path
    request = raw(world.credentials, "DELETE", "conversations", path)
    world.transport.carry(request.with_header("X-Twilio-Webhook-Enabled", world.pick("true", "false")))
