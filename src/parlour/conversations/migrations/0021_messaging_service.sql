-- Conversations made before there were messaging services have the account's default one (conversations.md §2.3).
UPDATE conversations_configuration AS f SET default_messaging_service_sid = (
    SELECT s.sid FROM messaging_service AS s WHERE s.account_sid = f.account_sid ORDER BY s.date_created, s.sid LIMIT 1)
WHERE f.default_messaging_service_sid IS NULL;
UPDATE conversation AS c SET messaging_service_sid = (
    SELECT f.default_messaging_service_sid FROM conversations_configuration AS f WHERE f.account_sid = c.account_sid)
WHERE c.messaging_service_sid IS NULL;
