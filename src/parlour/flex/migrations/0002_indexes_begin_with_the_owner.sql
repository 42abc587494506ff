-- An index that begins with the account and ends with the SID is taken for the look-up of a single row while the table
-- is small, and is then read from end to end; one that begins with the owner's SID is not (see event_stream).
DROP INDEX interaction_channel_interaction;
CREATE INDEX interaction_channel_interaction ON interaction_channel (interaction_sid, sid);
DROP INDEX interaction_invite_channel;
CREATE INDEX interaction_invite_channel ON interaction_invite (channel_sid, sid);
DROP INDEX interaction_participant_channel;
CREATE INDEX interaction_participant_channel ON interaction_participant (channel_sid, sid);
