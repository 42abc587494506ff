-- What the last recorded decision about the task said (a digest), so that the same is not recorded twice.
ALTER TABLE task ADD COLUMN explained text NOT NULL DEFAULT '';
