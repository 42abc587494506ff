"""The check that a workspace is there, which every rule below a workspace begins with."""

from parlour.rest.errors import not_found
from parlour.store.unit import Reader
from parlour.taskrouter import store
from parlour.taskrouter.rows import Workspace


async def workspace(reader: Reader, sid: str) -> Workspace:
    """The workspace.

    :raises ContractError: 404/20404.
    """
    found = await store.workspace(reader, sid)
    if found is None:
        raise not_found(sid)
    return found
