-- The event log, kept 30 days, a partition a day (made ahead by a sweep; what none fits goes to the default one).
CREATE TABLE event (
    account_sid text NOT NULL,
    sid text NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    stream text NOT NULL,
    object_sid text NOT NULL,
    request_id text NOT NULL,
    cause text,
    snapshot jsonb NOT NULL,
    PRIMARY KEY (account_sid, sid, at)
) PARTITION BY RANGE (at);
CREATE TABLE event_default PARTITION OF event DEFAULT;
-- These begin with the SID and not with the account: while a table is small the planner would take any index that
-- begins with the account for a look-up by the primary key, and would go on doing so as the table grows.
CREATE INDEX event_stream ON event (stream, sid);
CREATE INDEX event_object ON event (object_sid, sid);
CREATE INDEX event_cause ON event (cause) WHERE cause IS NOT NULL;
CREATE INDEX event_request ON event (request_id);

-- A living server process. It holds the advisory lock (7265002, number) for as long as it lives.
CREATE TABLE process (
    number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    version text NOT NULL,
    host text NOT NULL,
    pid int NOT NULL
);

-- A lane runs its jobs in order, one at a time.
-- due: domain time of the next run, never before retry. lease: real time until which holder has the lane.
CREATE TABLE lane (
    account_sid text NOT NULL,
    name text NOT NULL,
    due timestamptz NOT NULL,
    retry timestamptz,
    lease timestamptz,
    holder int,
    PRIMARY KEY (account_sid, name)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX lane_due ON lane (due);
CREATE INDEX lane_holder ON lane (holder) WHERE holder IS NOT NULL;

-- due: '-infinity' for work that follows an event at once, so that such jobs keep the order of their ids.
CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_sid text NOT NULL,
    lane text NOT NULL,
    handler text NOT NULL,
    due timestamptz NOT NULL DEFAULT '-infinity',
    attempt int NOT NULL DEFAULT 0,
    request_id text NOT NULL,
    event_sid text,
    event_at timestamptz,
    payload jsonb,
    dead_at timestamptz,
    error text
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX job_lane ON job (lane, due, id) WHERE dead_at IS NULL;
CREATE INDEX job_dead ON job (id) WHERE dead_at IS NOT NULL;

-- The domain clock of --test-clock; without a row domain time is real time.
CREATE TABLE domain_clock (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    at timestamptz NOT NULL
);
