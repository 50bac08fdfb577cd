-- What is one household's alone (its extras, its tourist tax, its goodwill) is shown to that household and the organiser, not
-- to the whole group.
SET LOCAL lock_timeout = '2s';

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
    LATERAL (SELECT coalesce(sum(share.paid), 0) AS paid FROM share WHERE booking_id = booking.id) AS came
WHERE group_id IS NOT NULL;

CREATE OR REPLACE VIEW shown_amount AS
SELECT reader.scope, share.id, json_strip_nulls(json_build_object(
    'shareId', share.id, 'amount', amount, 'paid', paid, 'asked', asked, 'keptPercent', kept_percent,
    'currency', currency, 'bookingId', share.booking_id, 'householdId', share.household_id,
    'charges', (
        SELECT coalesce(json_agg(json_build_object('kind', kind, 'cottageId', cottage_id, 'travellerId', traveller_id,
            'householdId', line.household_id, 'extraOrderId', extra_order_id, 'quantity', quantity,
            'unitAmount', unit_amount, 'amount', line.amount) ORDER BY line.id), '[]')
        FROM charge_line AS line LEFT JOIN traveller ON traveller.id = traveller_id
        WHERE line.booking_id = share.booking_id
            AND coalesce(line.household_id, traveller.household_id) = share.household_id
    ),
    'extras', (
        SELECT coalesce(json_agg(json_build_object('id', ordered.id, 'bookingId', booking_id, 'extraId', extra_id,
            'from', lower(dates), 'through', upper(dates) - 1, 'slot', nullif(slot, ''), 'quantity', quantity,
            'householdId', household_id, 'cottageId', cottage_id, 'checkOutBy', to_char(check_out_by, 'HH24:MI'),
            'unitAmount', unit_amount, 'isCancelled', false) ORDER BY ordered.id), '[]')
        FROM extra_order AS ordered
        WHERE ordered.booking_id = share.booking_id AND cancelled_at IS NULL AND ordered.household_id = share.household_id
    )
))::text AS body
FROM share JOIN booking ON booking.id = booking_id,
    LATERAL (VALUES ('household:' || household_id), ('organiser:' || group_id)) AS reader (scope);

-- A price that the desk has agreed on is a gift like the others.
ALTER TABLE goodwill DROP CONSTRAINT goodwill_kind;
ALTER TABLE goodwill ADD CONSTRAINT goodwill_kind CHECK (kind IN ('goodwill', 'extra', 'fee', 'price'));

INSERT INTO schema_version (number, name) VALUES (24, 'ownLines');
