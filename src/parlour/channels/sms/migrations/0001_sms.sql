-- The HTTP carrier kind: connections, what came in as it came, and what goes out with the state of its sending.

CREATE TABLE carrier_connection (
    account_sid text NOT NULL,
    sid text NOT NULL,
    name text NOT NULL,
    base_url text NOT NULL,
    upstream_account_sid text NOT NULL,
    auth_token bytea NOT NULL,
    lists_at_once boolean NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, name)
);
CREATE UNIQUE INDEX carrier_connection_sid ON carrier_connection (sid);

-- A carrier's webhook as it came. The key is kept for ever, the body (form) for 14 days.
CREATE TABLE carrier_event (
    account_sid text NOT NULL,
    connection_sid text NOT NULL,
    provider_sid text NOT NULL,
    form jsonb,
    received_at timestamptz NOT NULL,
    done_at timestamptz,
    log_sid text,
    conversation_sid text,
    message_sid text,
    PRIMARY KEY (account_sid, connection_sid, provider_sid)
);
CREATE INDEX carrier_event_open ON carrier_event (account_sid, received_at) WHERE done_at IS NULL;
CREATE INDEX carrier_event_body ON carrier_event (account_sid, received_at) WHERE form IS NOT NULL AND done_at IS NOT NULL;

-- sid: the message in the log. called_at: real time of the last call to the carrier.
CREATE TABLE carrier_send (
    account_sid text NOT NULL,
    sid text NOT NULL,
    connection_sid text NOT NULL,
    conversation_sid text,
    message_sid text,
    participant_sid text,
    receipt_sid text,
    address text NOT NULL,
    proxy_address text NOT NULL,
    body text NOT NULL,
    media jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown')),
    called_at timestamptz,
    provider_sid text,
    error_code integer,
    reason text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, message_sid, participant_sid)
);
CREATE UNIQUE INDEX carrier_send_provider ON carrier_send (account_sid, connection_sid, provider_sid)
    WHERE provider_sid IS NOT NULL;
CREATE INDEX carrier_send_receipt ON carrier_send (account_sid, receipt_sid) WHERE receipt_sid IS NOT NULL;
CREATE INDEX carrier_send_unsettled ON carrier_send (account_sid, state, sid)
    WHERE state IN ('queued', 'sending', 'unknown');
