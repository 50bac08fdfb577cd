-- A guest's change of a firm stay that asks for a higher deposit: its nights and cottages are held until it is paid.
SET LOCAL lock_timeout = '2s';

CREATE TABLE held_change (
    booking_id uuid PRIMARY KEY REFERENCES booking,
    quote_id uuid NOT NULL REFERENCES quote,
    hold_until timestamptz NOT NULL,
    -- What must be covered for it to be made.
    deposit bigint NOT NULL CHECK (deposit > 0)
);

-- What a held change takes beside what the booking has.
ALTER TABLE allocation ADD COLUMN change_of uuid REFERENCES held_change ON DELETE CASCADE;
ALTER TABLE allocation DROP CONSTRAINT allocation_has_reason;
ALTER TABLE allocation ADD CONSTRAINT allocation_has_reason CHECK (num_nonnulls(booking_id, closure_id, change_of) = 1);
CREATE INDEX ON allocation (change_of) WHERE change_of IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (19, 'heldChange');
