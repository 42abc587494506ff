-- Clients name what they read in real time by its Sync SID, and page the map of a user's conversations by its key.
CREATE INDEX conversation_document ON conversation (account_sid, document_sid);
CREATE INDEX conversation_messages ON conversation (account_sid, messages_sid);
CREATE INDEX conversation_roster ON conversation (account_sid, roster_sid);
CREATE INDEX chat_user_conversations ON chat_user (account_sid, conversations_sid);
CREATE INDEX chat_user_info ON chat_user (account_sid, info_sid);
CREATE INDEX participant_of_user ON participant (account_sid, user_sid, conversation_sid)
    WHERE user_sid IS NOT NULL AND removed_at IS NULL;
