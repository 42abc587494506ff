"""Facts about what configures routing: made, changed, deleted (taskrouter.md §7.2)."""

from typing import Any

import msgspec

from parlour.outbox.facts import state
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import snapshots
from parlour.taskrouter.rows import Activity, TaskChannel, TaskQueue, Workflow, Workspace

_NAMES: dict[type[msgspec.Struct], str] = {
    Workspace: "workspace",
    Activity: "activity",
    TaskChannel: "task-channel",
    TaskQueue: "task-queue",
    Workflow: "workflow",
}


async def tell(
    uow: UnitOfWork, what: str, row: Workspace | Activity | TaskChannel | TaskQueue | Workflow, **more: Any
) -> None:
    """State that something happened to the row.

    :param what: such as ``created``; with the row's kind it is the contract's event type.
    """
    snapshot = {**snapshots.plain(row), **more}
    await state(uow, f"{_NAMES[type(row)]}.{what}/1", stream=row.sid, object_sid=row.sid, snapshot=snapshot)
