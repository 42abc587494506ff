-- Posts that came by pigeon, by the id of the loft that sent them.
CREATE TABLE pigeon_post (
    account_sid text NOT NULL,
    loft_sid text NOT NULL,
    conversation_sid text,
    PRIMARY KEY (account_sid, loft_sid)
);
