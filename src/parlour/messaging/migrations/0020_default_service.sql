-- Accounts made before there were services get the one that new accounts have from the start.
INSERT INTO messaging_service
SELECT a.account_sid, 'MG' || substr(a.account_sid, 3), 'Default Messaging Service for Conversations', NULL, 'POST', NULL,
    'POST', NULL, true, true, true, 'inherit', true, true, 36000, false, 'undeclared', false, false,
    a.date_created, a.date_created
FROM account AS a
WHERE NOT EXISTS (SELECT 1 FROM messaging_service AS s WHERE s.account_sid = a.account_sid);
