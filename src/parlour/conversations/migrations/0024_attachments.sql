-- What files may be sent on which channel, where the account has said so (channel_configs of the Flex configuration).
CREATE TABLE attachment_limit (
    account_sid text NOT NULL,
    address_type text NOT NULL,
    enabled boolean NOT NULL,
    number_of_attachments integer NOT NULL,
    max_file_size bigint NOT NULL,
    max_total_file_size bigint NOT NULL,
    accepted_extensions text[] NOT NULL,
    PRIMARY KEY (account_sid, address_type)
);
-- For the sweep of files that no row names.
CREATE INDEX media_key ON media (key);
