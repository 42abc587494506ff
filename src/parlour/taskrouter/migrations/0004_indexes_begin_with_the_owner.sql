-- An index that begins with the account and ends with the SID is taken for the look-up of a single row while the table
-- is small, and is then read from end to end; one that begins with the owner's SID is not (see event_stream).
DROP INDEX worker_available;
CREATE INDEX worker_available ON worker (workspace_sid, sid) WHERE available;
DROP INDEX task_queue_workspace;
CREATE INDEX task_queue_workspace ON task_queue (workspace_sid, sid);
DROP INDEX workflow_workspace;
CREATE INDEX workflow_workspace ON workflow (workspace_sid, sid);
DROP INDEX task_workspace;
CREATE INDEX task_workspace ON task (workspace_sid, sid);
DROP INDEX task_waiting;
CREATE INDEX task_waiting ON task (workspace_sid, group_key, rank_priority, rank_time, sid)
    WHERE assignment_status = 'pending';
DROP INDEX reservation_task;
CREATE INDEX reservation_task ON reservation (task_sid, sid);
DROP INDEX reservation_worker;
CREATE INDEX reservation_worker ON reservation (worker_sid, sid);
DROP INDEX reservation_holding;
CREATE INDEX reservation_holding ON reservation (worker_sid, sid)
    WHERE reservation_status IN ('pending', 'accepted', 'wrapping');
