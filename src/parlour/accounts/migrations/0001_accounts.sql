CREATE TABLE account (
    account_sid text PRIMARY KEY,
    friendly_name text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
    auth_token bytea NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL
);

CREATE TABLE api_key (
    account_sid text NOT NULL REFERENCES account,
    sid text NOT NULL,
    friendly_name text NOT NULL,
    secret bytea NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);
CREATE UNIQUE INDEX api_key_sid ON api_key (sid);
