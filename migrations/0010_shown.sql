-- What phones are shown, ready made.
SET LOCAL lock_timeout = '2s';

ALTER TABLE scope SET (fillfactor = 50);
ALTER TABLE scope
    ADD COLUMN floor bigint NOT NULL DEFAULT 0,
    ADD COLUMN count int NOT NULL DEFAULT 0 CHECK (count >= 0),
    ADD COLUMN digest bigint NOT NULL DEFAULT 0;
DROP TABLE scope_entity;

CREATE TABLE scope_row (
    scope text NOT NULL REFERENCES scope,
    kind text NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    -- JSON; NULL once it is deleted.
    body text,
    -- The first 64 bits of SHA-256 over kind, a line feed, id, a line feed and body.
    hash bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, kind, id),
    CONSTRAINT scope_row_hash CHECK ((body IS NULL) = (hash IS NULL))
);
CREATE INDEX ON scope_row (scope, version, kind, id);
CREATE INDEX scope_row_deleted ON scope_row (at) WHERE body IS NULL;

CREATE TABLE sync_epoch (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO sync_epoch DEFAULT VALUES;

CREATE TABLE sync_device (
    id uuid PRIMARY KEY,
    guest_id uuid NOT NULL REFERENCES guest,
    last_sequence bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX ON sync_device (guest_id);

CREATE TABLE sync_outcome (
    guest_id uuid NOT NULL REFERENCES guest,
    mutation_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    outcome text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (guest_id, mutation_id)
);
CREATE INDEX ON sync_outcome (at);

CREATE FUNCTION row_hash(kind text, id uuid, body text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || encode(substring(sha256(convert_to(kind || E'\n' || id || E'\n' || body, 'UTF8')) FOR 8), 'hex'))::bit(64)::bigint
$$;

CREATE VIEW shown_guest AS
SELECT 'guest:' || guest.id AS scope, guest.id, json_strip_nulls(json_build_object(
    'id', guest.id, 'email', email, 'name', name, 'language', language, 'birthday', birthday,
    'interests', to_json(interests),
    'favouriteCottageIds', (
        SELECT coalesce(json_agg(cottage_id ORDER BY cottage_id), '[]') FROM favourite_cottage WHERE guest_id = guest.id
    ),
    'version', version
))::text AS body
FROM guest WHERE erased_at IS NULL;

CREATE VIEW shown_membership AS
SELECT 'guest:' || guest_id AS scope, group_id AS id, json_strip_nulls(json_build_object(
    'groupId', group_id, 'travellerId', traveller.id, 'householdId', household_id, 'role', role
))::text AS body
FROM traveller WHERE guest_id IS NOT NULL AND left_at IS NULL;

CREATE VIEW shown_group AS
SELECT 'group:' || id AS scope, id, json_build_object('id', id, 'name', name, 'version', version)::text AS body
FROM travel_group;

CREATE VIEW shown_household AS
SELECT 'group:' || group_id AS scope, id, json_build_object('id', id, 'name', name)::text AS body
FROM household;

CREATE VIEW shown_traveller AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'householdId', household_id, 'name', name, 'role', role, 'birthDate', birth_date,
    'guardianId', guardian_id, 'version', version
))::text AS body
FROM traveller WHERE left_at IS NULL;

CREATE VIEW shown_invitation AS
SELECT 'organiser:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'code', code, 'travellerId', traveller_id, 'uses', uses, 'maxUses', max_uses,
    'expiresAt', utc(expires_at), 'isRevoked', revoked_at IS NOT NULL
))::text AS body
FROM invitation;

CREATE VIEW shown_booking AS
SELECT 'group:' || group_id AS scope, booking.id, json_strip_nulls(json_build_object(
    'id', booking.id, 'number', number, 'parkId', park_id, 'groupId', group_id,
    'stay', json_build_object('arrival', lower(stay), 'departure', upper(stay)),
    'state', state, 'holdUntil', utc(hold_until), 'isExtended', is_extended,
    'adults', adults, 'children', children, 'babies', babies, 'pets', pets,
    'cottages', (
        SELECT coalesce(json_agg(json_build_object('id', cottage_id, 'number', cottage.number, 'isChosen', is_chosen,
            'pricedAs', priced_as) ORDER BY cottage_id), '[]')
        FROM allocation JOIN cottage ON cottage.id = cottage_id WHERE booking_id = booking.id
    ),
    'travellerIds', (
        SELECT coalesce(json_agg(traveller_id ORDER BY traveller_id), '[]')
        FROM booking_traveller WHERE booking_id = booking.id
    ),
    'charges', (
        SELECT coalesce(json_agg(json_build_object('kind', kind, 'cottageId', cottage_id, 'travellerId', traveller_id,
            'householdId', household_id, 'extraOrderId', extra_order_id, 'quantity', quantity,
            'unitAmount', unit_amount, 'amount', amount) ORDER BY line.id), '[]')
        FROM charge_line AS line WHERE booking_id = booking.id
    ),
    'extras', (
        SELECT coalesce(json_agg(json_build_object('id', ordered.id, 'bookingId', booking_id, 'extraId', extra_id,
            'from', lower(dates), 'through', upper(dates) - 1, 'slot', nullif(slot, ''), 'quantity', quantity,
            'householdId', household_id, 'unitAmount', unit_amount, 'isCancelled', false) ORDER BY ordered.id), '[]')
        FROM extra_order AS ordered WHERE booking_id = booking.id AND cancelled_at IS NULL
    ),
    'total', json_build_object('amount', price, 'currency', currency),
    'deposit', json_build_object('amount', deposit, 'currency', currency),
    'isDepositCovered', paid >= deposit, 'isPaid', paid >= price,
    'placedAt', utc(placed_at), 'arrivalTime', to_char(arrival_time, 'HH24:MI'),
    'checkedInAt', utc(checked_in_at), 'checkedOutAt', utc(checked_out_at),
    'leastFeePercent', least_fee_percent, 'version', version
))::text AS body
FROM booking,
    LATERAL (SELECT coalesce(sum(amount), 0) AS price FROM charge_line WHERE booking_id = booking.id) AS priced,
    LATERAL (SELECT coalesce(sum(share.paid), 0) AS paid FROM share WHERE booking_id = booking.id) AS came
WHERE group_id IS NOT NULL;

CREATE VIEW shown_readiness AS
SELECT 'cottage:' || id AS scope, id, json_build_object('cottageId', id, 'isReady', readiness = 'ready')::text AS body
FROM cottage;

CREATE VIEW shown_share AS
SELECT 'group:' || group_id AS scope, share.id, json_strip_nulls(json_build_object(
    'id', share.id, 'bookingId', booking_id, 'householdId', household_id, 'due', due, 'version', share.version,
    'coveredBy', covered_by,
    'state', CASE WHEN paid > amount THEN 'refundDue' WHEN paid = amount THEN 'paid' WHEN paid > 0 THEN 'partlyPaid'
        ELSE 'open' END
))::text AS body
FROM share JOIN booking ON booking.id = booking_id;

CREATE VIEW shown_amount AS
SELECT reader.scope, share.id, json_strip_nulls(json_build_object(
    'shareId', share.id, 'amount', amount, 'paid', paid, 'asked', asked, 'keptPercent', kept_percent,
    'currency', currency
))::text AS body
FROM share JOIN booking ON booking.id = booking_id,
    LATERAL (VALUES ('household:' || household_id), ('organiser:' || group_id)) AS reader (scope);

CREATE VIEW shown_park AS
SELECT 'park:' || id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'slug', slug, 'name', name, 'timeZone', time_zone, 'currency', currency, 'country', country,
    'longitude', longitude, 'latitude', latitude, 'texts', texts, 'rules', rules, 'version', version
))::text AS body
FROM park;

CREATE VIEW shown_cottage_type AS
SELECT 'park:' || park_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'parkId', park_id, 'code', code, 'name', name, 'texts', texts, 'capacity', capacity,
    'bedrooms', bedrooms, 'pets', pets, 'isStepFree', is_step_free, 'cleaningFee', cleaning_fee, 'version', version
))::text AS body
FROM cottage_type;

CREATE VIEW shown_cottage AS
SELECT 'park:' || park_id AS scope, id, json_build_object(
    'id', id, 'parkId', park_id, 'typeId', type_id, 'number', number, 'longitude', longitude, 'latitude', latitude,
    'isOpen', is_open, 'version', version
)::text AS body
FROM cottage;

CREATE VIEW shown_rate AS
SELECT 'park:' || park_id AS scope, rate.id, json_build_object(
    'id', rate.id, 'typeId', type_id,
    'season', json_build_object('arrival', lower(season), 'departure', upper(season)),
    'night', night, 'weekendNight', weekend_night, 'version', rate.version
)::text AS body
FROM rate JOIN cottage_type ON cottage_type.id = type_id;

CREATE VIEW shown_extra AS
SELECT 'park:' || park_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'parkId', park_id, 'code', code, 'names', names, 'isDaily', is_daily, 'price', price,
    'slots', to_json(slots), 'stock', stock, 'isOpen', is_open, 'version', version
))::text AS body
FROM extra;

CREATE VIEW shown AS
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
UNION ALL SELECT 'extra', scope, id, body FROM shown_extra;

-- What is there already, as one change of each scope.
INSERT INTO scope (name, version) SELECT DISTINCT scope, 1 FROM shown
ON CONFLICT (name) DO UPDATE SET version = scope.version + 1;
INSERT INTO scope_row (scope, kind, id, version, body, hash)
SELECT scope, kind, id, version, body, row_hash(kind, id, body) FROM shown JOIN scope ON name = scope;
UPDATE scope SET count = rows.count, digest = rows.digest
FROM (SELECT scope, count(*), bit_xor(hash) AS digest FROM scope_row GROUP BY scope) AS rows
WHERE name = rows.scope;

INSERT INTO schema_version (number, name) VALUES (10, 'shown');
