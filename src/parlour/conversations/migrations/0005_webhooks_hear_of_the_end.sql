-- A conversation's webhooks still hear of its removal and of what happened before it, so their rows stay as tombstones.
ALTER TABLE scoped_webhook ADD COLUMN removed_at timestamptz;
