-- Matching reads workers in the order of their idleness, the available ones first.
DROP INDEX worker_available;
CREATE INDEX worker_idle ON worker (workspace_sid, available DESC, last_reserved_time, sid);
