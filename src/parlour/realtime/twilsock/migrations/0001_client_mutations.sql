-- Mutations that clients made, for as long as one may come again (realtime-protocol.md §7.7).
CREATE TABLE client_mutation (
    account_sid text NOT NULL,
    identity text NOT NULL,
    mutation_id text NOT NULL,
    resource_url text,
    date_created timestamptz NOT NULL,
    PRIMARY KEY (account_sid, identity, mutation_id)
);
CREATE INDEX client_mutation_age ON client_mutation (date_created);
