-- Clients name what they read in real time by its Sync SID, and page the map of a user's conversations by its key.
-- They begin with what is looked for, not with the account, so that no look-up by primary key is tempted to use them.
CREATE INDEX conversation_document ON conversation (document_sid, account_sid);
CREATE INDEX conversation_messages ON conversation (messages_sid, account_sid);
CREATE INDEX conversation_roster ON conversation (roster_sid, account_sid);
CREATE INDEX chat_user_conversations ON chat_user (conversations_sid, account_sid);
CREATE INDEX chat_user_info ON chat_user (info_sid, account_sid);
CREATE INDEX participant_of_user ON participant (user_sid, conversation_sid, account_sid)
    WHERE user_sid IS NOT NULL AND removed_at IS NULL;
