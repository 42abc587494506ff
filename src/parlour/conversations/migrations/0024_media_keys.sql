-- For the sweep of files that no row names.
CREATE INDEX media_key ON media (key);
