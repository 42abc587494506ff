"""SQL of what a worker holds."""

from typing import Final

from parlour.taskrouter.rows import Reservation
from parlour.taskrouter.task_store import SELECT_TASK

RESERVATION_COLUMNS: Final = Reservation.__struct_fields__
_NAMED: Final = ", ".join(f"r.{name} AS r_{name}" for name in RESERVATION_COLUMNS)
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
WAS_OFFERED: Final = """
SELECT EXISTS (SELECT 1 FROM reservation WHERE account_sid = $1 AND worker_sid = $2 AND task_sid = ANY($3))"""
HOLDS: Final = """
SELECT EXISTS (
    SELECT 1 FROM reservation
    WHERE account_sid = $1 AND worker_sid = $2 AND task_sid = ANY($3)
        AND reservation_status IN ('accepted', 'wrapping'))"""
WORKS_ON: Final = """
SELECT EXISTS (
    SELECT 1 FROM reservation AS r JOIN task AS t ON t.account_sid = r.account_sid AND t.sid = r.task_sid
    WHERE r.account_sid = $1 AND r.worker_sid = $2 AND r.reservation_status IN ('accepted', 'wrapping')
        AND strpos(t.attributes, $3) > 0)"""
