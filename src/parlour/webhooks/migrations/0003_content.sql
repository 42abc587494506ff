-- How parameters are sent: a form, or a body of JSON whose digest stands in the signed URL.
ALTER TABLE webhook_delivery ADD COLUMN content text NOT NULL DEFAULT 'form' CHECK (content IN ('form', 'json'));
