-- Content templates and the requests for their approval. types and variables as they were given.
CREATE TABLE content (
    account_sid text NOT NULL,
    sid text NOT NULL,
    friendly_name text NOT NULL,
    language text NOT NULL,
    variables jsonb NOT NULL,
    types jsonb NOT NULL,
    approval jsonb,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);
