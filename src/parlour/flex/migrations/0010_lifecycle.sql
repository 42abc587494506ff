-- wake: how the work comes back to agents when the customer writes to a parked channel (flex.md §1.6).
ALTER TABLE interaction_channel
    ADD COLUMN parked_at timestamptz,
    ADD COLUMN wake jsonb;

-- auto_accept: the invited agent asked for it, so that the server accepts in their name.
ALTER TABLE interaction_invite
    ADD COLUMN auto_accept boolean NOT NULL DEFAULT FALSE,
    ADD COLUMN transfer_sid text;

-- leaving: why an agent's end does not end the conversation. away: they left it and still hold their reservation.
ALTER TABLE interaction_participant
    ADD COLUMN leaving text CHECK (leaving IN ('parked', 'inactive', 'pause', 'transfer')),
    ADD COLUMN away boolean NOT NULL DEFAULT FALSE;

CREATE TABLE interaction_transfer (
    account_sid text NOT NULL,
    sid text NOT NULL,
    interaction_sid text NOT NULL,
    channel_sid text NOT NULL,
    type text NOT NULL CHECK (type IN ('warm', 'cold')),
    status text NOT NULL CHECK (status IN ('active', 'failed', 'completed')),
    from_sid text NOT NULL,
    to_sid text NOT NULL,
    note_sid text,
    summary_sid text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    FOREIGN KEY (account_sid, channel_sid) REFERENCES interaction_channel
);
CREATE INDEX interaction_transfer_channel ON interaction_transfer (account_sid, channel_sid, sid);
CREATE UNIQUE INDEX interaction_transfer_going ON interaction_transfer (account_sid, from_sid) WHERE status = 'active';

-- What the server does for agents, and how their work ends: for a worker (WK), a queue (WQ) or the account (AC).
CREATE TABLE flex_orchestration (
    account_sid text NOT NULL REFERENCES account,
    sid text NOT NULL,
    auto_accept boolean,
    wrap_up_after int,
    maximum_wrap_up int,
    close_at text CHECK (close_at IN ('wrapup', 'completion')),
    on_task_end text CHECK (on_task_end IN ('wake', 'close', 'flag')),
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

CREATE TABLE interaction_webhook (
    account_sid text NOT NULL REFERENCES account,
    ttid text NOT NULL,
    instance_sid text NOT NULL,
    friendly_name text,
    type text NOT NULL CHECK (type IN ('global', 'interaction')),
    url text NOT NULL,
    method text NOT NULL CHECK (method IN ('GET', 'POST')),
    events text[] NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, ttid)
);
