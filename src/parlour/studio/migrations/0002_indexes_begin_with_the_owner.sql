-- An index that begins with the account and ends with the SID is taken for the look-up of a single row while the table
-- is small, and is then read from end to end; one that begins with the owner's SID is not (see event_stream).
DROP INDEX studio_execution_of_conversation;
CREATE INDEX studio_execution_of_conversation ON studio_execution (conversation_sid, sid)
    WHERE conversation_sid IS NOT NULL;
DROP INDEX studio_execution_of_flow;
CREATE INDEX studio_execution_of_flow ON studio_execution (flow_sid, sid);
