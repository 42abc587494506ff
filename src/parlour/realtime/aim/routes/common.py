"""What the operations of the client API share."""

from typing import Any, Final

from parlour.conversations import permissions
from parlour.realtime.aim import actor
from parlour.realtime.aim.actor import Actor, Place
from parlour.realtime.aim.render import BASE, PRODUCT, Renderer
from parlour.rest.operations import Call, Operations
from parlour.rest.rights import Right
from parlour.store.unit import Reader, UnitOfWork

operations: Final = Operations(PRODUCT)

CONVERSATION: Final = f"{BASE}/Conversations/{{ConversationSid}}"


def renderer(call: Call) -> Renderer:
    """Return the renderer of a call."""
    return Renderer(call.urls)


async def acting(uow: UnitOfWork, call: Call) -> Actor:
    """Return who acts, made where the identity is new."""
    return await actor.ensure(uow, call.caller)


async def seen(reader: Reader, call: Call, right: Right = permissions.SEE_CONVERSATION) -> Place:
    """Return the conversation of the path for one who reads of it. Errors: 404/20404, 403/50107, 403/50430."""
    found = await actor.place(reader, await actor.find(reader, call.caller), call.path["ConversationSid"])
    found.require(right)
    return found


async def at(uow: UnitOfWork, call: Call) -> Place:
    """Return the conversation of the path for one who changes it. Errors: 404/20404, 403/50107."""
    return await actor.place(uow, await acting(uow, call), call.path["ConversationSid"])


def limits(call: Call, maximum: int = 100) -> tuple[str | None, int]:
    """Return the page token and size of a list."""
    page = call.page(default=50, maximum=maximum)
    return page.token, page.size


Body = dict[str, Any]
