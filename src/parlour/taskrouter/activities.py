"""Activities of workers (taskrouter.md §1.5)."""

from parlour.rest.errors import not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import existing, store
from parlour.taskrouter.errors import in_use, refused
from parlour.taskrouter.facts import tell
from parlour.taskrouter.marks import mark
from parlour.taskrouter.rows import Activity


async def create(uow: UnitOfWork, workspace_sid: str, *, friendly_name: str, available: bool = False) -> Activity:
    """Make an activity; ``available`` never changes afterwards.

    :raises ContractError: 404 of the workspace; 400/20001 for a name that it has already.
    """
    await existing.workspace(uow, workspace_sid)
    sid = uow.new_sid("WA")
    args = (uow.account_sid, sid, workspace_sid, friendly_name, available, uow.now)
    if await uow.fetchval(store.INSERT_ACTIVITY, *args) is None:
        raise refused("Activity with the same friendly name already exists")
    made = await fetch(uow, workspace_sid, sid)
    await tell(uow, "created", made)
    return made


async def fetch(reader: Reader, workspace_sid: str, sid: str) -> Activity:
    """The activity.

    :raises ContractError: 404/20404.
    """
    found = await store.activity(reader, workspace_sid, sid)
    if found is None:
        raise not_found(sid)
    return found


async def update(uow: UnitOfWork, workspace_sid: str, sid: str, *, friendly_name: str | None = None) -> Activity:
    """Rename the activity; expressions on ``worker.activity_name`` are looked at again.

    :raises ContractError: 404; 400/20001 for a name that is taken.
    """
    await fetch(uow, workspace_sid, sid)
    if friendly_name is not None:
        if await uow.fetchval(store.ACTIVITY_NAME_TAKEN, uow.account_sid, workspace_sid, friendly_name, sid):
            raise refused("Activity with the same friendly name already exists")
        await uow.execute(store.UPDATE_ACTIVITY, uow.account_sid, workspace_sid, sid, friendly_name, uow.now)
        mark(uow, workspace_sid, workspace_sid)
    changed = await fetch(uow, workspace_sid, sid)
    await tell(uow, "updated", changed)
    return changed


async def delete(uow: UnitOfWork, workspace_sid: str, sid: str) -> None:
    """Delete an activity that nobody needs.

    :raises ContractError: 404; 400/20001 while it is the workspace's own or a worker is in it (§1.5).
    """
    known = await fetch(uow, workspace_sid, sid)
    workspace = await store.workspace(uow, workspace_sid)
    if workspace and sid in (workspace.default_activity_sid, workspace.timeout_activity_sid):
        raise in_use("Activity", sid, "it is the default or timeout activity of the workspace")
    worker = await uow.fetchval(store.ACTIVITY_OCCUPIED, uow.account_sid, sid)
    if worker is not None:
        raise in_use("Activity", sid, f"worker {worker} is in it")
    await tell(uow, "deleted", known)
    await uow.execute(store.DELETE_ACTIVITY, uow.account_sid, workspace_sid, sid)
