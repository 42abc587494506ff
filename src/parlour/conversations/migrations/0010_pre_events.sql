-- The listener of a service or account now says before which actions it is asked, so that the hot path need not look.
UPDATE webhook_configuration AS w SET listener = coalesce(w.listener, jsonb_build_object(
    'sid', coalesce(nullif(w.chat_service_sid, ''), w.account_sid), 'target', 'webhook', 'filters', '[]'::jsonb))
    || jsonb_build_object('asks', (SELECT jsonb_agg(f ORDER BY f) FROM unnest(w.filters) AS f WHERE f ~ '(Add|Update|Remove)$'))
WHERE w.pre_webhook_url IS NOT NULL AND w.target = 'webhook'
    AND EXISTS (SELECT 1 FROM unnest(w.filters) AS f WHERE f ~ '(Add|Update|Remove)$');
