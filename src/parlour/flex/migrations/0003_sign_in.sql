-- People who sign in to the agent desktop (agent-clients.md §3). password: argon2id with its parameters.
CREATE TABLE desktop_user (
    account_sid text NOT NULL REFERENCES account,
    sid text NOT NULL,
    identity text NOT NULL,
    full_name text NOT NULL,
    roles text[] NOT NULL CHECK (roles <@ ARRAY['agent', 'supervisor', 'admin'] AND cardinality(roles) > 0),
    password text NOT NULL,
    worker_sid text,
    last_sign_in timestamptz,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);
CREATE UNIQUE INDEX desktop_user_identity ON desktop_user (account_sid, lower(identity));

-- Wrong passwords for a name, whether or not somebody has it: a guesser must not learn which names exist.
CREATE TABLE sign_in_attempt (
    account_sid text NOT NULL REFERENCES account,
    name text NOT NULL,
    failures int NOT NULL,
    locked_until timestamptz,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, name)
);

-- A session begins when its code is exchanged. Codes and refresh tokens are kept as hashes only.
CREATE TABLE sign_in_session (
    account_sid text NOT NULL,
    sid text NOT NULL,
    user_sid text NOT NULL,
    refresh_hash bytea NOT NULL,
    earlier_hash bytea,
    earlier_until timestamptz,
    expires timestamptz NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, user_sid) REFERENCES desktop_user ON DELETE CASCADE
);
CREATE INDEX sign_in_session_user ON sign_in_session (account_sid, user_sid);
CREATE UNIQUE INDEX sign_in_session_refresh ON sign_in_session (account_sid, refresh_hash);
CREATE INDEX sign_in_session_earlier ON sign_in_session (account_sid, earlier_hash) WHERE earlier_hash IS NOT NULL;

-- session_sid: what the code was exchanged for; a code that comes twice ends that session.
CREATE TABLE sign_in_code (
    account_sid text NOT NULL,
    code_hash bytea NOT NULL,
    user_sid text NOT NULL,
    challenge text NOT NULL,
    nonce text NOT NULL,
    expires timestamptz NOT NULL,
    session_sid text,
    PRIMARY KEY (account_sid, code_hash),
    FOREIGN KEY (account_sid, user_sid) REFERENCES desktop_user ON DELETE CASCADE
);

-- The API key that signs the account's sign-in tokens.
CREATE TABLE sign_in_key (
    account_sid text PRIMARY KEY REFERENCES account,
    key_sid text NOT NULL,
    date_created timestamptz NOT NULL
);
