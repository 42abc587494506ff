-- Who saved a revision, where the caller said so; null stands for the account itself.
ALTER TABLE studio_revision ADD COLUMN author_sid text;
