-- Webhooks of the account (chat_service_sid '') and of services. listener: what the hot path needs to know, null where
-- no post-event is told; a row that is configured hides the account's for its service.
CREATE TABLE webhook_configuration (
    account_sid text NOT NULL,
    chat_service_sid text NOT NULL,
    method text NOT NULL CHECK (method IN ('GET', 'POST')),
    filters text[] NOT NULL,
    pre_webhook_url text,
    post_webhook_url text,
    target text NOT NULL CHECK (target IN ('webhook', 'flex')),
    configured boolean NOT NULL,
    listener jsonb,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, chat_service_sid)
);
