-- What is known of a desktop user beside sign-in (flex.md §3.5). version counts the changes.
CREATE TABLE flex_user_profile (
    account_sid text NOT NULL,
    user_sid text NOT NULL,
    email text NOT NULL,
    locale text NOT NULL,
    version int NOT NULL,
    date_updated timestamptz NOT NULL,
    PRIMARY KEY (account_sid, user_sid),
    FOREIGN KEY (account_sid, user_sid) REFERENCES desktop_user ON DELETE CASCADE
);
