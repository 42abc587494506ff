-- A standard key may do all but see the account's secrets and manage keys; a main key may do all.
ALTER TABLE api_key ADD COLUMN kind text NOT NULL DEFAULT 'standard' CHECK (kind IN ('standard', 'main'));
