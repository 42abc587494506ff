-- Open web sockets of clients. process: number of the server that holds it; opened_at: real time.
CREATE TABLE chat_session (
    account_sid text NOT NULL,
    sid text NOT NULL,
    chat_service_sid text NOT NULL,
    identity text NOT NULL,
    process int NOT NULL,
    opened_at timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, chat_service_sid) REFERENCES chat_service (account_sid, sid) ON DELETE CASCADE
);
CREATE INDEX chat_session_of_user ON chat_session (chat_service_sid, identity);
CREATE INDEX chat_session_process ON chat_session (process);
CREATE INDEX push_binding_of_user ON push_binding (chat_service_sid, identity);

-- Null: reachability is off, or the user was never online (had no device) since it was switched on.
ALTER TABLE chat_user ADD COLUMN is_online boolean, ADD COLUMN is_notifiable boolean;
