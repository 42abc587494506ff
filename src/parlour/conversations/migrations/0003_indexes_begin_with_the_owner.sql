-- An index that begins with the account and ends with the SID is taken for the look-up of a single row while the table
-- is small, and is then read from end to end; one that begins with the owner's SID is not (see event_stream).
DROP INDEX conversation_newest;
CREATE INDEX conversation_newest ON conversation (chat_service_sid, date_created DESC, sid DESC) WHERE removed_at IS NULL;
DROP INDEX chat_role_of_service;
CREATE INDEX chat_role_of_service ON chat_role (chat_service_sid, sid);
DROP INDEX chat_user_of_service;
CREATE INDEX chat_user_of_service ON chat_user (chat_service_sid, sid);
DROP INDEX participant_of_conversation;
CREATE INDEX participant_of_conversation ON participant (conversation_sid, sid) WHERE removed_at IS NULL;
DROP INDEX scoped_webhook_of_conversation;
CREATE INDEX scoped_webhook_of_conversation ON scoped_webhook (conversation_sid, sid);
DROP INDEX participant_by_identity;
CREATE INDEX participant_by_identity ON participant (identity, account_sid, sid DESC)
    WHERE identity IS NOT NULL AND removed_at IS NULL;
DROP INDEX participant_by_address;
CREATE INDEX participant_by_address ON participant (address, account_sid, sid DESC)
    WHERE address IS NOT NULL AND removed_at IS NULL;
