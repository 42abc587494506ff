CREATE TABLE fake (account_sid text PRIMARY KEY);
