-- The limits of accounts whose configuration was made before they were enforced.
INSERT INTO attachment_limit (account_sid, address_type, chat_service_sid, enabled, number_of_attachments,
    max_file_size, max_total_file_size, accepted_extensions)
SELECT f.account_sid, c ->> 'address_type', f.chat_service_instance_sid, (a ->> 'enabled')::boolean,
    (a ->> 'number_of_attachments')::int, (a ->> 'max_file_size')::bigint, (a ->> 'max_total_file_size')::bigint,
    ARRAY(SELECT jsonb_array_elements_text(a -> 'accepted_extensions'))
FROM flex_configuration AS f, jsonb_array_elements(f.settings -> 'channel_configs') AS c,
    LATERAL (SELECT c -> 'cbm_attachments' AS a) AS attachments
ON CONFLICT DO NOTHING;
