-- Messaging services with their pool of numbers (channels.md §1.5); a number is in one service at most.
CREATE TABLE messaging_service (
    account_sid text NOT NULL,
    sid text NOT NULL,
    friendly_name text NOT NULL,
    inbound_request_url text,
    inbound_method text NOT NULL,
    fallback_url text,
    fallback_method text NOT NULL,
    status_callback text,
    sticky_sender boolean NOT NULL,
    mms_converter boolean NOT NULL,
    smart_encoding boolean NOT NULL,
    scan_message_content text NOT NULL,
    fallback_to_long_code boolean NOT NULL,
    area_code_geomatch boolean NOT NULL,
    validity_period integer NOT NULL,
    synchronous_validation boolean NOT NULL,
    usecase text NOT NULL,
    use_inbound_webhook_on_number boolean NOT NULL,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

CREATE TABLE messaging_service_number (
    account_sid text NOT NULL,
    number_sid text NOT NULL,
    service_sid text NOT NULL,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, number_sid),
    FOREIGN KEY (account_sid, number_sid) REFERENCES incoming_phone_number (account_sid, sid) ON DELETE CASCADE,
    FOREIGN KEY (account_sid, service_sid) REFERENCES messaging_service (account_sid, sid) ON DELETE CASCADE
);
CREATE INDEX messaging_service_pool ON messaging_service_number (service_sid, number_sid);

-- Accounts made before there were services get the one that new accounts have from the start.
INSERT INTO messaging_service
SELECT a.account_sid, 'MG' || substr(a.account_sid, 3), 'Default Messaging Service for Conversations', NULL, 'POST', NULL, 'POST', NULL,
    true, true, true, 'inherit', true, true, 36000, false, 'undeclared', false, a.date_created, a.date_created
FROM account AS a;
