-- Staff give within a mandate, whatever the way: goodwill, an extra taken off, a fee waived.
SET LOCAL lock_timeout = '2s';

-- The gifts under a mandate: of one of the staff on a day (`staff:ID`), and of one booking altogether
-- (`booking:ID`, day 1970-01-01). A second person's word is not counted.
CREATE TABLE mandate (
    park_id uuid NOT NULL REFERENCES park,
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 100),
    day date NOT NULL,
    spent bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    allowed bigint NOT NULL,
    PRIMARY KEY (park_id, subject, day),
    CONSTRAINT mandate_overspent CHECK (spent <= allowed)
);

ALTER TABLE goodwill ADD COLUMN kind text NOT NULL DEFAULT 'goodwill'
    CONSTRAINT goodwill_kind CHECK (kind IN ('goodwill', 'extra', 'fee'));
-- The booking it was given on; NULL where the version before this has written it, by its share.
ALTER TABLE goodwill ADD COLUMN booking_id uuid REFERENCES booking;
ALTER TABLE goodwill ALTER COLUMN share_id DROP NOT NULL;
ALTER TABLE goodwill ADD CONSTRAINT goodwill_of_something CHECK (num_nonnulls(share_id, booking_id) > 0);
-- The park's day under whose mandate it counts; NULL for what a second person has agreed to.
ALTER TABLE goodwill ADD COLUMN day date;
ALTER TABLE goodwill DROP CONSTRAINT goodwill_state_check;
ALTER TABLE goodwill ADD CONSTRAINT goodwill_state CHECK (state IN ('asked', 'given', 'refused'));
CREATE INDEX ON goodwill (booking_id);
CREATE INDEX goodwill_asked ON goodwill (at) WHERE state = 'asked';

INSERT INTO schema_version (number, name) VALUES (18, 'mandate');
