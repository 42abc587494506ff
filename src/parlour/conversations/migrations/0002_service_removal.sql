-- A removed service is hidden at once; its conversations are removed after it, a batch at a time.
ALTER TABLE chat_service ADD COLUMN removed_at timestamptz;
