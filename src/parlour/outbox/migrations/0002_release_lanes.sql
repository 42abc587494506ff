-- Gives finished lanes back, in one round trip; returns those that were given, and whether jobs are left in them. Each
-- statement of a volatile function has a snapshot of its own: the second sees the jobs of a writer that held a lane
-- before us. patient: waits for rows that a writer holds; else they are left out.
CREATE FUNCTION release_lanes(
    accounts text[], names text[], retries timestamptz[], process int, at timestamptz, patient boolean
) RETURNS TABLE (account_sid text, name text, more boolean) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    given_accounts text[];
    given_names text[];
BEGIN
    IF patient THEN
        SELECT array_agg(f.account_sid), array_agg(f.name) INTO given_accounts, given_names FROM (
            SELECT l.account_sid, l.name FROM lane AS l
            WHERE (l.account_sid, l.name) IN (SELECT * FROM unnest(accounts, names)) AND l.holder = process
            ORDER BY l.account_sid, l.name FOR UPDATE
        ) AS f;
    ELSE
        SELECT array_agg(f.account_sid), array_agg(f.name) INTO given_accounts, given_names FROM (
            SELECT l.account_sid, l.name FROM lane AS l
            WHERE (l.account_sid, l.name) IN (SELECT * FROM unnest(accounts, names)) AND l.holder = process
            ORDER BY l.account_sid, l.name FOR UPDATE SKIP LOCKED
        ) AS f;
    END IF;
    RETURN QUERY WITH mine AS (
        SELECT g.account_sid, g.name, r.retry, (
            SELECT j.due FROM job AS j
            WHERE j.account_sid = g.account_sid AND j.lane = g.name AND j.dead_at IS NULL
            ORDER BY j.due, j.id LIMIT 1
        ) AS head
        FROM unnest(given_accounts, given_names) AS g (account_sid, name)
        JOIN unnest(accounts, names, retries) AS r (account_sid, name, retry) USING (account_sid, name)
    ), gone AS (
        DELETE FROM lane AS l USING mine
        WHERE l.account_sid = mine.account_sid AND l.name = mine.name AND mine.head IS NULL
    ), kept AS (
        UPDATE lane AS l SET lease = NULL, holder = NULL, retry = mine.retry, due = greatest(mine.head, mine.retry, at)
        FROM mine
        WHERE l.account_sid = mine.account_sid AND l.name = mine.name AND mine.head IS NOT NULL
    )
    SELECT mine.account_sid, mine.name, mine.head IS NOT NULL FROM mine;
END $$;
