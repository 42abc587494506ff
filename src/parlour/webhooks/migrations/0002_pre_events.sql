-- A pre-event is asked, not told: its rows say so, since asking again is no replay. An answer 4xx or 5xx refuses the action.
ALTER TABLE webhook_delivery ADD COLUMN asked boolean NOT NULL DEFAULT false;
ALTER TABLE webhook_delivery DROP CONSTRAINT webhook_delivery_outcome_check;
ALTER TABLE webhook_delivery ADD CONSTRAINT webhook_delivery_outcome_check
    CHECK (outcome IN ('delivered', 'failed', 'dead', 'refused'));
