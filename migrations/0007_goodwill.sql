-- Something given back out of goodwill, within a limit or by two people.
SET LOCAL lock_timeout = '2s';

ALTER TABLE charge_line
    DROP CONSTRAINT charge_line_kind,
    ADD CONSTRAINT charge_line_kind CHECK (kind IN (
        'night', 'cleaning', 'chosenCottage', 'pet', 'earlyBooking', 'touristTax', 'imported', 'cancellation', 'extra',
        'goodwill'
    ));

CREATE TABLE goodwill (
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    state text NOT NULL CHECK (state IN ('asked', 'given')),
    is_above_limit boolean NOT NULL,
    asked_by text NOT NULL DEFAULT current_setting('app.principal', true),
    approved_by text,
    at timestamptz NOT NULL,
    CONSTRAINT goodwill_by_two CHECK (NOT (is_above_limit AND state = 'given') OR coalesce(approved_by <> asked_by, false))
);
CREATE INDEX ON goodwill (share_id);

INSERT INTO schema_version (number, name) VALUES (7, 'goodwill');
