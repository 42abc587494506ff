-- A conversation's webhooks still hear of its removal and of what happened before it, so their rows stay as tombstones.
ALTER TABLE scoped_webhook ADD COLUMN removed_at timestamptz;

-- The entries of trigger webhooks among the listeners now have their keywords.
UPDATE conversation AS c SET listeners = jsonb_set(c.listeners, '{webhooks}', (
    SELECT jsonb_agg(
        CASE WHEN hook.entry ->> 'target' = 'trigger' THEN hook.entry || jsonb_build_object('triggers', (
            SELECT to_jsonb(w.triggers) FROM scoped_webhook AS w
            WHERE w.account_sid = c.account_sid AND w.sid = hook.entry ->> 'sid'))
        ELSE hook.entry END ORDER BY hook.position)
    FROM jsonb_array_elements(c.listeners -> 'webhooks') WITH ORDINALITY AS hook (entry, position)))
WHERE c.listeners @> '{"webhooks": [{"target": "trigger"}]}';
