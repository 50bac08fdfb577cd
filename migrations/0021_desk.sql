-- What the desk does beside the rules for guests: moves in the middle of a stay, undoing, late check-outs.
SET LOCAL lock_timeout = '2s';

-- The hour until which those who order it may stay on the day of departure, on the park's clock. NULL: any other extra.
ALTER TABLE extra ADD COLUMN check_out_by time CHECK (check_out_by IS NULL OR slots = '{}');
ALTER TABLE extra_order ADD COLUMN check_out_by time;
-- The cottage that it is brought to. NULL: none was said.
ALTER TABLE extra_order ADD COLUMN cottage_id uuid REFERENCES cottage;

-- The kind of VAT rate that is in the price.
ALTER TABLE extra ADD COLUMN taxed_as text NOT NULL DEFAULT 'extras' CHECK (taxed_as IN ('lodging', 'extras', 'none'));
ALTER TABLE extra_order ADD COLUMN taxed_as text NOT NULL DEFAULT 'extras'
    CHECK (taxed_as IN ('lodging', 'extras', 'none'));

-- The first night that is paid for, where the cottage came in the middle of a stay. NULL: the whole stay.
ALTER TABLE allocation ADD COLUMN priced_from date;

-- The instant at which the no-show was recorded.
ALTER TABLE booking ADD COLUMN no_show_at timestamptz;

-- What a change has replaced (BookingPlan, and booking.least_fee_percent), so that it can be undone.
ALTER TABLE quote ADD COLUMN before jsonb;
ALTER TABLE quote ADD COLUMN least_fee_percent int CHECK (least_fee_percent BETWEEN 0 AND 100);
ALTER TABLE quote ADD COLUMN made_by text;
ALTER TABLE quote ADD COLUMN undone_at timestamptz;

CREATE OR REPLACE VIEW told_booking AS
SELECT booking.id, json_build_object(
    'id', booking.id, 'number', number, 'reservationNumber', reservation_number, 'groupId', group_id,
    'stay', json_build_object('arrival', lower(stay), 'departure', upper(stay)),
    'state', state, 'holdUntil', utc(hold_until), 'isExtended', is_extended,
    'adults', adults, 'children', children, 'babies', babies, 'pets', pets,
    'cottages', (
        SELECT coalesce(json_agg(json_build_object('id', cottage_id, 'isChosen', is_chosen, 'pricedAs', priced_as,
            'since', nullif(lower(allocation.stay), lower(booking.stay)), 'pricedFrom', priced_from)
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
            'through', upper(dates) - 1, 'slot', nullif(slot, ''), 'quantity', quantity, 'householdId', household_id,
            'cottageId', cottage_id, 'checkOutBy', to_char(check_out_by, 'HH24:MI'))
            ORDER BY ordered.id), '[]')
        FROM extra_order AS ordered WHERE booking_id = booking.id AND cancelled_at IS NULL
    ),
    'total', json_build_object('amount', (
        SELECT coalesce(sum(amount), 0) FROM charge_line WHERE booking_id = booking.id
    ), 'currency', currency),
    'deposit', json_build_object('amount', deposit, 'currency', currency),
    'paid', json_build_object('amount', (
        SELECT coalesce(sum(paid), 0) FROM share WHERE booking_id = booking.id
    ), 'currency', currency),
    'placedAt', utc(placed_at), 'arrivalTime', to_char(arrival_time, 'HH24:MI'),
    'checkedInAt', utc(checked_in_at), 'checkedOutAt', utc(checked_out_at),
    'leastFeePercent', least_fee_percent, 'version', version
) AS body
FROM booking;

CREATE OR REPLACE VIEW shown_extra AS
SELECT 'park:' || park_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'parkId', park_id, 'code', code, 'names', names, 'isDaily', is_daily, 'price', price,
    'slots', to_json(slots), 'stock', stock, 'checkOutBy', to_char(check_out_by, 'HH24:MI'),
    'taxedAs', nullif(taxed_as, 'extras'), 'isOpen', is_open, 'version', version
))::text AS body
FROM extra;

INSERT INTO schema_version (number, name) VALUES (21, 'desk');
