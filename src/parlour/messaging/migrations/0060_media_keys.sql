-- Whether a file has a row is asked by its key before it is swept.
CREATE INDEX message_media_key ON message_media (key);
