-- When a mark was made (domain time): the doctor asks for marks that no pass took.
ALTER TABLE match_mark ADD COLUMN marked_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE match_mark ALTER COLUMN marked_at DROP DEFAULT;
