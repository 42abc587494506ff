"""Task channels, and the worker channel that each worker has for each of them (taskrouter.md §1.5, §5)."""

import re
from collections.abc import Sequence
from typing import Final

from parlour.rest.errors import invalid_parameter, not_found
from parlour.store.unit import Reader, UnitOfWork
from parlour.taskrouter import existing, store, task_store
from parlour.taskrouter.errors import in_use, refused
from parlour.taskrouter.facts import tell
from parlour.taskrouter.marks import mark
from parlour.taskrouter.rows import TaskChannel

_UNIQUE_NAME: Final = re.compile(r"^[A-Za-z_$][A-Za-z0-9_$]*$")
DEFAULT: Final = "default"


async def create(
    uow: UnitOfWork,
    workspace_sid: str,
    *,
    friendly_name: str,
    unique_name: str,
    channel_optimized_routing: bool = False,
) -> TaskChannel:
    """Make a task channel, and a worker channel of capacity 1 for every worker.

    :raises ContractError: 404 of the workspace; 400/20001 for a unique name with other signs or one that is taken.
    """
    await existing.workspace(uow, workspace_sid)
    if not _UNIQUE_NAME.match(unique_name):
        raise invalid_parameter("UniqueName", "letters, digits, _ and $ only, not beginning with a digit")
    sid = uow.new_sid("TC")
    args = (uow.account_sid, sid, workspace_sid, friendly_name, unique_name, channel_optimized_routing, uow.now)
    if await uow.fetchval(store.INSERT_TASK_CHANNEL, *args) is None:
        raise refused("TaskChannel with the same unique name already exists")
    workers = [record["sid"] for record in await uow.fetch(task_store.WORKER_SIDS, uow.account_sid, workspace_sid)]
    await add_worker_channels(uow, workspace_sid, [(worker, sid) for worker in workers])
    made = await fetch(uow, workspace_sid, sid)
    await tell(uow, "created", made)
    return made


async def add_worker_channels(uow: UnitOfWork, workspace_sid: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Make a worker channel for each pair of worker and task channel."""
    if pairs:
        await uow.execute(
            task_store.INSERT_WORKER_CHANNELS,
            uow.account_sid,
            workspace_sid,
            [uow.new_sid("WC") for _ in pairs],
            [worker for worker, _ in pairs],
            [channel for _, channel in pairs],
            uow.now,
        )


async def fetch(reader: Reader, workspace_sid: str, sid_or_unique_name: str) -> TaskChannel:
    """The task channel.

    :raises ContractError: 404/20404.
    """
    found = await store.task_channel(reader, workspace_sid, sid_or_unique_name)
    if found is None:
        raise not_found(sid_or_unique_name)
    return found


async def update(
    uow: UnitOfWork,
    workspace_sid: str,
    sid_or_unique_name: str,
    *,
    friendly_name: str | None = None,
    channel_optimized_routing: bool | None = None,
) -> TaskChannel:
    """Change what is given; the unique name never changes.

    :raises ContractError: 404/20404.
    """
    known = await fetch(uow, workspace_sid, sid_or_unique_name)
    optimized = known.channel_optimized_routing if channel_optimized_routing is None else channel_optimized_routing
    name = known.friendly_name if friendly_name is None else friendly_name
    await uow.execute(store.UPDATE_TASK_CHANNEL, uow.account_sid, workspace_sid, known.sid, name, optimized, uow.now)
    changed = await fetch(uow, workspace_sid, known.sid)
    await tell(uow, "updated", changed)
    return changed


async def delete(uow: UnitOfWork, workspace_sid: str, sid_or_unique_name: str) -> None:
    """Delete a task channel that no task uses.

    :raises ContractError: 404; 400/20001 for the default one or while tasks use it (§1.5).
    """
    known = await fetch(uow, workspace_sid, sid_or_unique_name)
    if known.unique_name == DEFAULT:
        raise in_use("TaskChannel", known.sid, "it is the default task channel")
    task = await uow.fetchval(store.TASK_CHANNEL_BUSY, uow.account_sid, workspace_sid, known.sid)
    if task is not None:
        raise in_use("TaskChannel", known.sid, f"task {task} uses it")
    await tell(uow, "deleted", known)
    await uow.execute(store.DELETE_TASK_CHANNEL, uow.account_sid, workspace_sid, known.sid)
    mark(uow, workspace_sid, workspace_sid)
