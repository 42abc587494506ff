-- Numbers of an account and the log of every text that went in or out (channels.md §1.2, §1.5).

CREATE TABLE incoming_phone_number (
    account_sid text NOT NULL,
    sid text NOT NULL,
    phone_number text NOT NULL,
    friendly_name text NOT NULL,
    type text NOT NULL CHECK (type IN ('local', 'mobile', 'toll free')),
    connection_sid text,
    sms_url text NOT NULL,
    sms_method text NOT NULL,
    sms_fallback_url text NOT NULL,
    sms_fallback_method text NOT NULL,
    api_version text NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, phone_number)
);

-- position: the SID without its two letters, because SM and MM are one sequence.
CREATE TABLE message_log (
    account_sid text NOT NULL,
    sid text NOT NULL,
    position text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('inbound', 'outbound-api', 'outbound-call', 'outbound-reply')),
    status text NOT NULL,
    from_address text NOT NULL,
    to_address text NOT NULL,
    body text NOT NULL,
    num_media integer NOT NULL,
    num_segments integer NOT NULL,
    media_urls text[] NOT NULL DEFAULT '{}',
    messaging_service_sid text,
    provider_sid text,
    error_code integer,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    date_sent timestamptz,
    PRIMARY KEY (account_sid, sid)
);
CREATE INDEX message_log_newest ON message_log (account_sid, position);
CREATE INDEX message_log_to ON message_log (account_sid, to_address, position);
CREATE INDEX message_log_from ON message_log (account_sid, from_address, position);
