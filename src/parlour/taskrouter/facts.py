"""Facts about what configures routing: made, changed, deleted (taskrouter.md §7.2)."""

from typing import Any

import msgspec

from parlour.outbox.facts import state
from parlour.store.unit import UnitOfWork
from parlour.taskrouter import snapshots
from parlour.taskrouter.audience import audience_of
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
    event_type = f"{_NAMES[type(row)]}.{what}"
    audience = await audience_of(uow, row.sid if isinstance(row, Workspace) else row.workspace_sid)
    await state(
        uow,
        f"{event_type}/1",
        stream=row.sid,
        object_sid=row.sid,
        snapshot={**snapshots.plain(row), **more, **audience.snapshot(event_type)},
        listeners=audience.listeners(event_type),
    )
