-- Conversations: the tables of conversations.md. Removed participants, messages and conversations stay as tombstones,
-- because a client that reconnects replays removals from them (DESIGN 2.6).

CREATE TABLE chat_service (
    account_sid text NOT NULL,
    sid text NOT NULL,
    friendly_name text NOT NULL,
    default_conversation_creator_role_sid text,
    default_conversation_role_sid text,
    default_chat_service_role_sid text,
    reachability_enabled boolean NOT NULL DEFAULT false,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

CREATE TABLE conversations_configuration (
    account_sid text PRIMARY KEY,
    default_chat_service_sid text NOT NULL,
    default_messaging_service_sid text,
    default_inactive_timer text,
    default_closed_timer text,
    date_updated timestamptz NOT NULL,
    FOREIGN KEY (account_sid, default_chat_service_sid) REFERENCES chat_service (account_sid, sid)
);

CREATE TABLE chat_role (
    account_sid text NOT NULL,
    sid text NOT NULL,
    chat_service_sid text NOT NULL,
    friendly_name text NOT NULL,
    type text NOT NULL CHECK (type IN ('conversation', 'service')),
    permissions text[] NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, chat_service_sid) REFERENCES chat_service (account_sid, sid) ON DELETE CASCADE
);
CREATE INDEX chat_role_of_service ON chat_role (account_sid, chat_service_sid, sid);

CREATE TABLE chat_user (
    account_sid text NOT NULL,
    sid text NOT NULL,
    chat_service_sid text NOT NULL,
    identity text NOT NULL,
    role_sid text NOT NULL,
    friendly_name text,
    attributes text NOT NULL DEFAULT '{}',
    conversations_sid text NOT NULL,
    info_sid text NOT NULL,
    change bigint NOT NULL DEFAULT 1,
    conversations_change bigint NOT NULL DEFAULT 0,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, chat_service_sid, identity),
    FOREIGN KEY (account_sid, chat_service_sid) REFERENCES chat_service (account_sid, sid) ON DELETE CASCADE,
    FOREIGN KEY (account_sid, role_sid) REFERENCES chat_role (account_sid, sid)
);
CREATE INDEX chat_user_of_service ON chat_user (account_sid, chat_service_sid, sid);

CREATE TABLE conversation (
    account_sid text NOT NULL,
    sid text NOT NULL,
    chat_service_sid text NOT NULL,
    messaging_service_sid text,
    friendly_name text,
    unique_name text,
    attributes text NOT NULL DEFAULT '{}',
    state text NOT NULL CHECK (state IN ('initializing', 'active', 'inactive', 'closed')),
    state_at timestamptz NOT NULL,
    timer_inactive text,
    timer_closed text,
    inactive_seconds bigint,
    closed_seconds bigint,
    date_inactive timestamptz,
    date_closed timestamptz,
    created_by text NOT NULL,
    next_index integer NOT NULL DEFAULT 0,
    last_message_at timestamptz,
    listeners jsonb NOT NULL DEFAULT '{"webhooks": [], "recipients": []}',
    document_sid text NOT NULL,
    messages_sid text NOT NULL,
    roster_sid text NOT NULL,
    change bigint NOT NULL DEFAULT 1,
    messages_change bigint NOT NULL DEFAULT 0,
    roster_change bigint NOT NULL DEFAULT 0,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, chat_service_sid) REFERENCES chat_service (account_sid, sid)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX conversation_unique_name ON conversation (account_sid, chat_service_sid, unique_name)
    WHERE unique_name IS NOT NULL AND removed_at IS NULL;
CREATE INDEX conversation_newest ON conversation (account_sid, chat_service_sid, date_created DESC, sid DESC)
    WHERE removed_at IS NULL;

CREATE TABLE participant (
    account_sid text NOT NULL,
    sid text NOT NULL,
    conversation_sid text NOT NULL,
    chat_service_sid text NOT NULL,
    type text NOT NULL,
    identity text,
    user_sid text,
    address text,
    proxy_address text,
    role_sid text,
    attributes text NOT NULL DEFAULT '{}',
    last_read_message_index integer,
    last_read_timestamp timestamptz,
    notification_level text NOT NULL DEFAULT 'default' CHECK (notification_level IN ('default', 'muted')),
    created_change bigint NOT NULL,
    change bigint NOT NULL,
    user_created_change bigint,
    user_change bigint,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, conversation_sid) REFERENCES conversation (account_sid, sid)
);
CREATE UNIQUE INDEX participant_identity ON participant (account_sid, conversation_sid, identity)
    WHERE identity IS NOT NULL AND removed_at IS NULL;
CREATE INDEX participant_address ON participant (account_sid, conversation_sid, address)
    WHERE address IS NOT NULL AND removed_at IS NULL;
CREATE INDEX participant_of_conversation ON participant (account_sid, conversation_sid, sid) WHERE removed_at IS NULL;
CREATE INDEX participant_roster_change ON participant (account_sid, conversation_sid, change);
CREATE INDEX participant_user_change ON participant (account_sid, user_sid, user_change) WHERE user_sid IS NOT NULL;
CREATE INDEX participant_by_identity ON participant (account_sid, identity, sid DESC)
    WHERE identity IS NOT NULL AND removed_at IS NULL;
CREATE INDEX participant_by_address ON participant (account_sid, address, sid DESC)
    WHERE address IS NOT NULL AND removed_at IS NULL;

-- The primary key is the lock of "one not-closed conversation per pair" (DESIGN 2.9, invariant 2).
CREATE TABLE open_pair (
    account_sid text NOT NULL,
    address text NOT NULL,
    proxy_address text NOT NULL,
    conversation_sid text NOT NULL,
    PRIMARY KEY (account_sid, address, proxy_address)
);
CREATE INDEX open_pair_of_conversation ON open_pair (account_sid, conversation_sid);

CREATE TABLE message (
    account_sid text NOT NULL,
    sid text NOT NULL,
    conversation_sid text NOT NULL,
    chat_service_sid text NOT NULL,
    index integer NOT NULL,
    author text NOT NULL,
    participant_sid text,
    body text,
    attributes text NOT NULL DEFAULT '{}',
    subject text,
    media jsonb,
    delivery jsonb,
    recipient_count integer NOT NULL DEFAULT 0,
    source text NOT NULL,
    client_identity text,
    last_updated_by text,
    created_change bigint NOT NULL,
    change bigint NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, conversation_sid) REFERENCES conversation (account_sid, sid)
);
CREATE UNIQUE INDEX message_index ON message (account_sid, conversation_sid, index);
CREATE INDEX message_change ON message (account_sid, conversation_sid, change);

CREATE TABLE receipt (
    account_sid text NOT NULL,
    sid text NOT NULL,
    conversation_sid text NOT NULL,
    chat_service_sid text NOT NULL,
    message_sid text NOT NULL,
    participant_sid text NOT NULL,
    channel_message_sid text,
    status text CHECK (status IN ('sent', 'delivered', 'read', 'failed', 'undelivered')),
    error_code integer,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, message_sid, participant_sid),
    FOREIGN KEY (account_sid, message_sid) REFERENCES message (account_sid, sid) ON DELETE CASCADE
);
CREATE INDEX receipt_channel_message ON receipt (account_sid, channel_message_sid);

CREATE TABLE scoped_webhook (
    account_sid text NOT NULL,
    sid text NOT NULL,
    conversation_sid text NOT NULL,
    chat_service_sid text NOT NULL,
    target text NOT NULL CHECK (target IN ('webhook', 'trigger', 'studio')),
    url text,
    method text,
    filters text[],
    triggers text[],
    flow_sid text,
    retry_count integer NOT NULL DEFAULT 0,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, conversation_sid) REFERENCES conversation (account_sid, sid)
);
CREATE INDEX scoped_webhook_of_conversation ON scoped_webhook (account_sid, conversation_sid, sid);

CREATE TABLE address_configuration (
    account_sid text NOT NULL,
    sid text NOT NULL,
    type text NOT NULL,
    address text NOT NULL,
    friendly_name text NOT NULL,
    address_country text,
    enabled boolean NOT NULL,
    auto_creation_type text NOT NULL CHECK (auto_creation_type IN ('default', 'webhook', 'studio')),
    conversation_service_sid text,
    webhook_url text,
    webhook_method text,
    webhook_filters text[],
    studio_flow_sid text,
    studio_retry_count integer,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, address)
);

CREATE TABLE media (
    account_sid text NOT NULL,
    sid text NOT NULL,
    service_sid text NOT NULL,
    channel_sid text,
    message_sid text,
    size bigint NOT NULL,
    content_type text NOT NULL,
    filename text,
    author text,
    category text NOT NULL,
    sha256 text NOT NULL,
    key text NOT NULL,
    is_multipart_upstream boolean NOT NULL DEFAULT false,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (account_sid, sid)
);
CREATE INDEX media_of_conversation ON media (account_sid, channel_sid) WHERE channel_sid IS NOT NULL;
CREATE INDEX media_of_message ON media (account_sid, message_sid) WHERE message_sid IS NOT NULL;
