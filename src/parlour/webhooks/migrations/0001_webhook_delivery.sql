-- What was sent to whom and what came back: one row per try, kept 14 days. webhook_sid: a scoped webhook's SID, or that
-- of the service or account whose webhook it is. parameters: the body of a POST as it was sent, the added query of a GET.
-- token: the idempotency token, the same for every try of one event for one webhook.
CREATE TABLE webhook_delivery (
    account_sid text NOT NULL,
    sid text NOT NULL,
    at timestamptz NOT NULL,
    webhook_sid text NOT NULL,
    stream text NOT NULL,
    event_sid text,
    event_type text NOT NULL,
    attempt integer NOT NULL,
    method text NOT NULL CHECK (method IN ('get', 'post')),
    url text NOT NULL,
    parameters text NOT NULL,
    token text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('delivered', 'failed', 'dead')),
    status integer,
    answer text,
    error text,
    duration_ms integer NOT NULL,
    replay_of text,
    PRIMARY KEY (account_sid, sid)
);
CREATE INDEX webhook_delivery_of_webhook ON webhook_delivery (account_sid, webhook_sid, sid);
CREATE INDEX webhook_delivery_at ON webhook_delivery (at);
