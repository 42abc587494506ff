-- The Events API and the statistics read the event log by workspace and time (taskrouter.md §7.3, §8).
CREATE INDEX event_workspace ON event ((snapshot ->> 'workspace_sid'), at, sid)
    WHERE snapshot ->> 'workspace_sid' IS NOT NULL;
