CREATE TABLE workspace (
    account_sid text NOT NULL,
    sid text NOT NULL,
    friendly_name text NOT NULL,
    event_callback_url text NOT NULL,
    events_filter text,
    multi_task_enabled boolean NOT NULL,
    prioritize_queue_order text NOT NULL CHECK (prioritize_queue_order IN ('FIFO', 'LIFO')),
    default_activity_sid text NOT NULL,
    timeout_activity_sid text NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

CREATE TABLE activity (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    friendly_name text NOT NULL,
    available boolean NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, workspace_sid) REFERENCES workspace ON DELETE CASCADE
);
CREATE UNIQUE INDEX activity_name ON activity (account_sid, workspace_sid, friendly_name);

-- available repeats the flag of the activity, which never changes.
-- event_seq: the last position handed out in worker_event, under this row's lock (DESIGN 2.7).
CREATE TABLE worker (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    friendly_name text NOT NULL,
    attributes text NOT NULL,
    attributes_version int NOT NULL DEFAULT 0,
    activity_sid text NOT NULL,
    available boolean NOT NULL,
    version int NOT NULL DEFAULT 0,
    event_seq bigint NOT NULL DEFAULT 0,
    last_reserved_time timestamptz NOT NULL,
    date_status_changed timestamptz NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, workspace_sid) REFERENCES workspace ON DELETE CASCADE,
    FOREIGN KEY (account_sid, activity_sid) REFERENCES activity
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX worker_name ON worker (account_sid, workspace_sid, lower(friendly_name));
CREATE INDEX worker_available ON worker (account_sid, workspace_sid, sid) WHERE available;
CREATE INDEX worker_activity ON worker (account_sid, activity_sid);

CREATE TABLE task_channel (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    friendly_name text NOT NULL,
    unique_name text NOT NULL,
    channel_optimized_routing boolean NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, workspace_sid) REFERENCES workspace ON DELETE CASCADE
);
CREATE UNIQUE INDEX task_channel_name ON task_channel (account_sid, workspace_sid, unique_name);

-- The three counters say how many reservations of each holding status the worker has on this channel.
CREATE TABLE worker_channel (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    worker_sid text NOT NULL,
    task_channel_sid text NOT NULL,
    configured_capacity int NOT NULL,
    available boolean NOT NULL,
    pending_tasks int NOT NULL DEFAULT 0 CHECK (pending_tasks >= 0),
    assigned_tasks int NOT NULL DEFAULT 0 CHECK (assigned_tasks >= 0),
    wrapping_tasks int NOT NULL DEFAULT 0 CHECK (wrapping_tasks >= 0),
    last_reserved_time timestamptz NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, worker_sid) REFERENCES worker ON DELETE CASCADE,
    FOREIGN KEY (account_sid, task_channel_sid) REFERENCES task_channel ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX worker_channel_pair ON worker_channel (account_sid, worker_sid, task_channel_sid);
CREATE INDEX worker_channel_task_channel ON worker_channel (account_sid, task_channel_sid);

CREATE TABLE task_queue (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    friendly_name text NOT NULL,
    target_workers text NOT NULL,
    max_reserved_workers int NOT NULL,
    task_order text NOT NULL CHECK (task_order IN ('FIFO', 'LIFO')),
    reservation_activity_sid text,
    assignment_activity_sid text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, workspace_sid) REFERENCES workspace ON DELETE CASCADE
);
CREATE INDEX task_queue_workspace ON task_queue (account_sid, workspace_sid, sid);

-- revision: waiting tasks stay on the configuration that placed them (taskrouter.md §3.4).
CREATE TABLE workflow (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    friendly_name text NOT NULL,
    configuration text NOT NULL,
    revision int NOT NULL DEFAULT 0,
    task_reservation_timeout int NOT NULL,
    assignment_callback_url text,
    fallback_assignment_callback_url text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, workspace_sid) REFERENCES workspace ON DELETE CASCADE
);
CREATE INDEX workflow_workspace ON workflow (account_sid, workspace_sid, sid);

CREATE TABLE workflow_revision (
    account_sid text NOT NULL,
    workflow_sid text NOT NULL,
    revision int NOT NULL,
    configuration text NOT NULL,
    PRIMARY KEY (account_sid, workflow_sid, revision),
    FOREIGN KEY (account_sid, workflow_sid) REFERENCES workflow ON DELETE CASCADE
);

-- filter, target: the place in revision of the workflow; filter -1 is default_filter, NULL is none (routing target).
-- target_seconds: sum of the time-outs of the targets entered so far; target_deadline: its end, NULL without one.
-- entering: skip_if of the target has not been asked yet. group_key: tasks of one key suit the same workers.
-- rank_kind, rank_time: the place in the queue, lower is earlier, for FIFO and LIFO alike (taskrouter.md §2.5).
CREATE TABLE task (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    assignment_status text NOT NULL
        CHECK (assignment_status IN ('pending', 'reserved', 'assigned', 'wrapping', 'completed', 'canceled')),
    attributes text NOT NULL,
    addons text NOT NULL DEFAULT '{}',
    priority int NOT NULL,
    reason text,
    canceled_by text,
    timeout int NOT NULL,
    task_channel_sid text NOT NULL,
    workflow_sid text,
    workflow_revision int,
    task_queue_sid text,
    task_queue_entered_date timestamptz,
    virtual_start_time timestamptz NOT NULL,
    routing_target text,
    ignore_capacity boolean NOT NULL,
    version int NOT NULL DEFAULT 0,
    filter int,
    target int,
    target_seconds int NOT NULL DEFAULT 0,
    target_deadline timestamptz,
    entering boolean NOT NULL,
    workflow_entered_date timestamptz,
    group_key text NOT NULL,
    rank_priority bigint NOT NULL,
    rank_time bigint NOT NULL,
    rejected_by text[] NOT NULL DEFAULT '{}',
    assignment_count int NOT NULL DEFAULT 0,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    date_ended timestamptz,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, workspace_sid) REFERENCES workspace ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX task_workspace ON task (account_sid, workspace_sid, sid);
CREATE INDEX task_waiting ON task (account_sid, workspace_sid, group_key, rank_priority, rank_time, sid)
    WHERE assignment_status = 'pending';
CREATE INDEX task_queue_live ON task (account_sid, task_queue_sid) WHERE date_ended IS NULL;
CREATE INDEX task_workflow_live ON task (account_sid, workflow_sid) WHERE date_ended IS NULL;

CREATE TABLE reservation (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    task_sid text NOT NULL,
    worker_sid text NOT NULL,
    worker_name text NOT NULL,
    worker_previous_activity_sid text NOT NULL,
    task_channel_sid text NOT NULL,
    reservation_status text NOT NULL CHECK (reservation_status IN
        ('pending', 'accepted', 'rejected', 'timeout', 'canceled', 'rescinded', 'wrapping', 'completed')),
    reservation_timeout int NOT NULL,
    canceled_reason_code text,
    version int NOT NULL DEFAULT 0,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    date_accepted timestamptz,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, task_sid) REFERENCES task ON DELETE CASCADE,
    FOREIGN KEY (account_sid, worker_sid) REFERENCES worker ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX reservation_task ON reservation (account_sid, task_sid, sid);
CREATE INDEX reservation_worker ON reservation (account_sid, worker_sid, sid);
CREATE INDEX reservation_holding ON reservation (account_sid, worker_sid, sid)
    WHERE reservation_status IN ('pending', 'accepted', 'wrapping');
CREATE UNIQUE INDEX reservation_pending_pair ON reservation (account_sid, task_sid, worker_sid)
    WHERE reservation_status = 'pending';

-- What a worker's sockets are told, in order and without gaps (DESIGN 2.7).
CREATE TABLE worker_event (
    account_sid text NOT NULL,
    worker_sid text NOT NULL,
    seq bigint NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_sid, worker_sid, seq)
);
CREATE INDEX worker_event_at ON worker_event (at);

-- The dirty set of matching: tasks and workers to look at, or the workspace itself for all of it. Rows are only
-- ever added and taken, so that marking waits for nobody.
CREATE TABLE match_mark (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_sid text NOT NULL,
    workspace_sid text NOT NULL,
    subject_sid text NOT NULL
);
CREATE INDEX match_mark_workspace ON match_mark (account_sid, workspace_sid, id);
