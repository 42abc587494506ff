-- Group MMS (conversations.md §3.4): the business side has a projected address. A set of three parties or more is held
-- in open_pair as its sorted members with the proxy address 'group'; a set of two is an ordinary pair.
ALTER TABLE participant ADD COLUMN projected_address text;
CREATE INDEX participant_projected ON participant (conversation_sid, projected_address)
    WHERE projected_address IS NOT NULL AND removed_at IS NULL;
