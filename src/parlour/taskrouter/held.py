"""What a worker holds, together with the position of that snapshot among the worker's events (DESIGN 2.7)."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from parlour.rest.errors import not_found
from parlour.store.unit import Reader
from parlour.taskrouter import held_store
from parlour.taskrouter.rows import Reservation, Task, Transfer


@dataclass(frozen=True)
class Held:
    """Reservations of a worker with their tasks.

    :ivar position: of the worker's last event that the rows show the effect of.
    """

    position: int
    rows: list["HeldReservation"]


@dataclass(frozen=True)
class HeldReservation:
    """A reservation with its task, and the transfers by which it came and is going (taskrouter.md §9.6)."""

    reservation: Reservation
    task: Task
    incoming: Transfer | None
    outgoing: Transfer | None


async def of_worker(
    reader: Reader,
    workspace_sid: str,
    worker_sid: str,
    *,
    statuses: Sequence[str] | None,
    after: str | None = None,
    limit: int = 1000,
) -> Held:
    """The worker's reservations in one of the statuses (None: any) after the one with the SID `after`.

    :raises ContractError: 404/20404 of the worker.
    """
    records = await reader.fetch(
        held_store.LIST_HELD, reader.account_sid, workspace_sid, worker_sid, statuses, after, limit
    )
    if not records:
        raise not_found(worker_sid)
    rows = []
    for record in records:
        columns = dict(record)
        del columns["event_seq"]
        incoming, outgoing = _transfer(columns.pop("incoming")), _transfer(columns.pop("outgoing"))
        reservation = {name: columns.pop(f"r_{name}") for name in held_store.RESERVATION_COLUMNS}
        if reservation["sid"] is not None:
            rows.append(HeldReservation(Reservation(**reservation), Task(**columns), incoming, outgoing))
    return Held(records[0]["event_seq"], rows)


def _transfer(columns: object) -> Transfer | None:
    return None if columns is None else msgspec.convert(columns, Transfer)


async def was_offered(reader: Reader, worker_sid: str, task_sids: Sequence[str]) -> bool:
    """Whether the worker has or had a reservation of one of the tasks."""
    return bool(await reader.fetchval(held_store.WAS_OFFERED, reader.account_sid, worker_sid, list(task_sids)))


async def holds(reader: Reader, worker_sid: str, task_sids: Sequence[str]) -> bool:
    """Whether the worker works on one of the tasks now: accepted, or wrapping up."""
    return bool(await reader.fetchval(held_store.HOLDS, reader.account_sid, worker_sid, list(task_sids)))


async def works_on(reader: Reader, worker_sid: str, sid: str) -> bool:
    """Whether the worker holds a task whose attributes name a SID, such as that of a conversation."""
    return bool(await reader.fetchval(held_store.WORKS_ON, reader.account_sid, worker_sid, sid))
