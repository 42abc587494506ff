-- Senders of channels other than texts, such as whatsapp:+15550100 and messenger:<page>, with the carrier that serves them.
CREATE TABLE channel_sender (
    account_sid text NOT NULL,
    sid text NOT NULL,
    address text NOT NULL,
    connection_sid text,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid),
    UNIQUE (account_sid, address)
);
