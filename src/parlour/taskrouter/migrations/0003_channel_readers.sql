-- Whether a configuration of the workflow ever read worker.channel: then a worker's rising load, too, may make them
-- eligible for a waiting task, and matching must look at them.
ALTER TABLE workflow ADD COLUMN reads_channels boolean NOT NULL DEFAULT FALSE;
CREATE INDEX workflow_reads_channels ON workflow (account_sid, workspace_sid) WHERE reads_channels;
