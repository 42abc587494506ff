-- One Flex instance per account: where its work goes and its settings as the desktop reads them (flex.md §3.1).
CREATE TABLE flex_configuration (
    account_sid text PRIMARY KEY REFERENCES account,
    flex_instance_sid text NOT NULL,
    chat_service_instance_sid text NOT NULL,
    taskrouter_workspace_sid text NOT NULL,
    taskrouter_target_workflow_sid text NOT NULL,
    taskrouter_target_taskqueue_sid text NOT NULL,
    taskrouter_offline_activity_sid text NOT NULL,
    settings jsonb NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL
);

CREATE TABLE interaction (
    account_sid text NOT NULL REFERENCES account,
    sid text NOT NULL,
    initiated_by text NOT NULL CHECK (initiated_by IN ('customer', 'agent', 'api')),
    routing jsonb NOT NULL,
    interaction_context_sid text,
    webhook_ttid text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

-- parked: the agent left on purpose and a customer's message or an invite brings the work back (invariant 4).
CREATE TABLE interaction_channel (
    account_sid text NOT NULL,
    sid text NOT NULL,
    interaction_sid text NOT NULL,
    conversation_sid text NOT NULL,
    type text NOT NULL,
    status text NOT NULL
        CHECK (status IN ('setup', 'active', 'failed', 'closed', 'inactive', 'pause', 'transfer')),
    error_code int,
    error_message text,
    customer_address text NOT NULL,
    customer_name text NOT NULL,
    parked boolean NOT NULL DEFAULT FALSE,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, interaction_sid) REFERENCES interaction
);
CREATE INDEX interaction_channel_interaction ON interaction_channel (account_sid, interaction_sid, sid);
CREATE UNIQUE INDEX interaction_channel_open ON interaction_channel (account_sid, conversation_sid)
    WHERE status NOT IN ('closed', 'failed');

CREATE TABLE interaction_invite (
    account_sid text NOT NULL,
    sid text NOT NULL,
    interaction_sid text NOT NULL,
    channel_sid text NOT NULL,
    task_sid text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'accepted', 'ended')),
    routing jsonb NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, channel_sid) REFERENCES interaction_channel
);
CREATE UNIQUE INDEX interaction_invite_task ON interaction_invite (account_sid, task_sid);
CREATE INDEX interaction_invite_channel ON interaction_invite (account_sid, channel_sid, sid);

CREATE TABLE interaction_participant (
    account_sid text NOT NULL,
    sid text NOT NULL,
    interaction_sid text NOT NULL,
    channel_sid text NOT NULL,
    type text NOT NULL CHECK (type IN ('supervisor', 'customer', 'external', 'agent', 'unknown')),
    conversation_participant_sid text,
    identity text,
    task_sid text,
    worker_sid text,
    reservation_sid text,
    left_at timestamptz,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, channel_sid) REFERENCES interaction_channel
);
CREATE INDEX interaction_participant_channel ON interaction_participant (account_sid, channel_sid, sid);
CREATE UNIQUE INDEX interaction_participant_reservation ON interaction_participant (account_sid, reservation_sid)
    WHERE reservation_sid IS NOT NULL;
