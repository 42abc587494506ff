-- POSTs that came with a key, kept 24 hours. Until the answer is stored, by the transaction of the effect, the row is
-- leased (real time) to the request that works on it. caller: the identity of an access token, else empty.
CREATE TABLE idempotent_call (
    account_sid text NOT NULL,
    caller text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    body_hash text NOT NULL,
    holder text NOT NULL,
    lease timestamptz NOT NULL,
    status integer,
    headers jsonb,
    media_type text,
    body bytea,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, caller, operation, key)
);
CREATE INDEX idempotent_call_age ON idempotent_call (date_created);
