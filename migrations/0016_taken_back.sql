-- Money that a payer's bank has taken back, and refunds that were made at the provider itself.
SET LOCAL lock_timeout = '2s';

-- The sum that a bank has taken back: disputes that are open or lost.
ALTER TABLE attempt ADD COLUMN taken_back bigint NOT NULL DEFAULT 0
    CONSTRAINT attempt_taken_back CHECK (taken_back BETWEEN 0 AND amount);
-- The number of changes of `taken_back`.
ALTER TABLE attempt ADD COLUMN reviews int NOT NULL DEFAULT 0;
-- True if somebody made the refund in the provider's dashboard.
ALTER TABLE refund ADD COLUMN is_foreign boolean NOT NULL DEFAULT false;
-- The provider's id of the payment intent that a movement is about.
ALTER TABLE provider_transaction ADD COLUMN intent text;
CREATE INDEX ON provider_transaction (intent) WHERE intent IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (16, 'takenBack');
