-- Ended executions are removed in time, the oldest first.
CREATE INDEX studio_execution_ended ON studio_execution (date_updated) WHERE status = 'ended';
-- Accounts that were there before begin to be swept at once.
INSERT INTO lane (account_sid, name, due) SELECT account_sid, 'timer:studio:sweep', '-infinity' FROM account;
INSERT INTO job (account_sid, lane, handler, request_id, payload)
SELECT account_sid, 'timer:studio:sweep', 'studio.sweep', 'RQ' || substr(account_sid, 3), '{}' FROM account;

-- Texts that came to a flow's own address: a sender that asks again is answered and not heard twice.
CREATE TABLE studio_text (
    account_sid text NOT NULL,
    flow_sid text NOT NULL,
    message_sid text NOT NULL,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, flow_sid, message_sid),
    FOREIGN KEY (account_sid, flow_sid) REFERENCES studio_flow (account_sid, sid) ON DELETE CASCADE
);
