-- The changes feed for other systems, reservations they report, and a child's phone.
SET LOCAL lock_timeout = '2s';

-- Numbers come from `scope`, as every other number that must be in commit order.
ALTER TABLE park DROP COLUMN changes;
DROP TABLE park_change;

-- When the property system last said something of it; what it said before that is old.
ALTER TABLE booking ADD reported_at timestamptz;

-- What a cancellation costs at least: a stay that was put off late keeps the percentage of that day.
ALTER TABLE booking ADD least_fee_percent int NOT NULL DEFAULT 0 CHECK (least_fee_percent BETWEEN 0 AND 100);

CREATE FUNCTION utc(instant timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

CREATE TABLE park_change (
    park_id uuid NOT NULL REFERENCES park,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('booking', 'cottage', 'guest')),
    id uuid NOT NULL,
    body json,
    PRIMARY KEY (park_id, number),
    CONSTRAINT park_change_keeps_no_guest CHECK (kind <> 'guest' OR body IS NULL)
);

CREATE VIEW told_booking AS
SELECT booking.id, json_build_object(
    'id', booking.id, 'number', number, 'reservationNumber', reservation_number, 'groupId', group_id,
    'stay', json_build_object('arrival', lower(stay), 'departure', upper(stay)),
    'state', state, 'holdUntil', utc(hold_until), 'isExtended', is_extended,
    'adults', adults, 'children', children, 'babies', babies, 'pets', pets,
    'cottages', (
        SELECT coalesce(json_agg(json_build_object('id', cottage_id, 'isChosen', is_chosen, 'pricedAs', priced_as)
            ORDER BY cottage_id), '[]')
        FROM allocation WHERE booking_id = booking.id
    ),
    'travellerIds', (
        SELECT coalesce(json_agg(traveller_id ORDER BY traveller_id), '[]')
        FROM booking_traveller WHERE booking_id = booking.id
    ),
    'charges', (
        SELECT coalesce(json_agg(json_build_object('id', line.id, 'kind', kind, 'cottageId', cottage_id,
            'travellerId', traveller_id, 'householdId', household_id, 'extraOrderId', extra_order_id,
            'quantity', quantity, 'unitAmount', unit_amount, 'amount', amount, 'reversesId', reverses_id,
            'at', utc(at)) ORDER BY line.id), '[]')
        FROM charge_line AS line WHERE booking_id = booking.id
    ),
    'extras', (
        SELECT coalesce(json_agg(json_build_object('id', ordered.id, 'extraId', extra_id, 'from', lower(dates),
            'through', upper(dates) - 1, 'slot', nullif(slot, ''), 'quantity', quantity, 'householdId', household_id)
            ORDER BY ordered.id), '[]')
        FROM extra_order AS ordered WHERE booking_id = booking.id AND cancelled_at IS NULL
    ),
    'total', json_build_object('amount', (
        SELECT coalesce(sum(amount), 0) FROM charge_line WHERE booking_id = booking.id
    ), 'currency', currency),
    'deposit', json_build_object('amount', deposit, 'currency', currency),
    'placedAt', utc(placed_at), 'arrivalTime', to_char(arrival_time, 'HH24:MI'),
    'checkedInAt', utc(checked_in_at), 'checkedOutAt', utc(checked_out_at),
    'leastFeePercent', least_fee_percent, 'version', version
) AS body
FROM booking;

CREATE VIEW told_cottage AS
SELECT cottage.id, json_build_object(
    'id', cottage.id, 'typeId', type_id, 'number', number, 'longitude', longitude, 'latitude', latitude,
    'isOpen', is_open, 'readiness', readiness,
    'closures', (
        SELECT coalesce(json_agg(json_build_object('id', closure.id, 'arrival', lower(stay), 'departure', upper(stay))
            ORDER BY closure.id), '[]')
        FROM closure WHERE cottage_id = cottage.id AND ended_at IS NULL
    ),
    'version', version
) AS body
FROM cottage;

-- What begins on a day, for those who prepare it.
DROP INDEX extra_order_to_prepare;
CREATE INDEX extra_order_to_prepare ON extra_order (extra_id, lower(dates)) WHERE cancelled_at IS NULL;

-- A child's phone is a device of a traveller, admitted by a guardian.
ALTER TABLE session ADD traveller_id uuid REFERENCES traveller;
ALTER TABLE session DROP CONSTRAINT session_of_one_person;
ALTER TABLE session ADD CONSTRAINT session_of_one_person CHECK (num_nonnulls(guest_id, staff_id, traveller_id) = 1);
CREATE INDEX ON session (traveller_id);

-- A guardian's word that a phone may come in. Its token is derived from the id with the server's secret.
CREATE TABLE child_admission (
    id uuid PRIMARY KEY,
    traveller_id uuid NOT NULL REFERENCES traveller,
    admitted_by uuid NOT NULL REFERENCES guest,
    expires_at timestamptz NOT NULL,
    -- The phone that came; it may ask again, should the answer have been lost.
    session_id uuid REFERENCES session ON DELETE SET NULL
);
CREATE INDEX ON child_admission (traveller_id);
CREATE INDEX ON child_admission (expires_at);

INSERT INTO schema_version (number, name) VALUES (4, 'feed');
