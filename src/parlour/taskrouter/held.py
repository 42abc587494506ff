"""What a worker holds, together with the position of that snapshot among the worker's events (DESIGN 2.7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from parlour.rest.errors import not_found
from parlour.store.unit import Reader
from parlour.taskrouter.rows import Reservation, Task, Transfer
from parlour.taskrouter.task_store import SELECT_TASK

_COLUMNS: Final = Reservation.__struct_fields__
_NAMED: Final = ", ".join(f"r.{name} AS r_{name}" for name in _COLUMNS)
# One statement, so that the position and the rows are of one snapshot.
LIST_HELD: Final = f"""
SELECT w.event_seq,
    (SELECT to_jsonb(i) FROM task_transfer AS i
        WHERE i.account_sid = $1 AND i.sid = r_and_t.r_transfer_sid) AS incoming,
    (SELECT to_jsonb(o) FROM task_transfer AS o WHERE o.account_sid = $1 AND o.sid = r_and_t.transfer_sid
        AND o.transfer_status = 'initiated' AND o.initiating_reservation_sid = r_and_t.r_sid) AS outgoing, r_and_t.*
FROM worker AS w
LEFT JOIN LATERAL (
    SELECT {_NAMED}, t.*
    FROM reservation AS r
    JOIN ({SELECT_TASK}) AS t ON t.sid = r.task_sid
    WHERE r.account_sid = $1 AND r.worker_sid = $3
      AND ($4::text[] IS NULL OR r.reservation_status = ANY($4)) AND ($5::text IS NULL OR r.sid > $5)
    ORDER BY r.sid LIMIT $6
) AS r_and_t ON TRUE
WHERE w.account_sid = $1 AND w.workspace_sid = $2 AND w.sid = $3
ORDER BY r_and_t.r_sid"""  # noqa: S608


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
    records = await reader.fetch(LIST_HELD, reader.account_sid, workspace_sid, worker_sid, statuses, after, limit)
    if not records:
        raise not_found(worker_sid)
    rows = []
    for record in records:
        columns = dict(record)
        del columns["event_seq"]
        incoming, outgoing = _transfer(columns.pop("incoming")), _transfer(columns.pop("outgoing"))
        reservation = {name: columns.pop(f"r_{name}") for name in _COLUMNS}
        if reservation["sid"] is not None:
            rows.append(HeldReservation(Reservation(**reservation), Task(**columns), incoming, outgoing))
    return Held(records[0]["event_seq"], rows)


def _transfer(columns: object) -> Transfer | None:
    return None if columns is None else msgspec.convert(columns, Transfer)


WAS_OFFERED: Final = """
SELECT EXISTS (SELECT 1 FROM reservation WHERE account_sid = $1 AND worker_sid = $2 AND task_sid = ANY($3))"""


async def was_offered(reader: Reader, worker_sid: str, task_sids: Sequence[str]) -> bool:
    """Whether the worker has or had a reservation of one of the tasks."""
    return bool(await reader.fetchval(WAS_OFFERED, reader.account_sid, worker_sid, list(task_sids)))


WORKS_ON: Final = """
SELECT EXISTS (
    SELECT 1 FROM reservation AS r JOIN task AS t ON t.account_sid = r.account_sid AND t.sid = r.task_sid
    WHERE r.account_sid = $1 AND r.worker_sid = $2 AND r.reservation_status IN ('accepted', 'wrapping')
        AND strpos(t.attributes, $3) > 0)"""


async def works_on(reader: Reader, worker_sid: str, sid: str) -> bool:
    """Whether the worker holds a task whose attributes name a SID, such as that of a conversation."""
    return bool(await reader.fetchval(WORKS_ON, reader.account_sid, worker_sid, sid))
