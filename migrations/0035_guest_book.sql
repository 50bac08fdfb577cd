-- Guest books of cottages.
SET LOCAL lock_timeout = '2s';

CREATE TABLE guest_book_entry (
    id uuid PRIMARY KEY,
    cottage_id uuid NOT NULL REFERENCES cottage,
    booking_id uuid NOT NULL REFERENCES booking,
    household_id uuid NOT NULL REFERENCES household,
    -- The member of the household who wrote the text last.
    guest_id uuid NOT NULL REFERENCES guest,
    -- NULL once it was taken back.
    text text CHECK (length(text) BETWEEN 1 AND 1000),
    departure date NOT NULL,
    -- By the clock of the phone, no later than our own.
    said_at timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    CONSTRAINT guest_book_entry_once UNIQUE (booking_id, cottage_id, household_id)
);
CREATE INDEX ON guest_book_entry (cottage_id, written_at, id);
CREATE INDEX ON guest_book_entry (household_id);
CREATE INDEX ON guest_book_entry (guest_id);
CREATE INDEX guest_book_entry_empty ON guest_book_entry (departure) WHERE text IS NULL;

CREATE VIEW shown_guest_book_entry AS
SELECT 'cottage:' || cottage_id AS scope, id, json_build_object(
    'id', id, 'cottageId', cottage_id, 'text', text, 'departure', departure
)::text AS body
FROM guest_book_entry WHERE text IS NOT NULL;

CREATE OR REPLACE VIEW shown AS
SELECT 'guest' AS kind, scope, id, body FROM shown_guest
UNION ALL SELECT 'membership', scope, id, body FROM shown_membership
UNION ALL SELECT 'group', scope, id, body FROM shown_group
UNION ALL SELECT 'household', scope, id, body FROM shown_household
UNION ALL SELECT 'traveller', scope, id, body FROM shown_traveller
UNION ALL SELECT 'invitation', scope, id, body FROM shown_invitation
UNION ALL SELECT 'booking', scope, id, body FROM shown_booking
UNION ALL SELECT 'readiness', scope, id, body FROM shown_readiness
UNION ALL SELECT 'share', scope, id, body FROM shown_share
UNION ALL SELECT 'amount', scope, id, body FROM shown_amount
UNION ALL SELECT 'park', scope, id, body FROM shown_park
UNION ALL SELECT 'cottageType', scope, id, body FROM shown_cottage_type
UNION ALL SELECT 'cottage', scope, id, body FROM shown_cottage
UNION ALL SELECT 'rate', scope, id, body FROM shown_rate
UNION ALL SELECT 'extra', scope, id, body FROM shown_extra
UNION ALL SELECT 'option', scope, id, body FROM shown_option
UNION ALL SELECT 'planItem', scope, id, body FROM shown_plan_item
UNION ALL SELECT 'topic', scope, id, body FROM shown_topic
UNION ALL SELECT 'message', scope, id, body FROM shown_message
UNION ALL SELECT 'guestBookEntry', scope, id, body FROM shown_guest_book_entry;

INSERT INTO schema_version (number, name) VALUES (35, 'guestBook');
