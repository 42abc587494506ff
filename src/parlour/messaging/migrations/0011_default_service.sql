-- Accounts made before there were services get the one that new accounts have from the start.
INSERT INTO messaging_service
SELECT a.account_sid, 'MG' || substr(a.account_sid, 3), 'Default Messaging Service for Conversations', NULL, 'POST', NULL, 'POST',
    NULL, TRUE, TRUE, TRUE, 'inherit', TRUE, TRUE, 36000, FALSE, 'undeclared', FALSE, FALSE, a.date_created, a.date_created
FROM account AS a;
