-- What may be attached to messages, by address type; written from outside when it is configured (flex.md §3.3).
CREATE TABLE attachment_limit (
    account_sid text NOT NULL,
    address_type text NOT NULL,
    chat_service_sid text NOT NULL,
    enabled boolean NOT NULL,
    number_of_attachments integer NOT NULL,
    max_file_size bigint NOT NULL,
    max_total_file_size bigint NOT NULL,
    accepted_extensions text[] NOT NULL,
    PRIMARY KEY (account_sid, address_type)
);

-- The address type whose limits a conversation has; one without a row has none.
CREATE TABLE attachment_scope (
    account_sid text NOT NULL,
    conversation_sid text NOT NULL,
    address_type text NOT NULL,
    PRIMARY KEY (account_sid, conversation_sid)
);
