"""Checks that several rules begin with: a workspace that is there, a URL that can be called."""

from urllib.parse import urlsplit

from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader
from parlour.taskrouter import store
from parlour.taskrouter.rows import Workspace
from parlour.webhooks.overrides import mistake


async def workspace(reader: Reader, sid: str) -> Workspace:
    """The workspace.

    :raises ContractError: 404/20404.
    """
    found = await store.workspace(reader, sid)
    if found is None:
        raise not_found(sid)
    return found


def check_url(name: str, url: str | None) -> None:
    """Refuse what is no absolute http or https URL; an empty one takes a callback away.

    :param name: of the parameter that the refusal names.
    :raises ContractError: 400/20001.
    """
    if not url:
        return
    why = "must be an absolute http or https URL"
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in url)
        why = (mistake(url) or "") if good else why
    except ValueError:
        pass
    if why:
        raise invalid_parameter(name, why)
