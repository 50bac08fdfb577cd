-- Money that a payer's bank has taken back, and refunds that were made at the provider itself.
SET LOCAL lock_timeout = '2s';

-- What of the attempt a bank has taken back: disputes that are open or lost.
ALTER TABLE attempt ADD COLUMN taken_back bigint NOT NULL DEFAULT 0
    CONSTRAINT attempt_taken_back CHECK (taken_back BETWEEN 0 AND amount);
-- How often that has changed.
ALTER TABLE attempt ADD COLUMN reviews int NOT NULL DEFAULT 0;
-- Whether the provider made it without us, such as in its own dashboard.
ALTER TABLE refund ADD COLUMN is_foreign boolean NOT NULL DEFAULT false;
-- The provider's id of the payment intent that a movement is about.
ALTER TABLE provider_transaction ADD COLUMN intent text;
CREATE INDEX ON provider_transaction (intent) WHERE intent IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (16, 'takenBack');
