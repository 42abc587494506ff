-- Files of texts that no conversation took; those of conversations lie with their messages (channels.md §1.2).
CREATE TABLE message_media (
    account_sid text NOT NULL,
    sid text NOT NULL,
    message_sid text NOT NULL,
    key text NOT NULL,
    content_type text NOT NULL,
    size bigint NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);
CREATE INDEX message_media_message ON message_media (message_sid, sid);

-- How many texts were sent back to a recipient lately (14107).
CREATE INDEX message_log_replies ON message_log (account_sid, to_address, from_address, date_created)
    WHERE direction = 'outbound-reply';
