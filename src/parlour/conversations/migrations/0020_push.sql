-- Push notifications: credentials of the account, what a service would say, and devices that registered.
-- Nothing is delivered by push; see docs/coverage.md. secrets: a JSON object sealed under the key file.
CREATE TABLE push_credential (
    account_sid text NOT NULL,
    sid text NOT NULL,
    friendly_name text,
    type text NOT NULL CHECK (type IN ('apn', 'gcm', 'fcm')),
    sandbox boolean NOT NULL,
    secrets bytea NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

CREATE TABLE push_binding (
    account_sid text NOT NULL,
    sid text NOT NULL,
    chat_service_sid text NOT NULL,
    credential_sid text NOT NULL,
    identity text NOT NULL,
    endpoint text NOT NULL,
    address text NOT NULL,
    binding_type text NOT NULL CHECK (binding_type IN ('apn', 'gcm', 'fcm', 'twilsock')),
    message_types text[] NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, chat_service_sid, binding_type, address),
    FOREIGN KEY (account_sid, chat_service_sid) REFERENCES chat_service (account_sid, sid) ON DELETE CASCADE,
    FOREIGN KEY (account_sid, credential_sid) REFERENCES push_credential (account_sid, sid) ON DELETE CASCADE
);
CREATE INDEX push_binding_of_service ON push_binding (chat_service_sid, sid);

CREATE TABLE notification_configuration (
    account_sid text NOT NULL,
    chat_service_sid text NOT NULL,
    log_enabled boolean NOT NULL,
    new_message jsonb NOT NULL,
    added_to_conversation jsonb NOT NULL,
    removed_from_conversation jsonb NOT NULL,
    PRIMARY KEY (account_sid, chat_service_sid),
    FOREIGN KEY (account_sid, chat_service_sid) REFERENCES chat_service (account_sid, sid) ON DELETE CASCADE
);
