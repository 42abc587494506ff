"""SQL of lanes and jobs. A lane is claimed as a whole and gives its jobs in order (DESIGN 2.5).

These statements serve every account: a process works for all of them.
"""

from typing import Final

PROCESS_LOCK: Final = 7_265_002  # first key of the advisory lock that a living process holds

# $6: subscribers that hold as many lanes as one may.
CLAIM: Final = """
WITH due AS (
    SELECT account_sid, name FROM lane
    WHERE due <= $1 AND (lease IS NULL OR lease < $2)
      AND ($6::text[] IS NULL OR split_part(name, ':', 1) || ':' || split_part(name, ':', 2) <> ALL ($6::text[]))
    ORDER BY due LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE lane SET lease = $4, holder = $5
FROM due WHERE lane.account_sid = due.account_sid AND lane.name = due.name
RETURNING lane.account_sid, lane.name"""

_JOBS_OF_LANES: Final = """
SELECT j.id, j.account_sid, j.lane, j.handler, j.attempt, j.request_id, j.payload, {columns}
FROM unnest($1::text[], $2::text[]) AS l (account_sid, name)
CROSS JOIN LATERAL (
    SELECT * FROM job
    WHERE account_sid = l.account_sid AND lane = l.name AND dead_at IS NULL AND due <= $3
    ORDER BY due, id LIMIT $4
) AS j
{events}
ORDER BY j.due, j.id"""
_EVENT: Final = "e.sid AS event_sid, e.kind, e.stream, e.object_sid, e.at, e.cause, e.snapshot"
JOBS_OF_LANES: Final = _JOBS_OF_LANES.format(
    columns=_EVENT,
    events="LEFT JOIN event AS e ON e.account_sid = j.account_sid AND e.sid = j.event_sid AND e.at = j.event_at",
)
# In two questions, for many lanes: their jobs often share an event, which is read once then.
JOBS_ALONE: Final = _JOBS_OF_LANES.format(columns="j.event_sid, j.event_at", events="")
EVENTS_OF_JOBS: Final = f"""
SELECT e.account_sid, e.request_id, {_EVENT}
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS j (account_sid, event_sid, event_at)
JOIN event AS e ON e.account_sid = j.account_sid AND e.sid = j.event_sid AND e.at = j.event_at"""  # noqa: S608 - only names of columns

RELEASE_LANES: Final = "SELECT account_sid, name, more FROM release_lanes($1, $2, $3, $4, $5, $6)"

DISOWN: Final = """
UPDATE lane SET lease = NULL, holder = NULL
WHERE holder = $1 AND NOT EXISTS (
    SELECT 1 FROM unnest($2::text[], $3::text[]) AS known (account_sid, name)
    WHERE known.account_sid = lane.account_sid AND known.name = lane.name
)"""

# Lanes that somebody else writes to at the moment are renewed next time: waiting here could close a circle.
RENEW: Final = """
UPDATE lane SET lease = $2
WHERE (account_sid, name) IN (
    SELECT account_sid, name FROM lane WHERE holder = $1 AND lease < $3 FOR UPDATE SKIP LOCKED
)"""

NEXT_DUE: Final = "SELECT min(due) FROM lane WHERE holder IS NULL"

COUNT_BUSY: Final = "SELECT count(*) FROM lane WHERE holder IS NOT NULL OR due <= $1"

FREE_LANES_OF_THE_DEAD: Final = """
UPDATE lane SET lease = NULL, holder = NULL
WHERE holder IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND classid = $1::int::oid AND objid = holder::oid AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
RETURNING holder"""

FORGET_DEAD_PROCESSES: Final = """
DELETE FROM process
WHERE NOT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND classid = $1::int::oid AND objid = number::oid AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
) AND NOT EXISTS (SELECT 1 FROM lane WHERE holder = number)"""

ADD_PROCESS: Final = """
INSERT INTO process (started_at, seen_at, version, host, pid) VALUES ($1, $1, $2, $3, $4) RETURNING number"""

# A restarted database knows no locks: another process may have taken our row for one of the dead.
HEARTBEAT: Final = """
INSERT INTO process (number, started_at, seen_at, version, host, pid) OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $2, $3, $4, $5) ON CONFLICT (number) DO UPDATE SET seen_at = excluded.seen_at"""
OTHER_PROCESSES: Final = "SELECT count(*) FROM process WHERE number <> $1"
REMOVE_PROCESS: Final = "DELETE FROM process WHERE number = $1"
HOLD_PROCESS_LOCK: Final = "SELECT pg_try_advisory_lock($1, $2)"

FAILED: Final = "UPDATE job SET attempt = $3, error = $4 WHERE account_sid = $1 AND id = $2"
DIED: Final = "UPDATE job SET attempt = $3, error = $4, dead_at = $5 WHERE account_sid = $1 AND id = $2"
REMOVE_JOBS: Final = """
DELETE FROM job USING unnest($1::text[], $2::bigint[]) AS done (account_sid, id)
WHERE job.account_sid = done.account_sid AND job.id = done.id AND dead_at IS NULL"""
REMOVE_JOB: Final = "DELETE FROM job WHERE account_sid = $1 AND id = $2 AND dead_at IS NULL"

LIST_JOBS: Final = """
SELECT id, lane, handler, attempt, due, dead_at, error, event_sid FROM job
WHERE account_sid = $1 AND ($2 = FALSE OR dead_at IS NOT NULL) AND id > $3 ORDER BY id LIMIT $4"""

REVIVE: Final = """
WITH alive AS (
    UPDATE job SET dead_at = NULL, attempt = 0, due = '-infinity'
    WHERE account_sid = $1 AND dead_at IS NOT NULL AND ($2::bigint IS NULL OR id = $2)
    RETURNING lane
), woken AS (
    INSERT INTO lane (account_sid, name, due) SELECT DISTINCT $1, alive.lane, $3::timestamptz FROM alive
    ON CONFLICT (account_sid, name) DO UPDATE SET due = excluded.due, retry = NULL
)
SELECT count(*) FROM alive"""

# What `parlour doctor` asks (invariant 9): $1 account, $2 domain time.
JOBS_THAT_NOBODY_RUNS: Final = """
SELECT j.id, j.lane, j.handler, l.due AS lane_due FROM job AS j
LEFT JOIN lane AS l ON l.account_sid = j.account_sid AND l.name = j.lane
WHERE j.account_sid = $1 AND j.dead_at IS NULL AND (l.name IS NULL OR (
    l.holder IS NULL
    AND l.due > greatest(j.due, coalesce(l.retry, '-infinity'), $2::timestamptz + interval '1 minute')))
ORDER BY j.id"""

LANES_OF_NOBODY: Final = """
SELECT l.name AS lane, l.holder, l.lease FROM lane AS l
WHERE l.account_sid = $1 AND $2::timestamptz IS NOT NULL AND l.holder IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM process WHERE number = l.holder)
ORDER BY l.name"""

DEAD_WITHOUT_HISTORY: Final = """
SELECT id, lane, handler, dead_at FROM job
WHERE account_sid = $1 AND $2::timestamptz IS NOT NULL AND dead_at IS NOT NULL AND (error IS NULL OR attempt = 0)
ORDER BY id"""
