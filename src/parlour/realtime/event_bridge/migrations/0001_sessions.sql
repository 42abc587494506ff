-- A worker's open web socket. process: number of the server that holds it; opened_at: real time.
-- goes_offline: what its end does to the worker. activities, channels, reservations: how often these lists were
-- answered since it was opened. position: of the earliest reservation list among them. started: events flow.
-- dismissed: another session asked for its end.
CREATE TABLE worker_session (
    account_sid text NOT NULL,
    sid text NOT NULL,
    workspace_sid text NOT NULL,
    worker_sid text NOT NULL,
    process int NOT NULL,
    goes_offline boolean NOT NULL,
    opened_at timestamptz NOT NULL,
    activities int NOT NULL DEFAULT 0,
    channels int NOT NULL DEFAULT 0,
    reservations int NOT NULL DEFAULT 0,
    position bigint,
    started boolean NOT NULL DEFAULT FALSE,
    dismissed boolean NOT NULL DEFAULT FALSE,
    PRIMARY KEY (account_sid, sid)
);
CREATE INDEX worker_session_worker ON worker_session (account_sid, worker_sid);
CREATE INDEX worker_session_process ON worker_session (process);

-- Tokens that asked to be the only session already: they are obeyed once (agent-clients.md §1.4, 7).
CREATE TABLE worker_session_token (
    account_sid text NOT NULL,
    worker_sid text NOT NULL,
    token bytea NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (account_sid, worker_sid, token)
);
CREATE INDEX worker_session_token_expires ON worker_session_token (expires);
