-- Messaging services and their pools of numbers (channels.md §1.5). `autocreate` has no field in the public API.
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
    scan_message_content text NOT NULL CHECK (scan_message_content IN ('inherit', 'enable', 'disable')),
    fallback_to_long_code boolean NOT NULL,
    area_code_geomatch boolean NOT NULL,
    validity_period integer NOT NULL,
    synchronous_validation boolean NOT NULL,
    usecase text NOT NULL,
    use_inbound_webhook_on_number boolean NOT NULL,
    autocreate boolean NOT NULL DEFAULT FALSE,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, sid)
);

-- A number is in one pool at most. last_used: when the service chose it last, so that a pool is used evenly.
CREATE TABLE messaging_service_number (
    account_sid text NOT NULL,
    service_sid text NOT NULL,
    number_sid text NOT NULL,
    last_used timestamptz,
    date_created timestamptz NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, number_sid),
    FOREIGN KEY (account_sid, service_sid) REFERENCES messaging_service ON DELETE CASCADE,
    FOREIGN KEY (account_sid, number_sid) REFERENCES incoming_phone_number ON DELETE CASCADE
);
CREATE INDEX messaging_service_number_service ON messaging_service_number (service_sid, number_sid);

-- Which number a recipient knows a service by (sticky sender).
CREATE TABLE messaging_service_sender (
    account_sid text NOT NULL,
    service_sid text NOT NULL,
    recipient text NOT NULL,
    number_sid text NOT NULL,
    PRIMARY KEY (account_sid, service_sid, recipient),
    FOREIGN KEY (account_sid, service_sid) REFERENCES messaging_service ON DELETE CASCADE,
    FOREIGN KEY (account_sid, number_sid) REFERENCES messaging_service_number ON DELETE CASCADE
);
CREATE INDEX messaging_service_sender_number ON messaging_service_sender (number_sid);

ALTER TABLE message_log ADD COLUMN status_callback text;
