-- Flows, their revisions, executions and steps: studio.md. A definition is kept as the client's own text, so that an
-- export gives back its keys in their order; contexts are text because they may hold what jsonb refuses (U+0000).

CREATE TABLE studio_flow (
    account_sid text NOT NULL,
    sid text NOT NULL,
    friendly_name text NOT NULL,
    revision integer NOT NULL,
    published_revision integer,
    test_users text[] NOT NULL DEFAULT '{}',
    date_created timestamptz NOT NULL,
    date_updated timestamptz,
    PRIMARY KEY (account_sid, sid)
);

CREATE TABLE studio_revision (
    account_sid text NOT NULL,
    flow_sid text NOT NULL,
    revision integer NOT NULL,
    friendly_name text NOT NULL,
    status text NOT NULL CHECK (status IN ('draft', 'published')),
    definition text NOT NULL,
    commit_message text,
    warnings jsonb NOT NULL DEFAULT '[]',
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, flow_sid, revision),
    FOREIGN KEY (account_sid, flow_sid) REFERENCES studio_flow (account_sid, sid) ON DELETE CASCADE
);

-- execution_key is what makes an execution the only active one of its flow: the conversation, or both addresses.
CREATE TABLE studio_execution (
    account_sid text NOT NULL,
    sid text NOT NULL,
    flow_sid text NOT NULL,
    flow_revision integer NOT NULL,
    status text NOT NULL CHECK (status IN ('active', 'ended')),
    execution_key text NOT NULL,
    conversation_sid text,
    contact_channel_address text NOT NULL,
    flow_channel_address text NOT NULL,
    initiated_by text NOT NULL,
    state text NOT NULL,
    ended_reason text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, flow_sid) REFERENCES studio_flow (account_sid, sid) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX studio_execution_active ON studio_execution (account_sid, flow_sid, execution_key)
    WHERE status = 'active';
CREATE INDEX studio_execution_of_conversation ON studio_execution (account_sid, conversation_sid, sid)
    WHERE conversation_sid IS NOT NULL;
CREATE INDEX studio_execution_of_flow ON studio_execution (account_sid, flow_sid, sid);

CREATE TABLE studio_step (
    account_sid text NOT NULL,
    sid text NOT NULL,
    flow_sid text NOT NULL,
    execution_sid text NOT NULL,
    parent_step_sid text,
    position integer NOT NULL,
    name text NOT NULL,
    transitioned_from text NOT NULL,
    transitioned_to text NOT NULL,
    type text NOT NULL,
    context text NOT NULL,
    log jsonb NOT NULL DEFAULT '[]',
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, execution_sid) REFERENCES studio_execution (account_sid, sid) ON DELETE CASCADE
);
CREATE UNIQUE INDEX studio_step_of_execution ON studio_step (account_sid, execution_sid, position);
