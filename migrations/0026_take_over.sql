-- Who gives up a part of a firm stay owes the fee on it until the household that is asked has agreed; money that was paid
-- twice covers no deposit on a phone either.
SET LOCAL lock_timeout = '2s';

ALTER TABLE share ADD COLUMN kept_meanwhile bigint NOT NULL DEFAULT 0
    CONSTRAINT share_kept_meanwhile CHECK (kept_meanwhile >= 0);

CREATE OR REPLACE VIEW shown_booking AS
SELECT 'group:' || group_id AS scope, booking.id, json_strip_nulls(json_build_object(
    'id', booking.id, 'number', number, 'parkId', park_id, 'groupId', group_id,
    'stay', json_build_object('arrival', lower(stay), 'departure', upper(stay)),
    'state', state, 'holdUntil', utc(hold_until), 'isExtended', is_extended,
    'adults', adults, 'children', children, 'babies', babies, 'pets', pets,
    'cottages', (
        SELECT coalesce(json_agg(json_build_object('id', cottage_id, 'number', cottage.number, 'isChosen', is_chosen,
            'pricedAs', priced_as, 'since', nullif(lower(allocation.stay), lower(booking.stay)),
            'pricedFrom', priced_from, 'householdIds', (
                SELECT json_agg(household_id ORDER BY household_id) FROM cottage_household AS home
                WHERE home.booking_id = booking.id AND home.cottage_id = cottage.id
            )) ORDER BY cottage_id), '[]')
        FROM allocation JOIN cottage ON cottage.id = cottage_id WHERE booking_id = booking.id
    ),
    'travellerIds', (
        SELECT coalesce(json_agg(traveller_id ORDER BY traveller_id), '[]')
        FROM booking_traveller WHERE booking_id = booking.id
    ),
    'charges', (
        -- Lines of one household are in shown_amount.
        SELECT coalesce(json_agg(json_build_object('kind', kind, 'cottageId', cottage_id, 'extraOrderId', extra_order_id,
            'quantity', quantity, 'unitAmount', unit_amount, 'amount', amount) ORDER BY line.id), '[]')
        FROM charge_line AS line WHERE booking_id = booking.id AND household_id IS NULL AND traveller_id IS NULL
    ),
    'extras', (
        SELECT coalesce(json_agg(json_build_object('id', ordered.id, 'bookingId', booking_id, 'extraId', extra_id,
            'from', lower(dates), 'through', upper(dates) - 1, 'slot', nullif(slot, ''), 'quantity', quantity,
            'cottageId', cottage_id, 'checkOutBy', to_char(check_out_by, 'HH24:MI'),
            'unitAmount', unit_amount, 'isCancelled', false) ORDER BY ordered.id), '[]')
        FROM extra_order AS ordered WHERE booking_id = booking.id AND cancelled_at IS NULL AND household_id IS NULL
    ),
    'total', json_build_object('amount', price, 'currency', currency),
    'deposit', json_build_object('amount', deposit, 'currency', currency),
    'isDepositCovered', paid >= least(deposit, greatest(price, 0)), 'isPaid', paid >= price,
    'placedAt', utc(placed_at), 'arrivalTime', to_char(arrival_time, 'HH24:MI'),
    'households', (
        SELECT json_agg(json_build_object('householdId', household_id, 'state', its.state,
            'arrivalTime', to_char(its.arrival_time, 'HH24:MI')) ORDER BY household_id)
        FROM household_stay AS its WHERE booking_id = booking.id
    ),
    'checkedInAt', utc(checked_in_at), 'checkedOutAt', utc(checked_out_at),
    'leastFeePercent', least_fee_percent, 'version', version
))::text AS body
FROM booking,
    LATERAL (SELECT coalesce(sum(amount), 0) AS price FROM charge_line WHERE booking_id = booking.id) AS priced,
    -- Money that was paid twice covers nothing.
    LATERAL (
        SELECT coalesce(sum(share.paid - least(surplus, greatest(share.paid - share.amount, 0))), 0) AS paid
        FROM share WHERE booking_id = booking.id
    ) AS came
WHERE group_id IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (26, 'takeOver');
