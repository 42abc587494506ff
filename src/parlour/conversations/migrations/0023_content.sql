-- Of a message made of a content template: its SID, its type, and addresses of files that channels send with it.
ALTER TABLE message ADD COLUMN content jsonb;
