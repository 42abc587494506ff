"""Messages made of content templates: the stored body is what the template says (conversations.md §4.1)."""

from typing import Any

from parlour.content import templates
from parlour.content.templates import Rendered
from parlour.conversations import errors
from parlour.store.unit import Reader


async def rendered(reader: Reader, sid: str | None, variables: str | None) -> Rendered | None:
    """Return what a template says with these values; None where no template is asked for.

    Errors: 50526 no such template, 50528 values without one, 20001 values, 50542 no type of it can be sent.
    """
    if not sid:
        if variables:
            raise errors.CONTENT_SID_MISSING.error()
        return None
    content = await templates.named(reader, sid)
    if content is None:
        raise errors.CONTENT_SID_INVALID.error(sid=sid[:64])
    try:
        found = templates.rendered(content, templates.values(variables))
    except ValueError as error:
        raise errors.CONTENT_VARIABLES_INVALID.error() from error
    if found is None:
        raise errors.CONTENT_TYPE_UNSUPPORTED.error(sid=sid)
    return found


def kept(content: Rendered | None) -> dict[str, Any] | None:
    """Return what a message keeps of the template it was made of."""
    return None if content is None else {"sid": content.sid, "type": content.type, "media": content.media}
