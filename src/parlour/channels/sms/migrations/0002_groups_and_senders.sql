-- takes_groups: the carrier carries group MMS. others: who else is in the group to which a text is sent.
ALTER TABLE carrier_connection ADD COLUMN takes_groups boolean NOT NULL DEFAULT false;
ALTER TABLE carrier_send ADD COLUMN others text[] NOT NULL DEFAULT '{}';
