-- Deployment keys: what a web page names to open chats without credentials (flex.md §4.4).
CREATE TABLE webchat_key (
    account_sid text NOT NULL REFERENCES account,
    sid text NOT NULL,
    friendly_name text NOT NULL,
    address_sid text NOT NULL,
    allowed_origins text[] NOT NULL,
    fingerprint boolean NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);
CREATE UNIQUE INDEX webchat_key_sid ON webchat_key (sid);
