"""SQL of transfers; the lock of a task covers them."""

from collections.abc import Sequence
from typing import Final

from parlour.store import refs
from parlour.store.unit import Reader
from parlour.taskrouter.rows import Transfer, row

refs.register("TT", "task_transfer")

SELECT: Final = """
SELECT account_sid, sid, workspace_sid, task_sid, initiating_reservation_sid, initiating_worker_sid,
       initiating_queue_sid, initiating_workflow_sid, transfer_mode, transfer_to, transfer_type, transfer_status,
       transfer_failed_reason, date_created, date_updated
FROM task_transfer WHERE account_sid = $1"""
FETCH: Final = f"{SELECT} AND workspace_sid = $2 AND sid = $3"
FETCH_ALL: Final = f"{SELECT} AND sid = ANY($2)"
WRITE: Final = """
INSERT INTO task_transfer (account_sid, sid, workspace_sid, task_sid, initiating_reservation_sid,
    initiating_worker_sid, initiating_queue_sid, initiating_workflow_sid, transfer_mode, transfer_to, transfer_type,
    transfer_status, transfer_failed_reason, date_created, date_updated)
SELECT $1, n.* FROM jsonb_to_recordset($2::jsonb) AS n (sid text, workspace_sid text, task_sid text,
    initiating_reservation_sid text, initiating_worker_sid text, initiating_queue_sid text,
    initiating_workflow_sid text, transfer_mode text, transfer_to text, transfer_type text, transfer_status text,
    transfer_failed_reason text, date_created timestamptz, date_updated timestamptz)
ON CONFLICT (account_sid, sid) DO UPDATE SET transfer_status = excluded.transfer_status,
    transfer_failed_reason = excluded.transfer_failed_reason, date_updated = excluded.date_updated"""


async def transfer(reader: Reader, workspace_sid: str, sid: str) -> Transfer | None:
    """The transfer, or None."""
    record = await reader.fetchrow(FETCH, reader.account_sid, workspace_sid, sid)
    return None if record is None else row(Transfer, record)


async def transfers(reader: Reader, sids: Sequence[str]) -> dict[str, Transfer]:
    """The transfers of these SIDs."""
    return {each["sid"]: row(Transfer, each) for each in await reader.fetch(FETCH_ALL, reader.account_sid, list(sids))}
