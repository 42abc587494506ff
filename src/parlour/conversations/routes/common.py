"""What the operations of Conversations share: paths on both levels, scope, origin and pages."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from parlour.conversations import errors, services
from parlour.conversations.events import Origin
from parlour.conversations.render import Renderer
from parlour.conversations.store.conversations import DEFAULT, Scope
from parlour.rest.errors import invalid_parameter
from parlour.rest.operations import Answer, Call, Operations, Page
from parlour.store.unit import Reader

T = TypeVar("T")

operations: Final = Operations("conversations")
SERVICE: Final = "/v1/Services/{ChatServiceSid}"


def both(path: str) -> tuple[str, str]:
    """Return a path below the account and below a service (conversations.md §1.2)."""
    return f"/v1{path}", f"{SERVICE}{path}"


def scope_of(call: Call) -> Scope:
    """Return the service to whose conversations a call is bound."""
    return call.path.get("ChatServiceSid", DEFAULT)


def renderer(call: Call) -> Renderer:
    """Return the renderer of a call."""
    return Renderer(call.urls, call.path.get("ChatServiceSid"))


def origin_of(call: Call) -> Origin:
    """Return where a REST action comes from; the header asks for events in any case of letters."""
    asked = call.headers.get("x-twilio-webhook-enabled", "").strip().lower() == "true"
    return Origin(webhooks=asked)


async def service_sid(reader: Reader, call: Call) -> str:
    """Return the SID of the service a call is bound to. Error: 404/20404."""
    given = call.path.get("ChatServiceSid")
    if given is None:
        return await services.default_sid(reader)
    return (await services.fetch(reader, given)).sid


def require_change(form: Any) -> None:
    """Refuse an update that changes nothing (20161)."""
    if all(value is None or value == [] for value in (getattr(form, name) for name in form.__struct_fields__)):
        raise errors.NO_UPDATE_PARAMETERS.error()


def sid_token(page: Page) -> str:
    """Return the SID after which a page begins, empty at the first."""
    return page.token or ""


def index_token(page: Page) -> int | None:
    """Return the message index after which a page begins. Errors: 19038 below 0, 20001 no number."""
    if page.token is None:
        return None
    try:
        index = int(page.token)
    except ValueError as error:
        raise invalid_parameter("PageToken", "not a number") from error
    if index < 0:
        raise errors.PAGE_TOKEN_NEGATIVE.error()
    if index >= 2**31:
        raise invalid_parameter("PageToken", "out of range")
    return index


def listing(
    call: Call, key: str, rows: Sequence[T], page: Page, render: Callable[[T], Any], token: Callable[[T], str]
) -> Answer:
    """Answer with a page; `rows` has one more than the page if there is a next one."""
    shown = rows[: page.size]
    next_token = token(shown[-1]) if len(rows) > page.size else None
    return call.listing(key, [render(row) for row in shown], page, next_token=next_token)


__all__ = [
    "both",
    "index_token",
    "listing",
    "operations",
    "origin_of",
    "renderer",
    "require_change",
    "scope_of",
    "service_sid",
    "sid_token",
]
