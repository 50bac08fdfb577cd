-- A guest's change of a firm stay that asks for a higher deposit: its nights and cottages are held until it is paid.
SET LOCAL lock_timeout = '2s';

CREATE TABLE held_change (
    booking_id uuid PRIMARY KEY REFERENCES booking,
    quote_id uuid NOT NULL REFERENCES quote,
    hold_until timestamptz NOT NULL,
    -- The money that must have come in before the change is made.
    deposit bigint NOT NULL CHECK (deposit > 0)
);

-- The held change that keeps this cottage, beside the cottages its booking has.
ALTER TABLE allocation ADD COLUMN change_of uuid REFERENCES held_change ON DELETE CASCADE;
ALTER TABLE allocation DROP CONSTRAINT allocation_has_reason;
ALTER TABLE allocation ADD CONSTRAINT allocation_has_reason CHECK (num_nonnulls(booking_id, closure_id, change_of) = 1);
CREATE INDEX ON allocation (change_of) WHERE change_of IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (19, 'heldChange');
