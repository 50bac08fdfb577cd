-- Voorpret: the whole truth for a new database. Every later change comes as migrations/NNNN_name.sql
-- too, and a test proves that both ways end in the same catalogue.
--
-- What must never happen is impossible here first: a double booking, two organisers, a traveller in
-- somebody else's household, an invitation used too often, a consent rewritten. Constraints have
-- names; the code turns each into a refusal beside the statement that can trip it.
--
-- Words: `stay` is a daterange of park-local dates [arrival, departure). Amounts are integer minor
-- units (cents) of the park's currency. Instants are timestamptz, in UTC.

SET LOCAL lock_timeout = '2s';

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE schema_version (
    number int PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Parks ---------------------------------------------------------------------------------------

CREATE TABLE park (
    id uuid PRIMARY KEY,
    slug text NOT NULL CONSTRAINT park_slug_taken UNIQUE CHECK (slug ~ '^[a-z0-9-]{2,40}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    time_zone text NOT NULL,
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    country char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    latitude double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    -- {"nl": {"welcome": "…"}, "en": {…}}
    texts jsonb NOT NULL DEFAULT '{}',
    -- HouseRules, see Sources/GuestModels/Parks/HouseRules.swift
    rules jsonb NOT NULL,
    version int NOT NULL DEFAULT 1
);

CREATE TABLE cottage_type (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    code text NOT NULL CHECK (code ~ '^[A-Za-z0-9-]{1,20}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    texts jsonb NOT NULL DEFAULT '{}',
    capacity int NOT NULL CHECK (capacity BETWEEN 1 AND 100),
    bedrooms int NOT NULL CHECK (bedrooms BETWEEN 0 AND 50),
    pets int NOT NULL DEFAULT 0 CHECK (pets BETWEEN 0 AND 20),
    is_step_free boolean NOT NULL DEFAULT false,
    cleaning_fee bigint NOT NULL DEFAULT 0 CHECK (cleaning_fee BETWEEN 0 AND 1000000000),
    version int NOT NULL DEFAULT 1,
    CONSTRAINT cottage_type_code_taken UNIQUE (park_id, code),
    UNIQUE (id, park_id)
);

CREATE TABLE cottage (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    type_id uuid NOT NULL,
    number text NOT NULL CHECK (length(number) BETWEEN 1 AND 20),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    latitude double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    is_open boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    -- For the search: one bit per night from `nights_from` on, set where a live allocation takes it. It lies in this row
    -- so that a search over all parks is one pass over this table. Derived from the allocations by their trigger and by
    -- nothing else; `voorpret check occupancy` compares.
    nights_from date NOT NULL DEFAULT '2000-01-01',
    nights bit varying NOT NULL DEFAULT B'',
    readiness text NOT NULL DEFAULT 'ready'
        CONSTRAINT cottage_readiness CHECK (readiness IN ('occupied', 'toClean', 'ready', 'outOfOrder')),
    readiness_note text CHECK (length(readiness_note) <= 500),
    readiness_at timestamptz,
    CONSTRAINT cottage_number_taken UNIQUE (park_id, number),
    CONSTRAINT cottage_type_of_park FOREIGN KEY (type_id, park_id) REFERENCES cottage_type (id, park_id)
);
CREATE INDEX ON cottage (type_id);

-- What a night costs in a season. Seasons of one type never overlap.
CREATE TABLE rate (
    id uuid PRIMARY KEY,
    type_id uuid NOT NULL REFERENCES cottage_type,
    season daterange NOT NULL CHECK (NOT isempty(season) AND NOT lower_inf(season) AND NOT upper_inf(season)),
    night bigint NOT NULL CHECK (night BETWEEN 0 AND 1000000000),
    weekend_night bigint NOT NULL CHECK (weekend_night BETWEEN 0 AND 1000000000),
    version int NOT NULL DEFAULT 1,
    since timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT rate_season_overlaps EXCLUDE USING gist (type_id WITH =, season WITH &&)
);

-- A booking is re-priced at the rates of the day it was placed, so a rate's past is kept.
CREATE TABLE past_rate (
    id uuid NOT NULL,
    type_id uuid NOT NULL REFERENCES cottage_type,
    season daterange NOT NULL,
    night bigint NOT NULL,
    weekend_night bigint NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (id, since)
);
CREATE INDEX ON past_rate (type_id);

-- People --------------------------------------------------------------------------------------

CREATE TABLE guest (
    id uuid PRIMARY KEY,
    -- NULL once erased, and for a guest whom the desk knows without mail.
    email text CONSTRAINT guest_email_taken UNIQUE CHECK (email = lower(email) AND length(email) <= 254),
    name text NOT NULL DEFAULT '' CHECK (length(name) <= 100),
    language char(2) NOT NULL DEFAULT 'en',
    birthday date,
    interests text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    erased_at timestamptz,
    version int NOT NULL DEFAULT 1,
    -- The park whose desk made the account; that desk may act for them.
    desk_park_id uuid REFERENCES park,
    -- When a guest whom the desk made signed in for the first time; from then on only they change the account.
    claimed_at timestamptz,
    CONSTRAINT guest_erased_is_empty CHECK (
        erased_at IS NULL OR (email IS NULL AND name = '' AND birthday IS NULL AND interests = '{}')
    )
);
CREATE INDEX ON guest (desk_park_id);

CREATE TABLE favourite_cottage (
    guest_id uuid NOT NULL REFERENCES guest,
    cottage_id uuid NOT NULL REFERENCES cottage,
    PRIMARY KEY (guest_id, cottage_id)
);

CREATE TABLE staff (
    id uuid PRIMARY KEY,
    email text NOT NULL CONSTRAINT staff_email_taken UNIQUE CHECK (email = lower(email) AND length(email) <= 254),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    language char(2) NOT NULL DEFAULT 'en',
    is_head_office boolean NOT NULL DEFAULT false,
    left_at timestamptz,
    created_at timestamptz NOT NULL,
    version int NOT NULL DEFAULT 1
);

CREATE TABLE staff_function (
    staff_id uuid NOT NULL REFERENCES staff,
    park_id uuid NOT NULL REFERENCES park,
    function text NOT NULL CHECK (
        function IN ('reception', 'host', 'housekeeping', 'maintenance', 'moderator', 'huntEditor', 'finance')
    ),
    PRIMARY KEY (staff_id, park_id, function)
);

-- A colleague's authenticator app (RFC 6238): its secret, sealed, and the last half-minute whose code was taken.
CREATE TABLE staff_factor (
    staff_id uuid PRIMARY KEY REFERENCES staff,
    sealed bytea NOT NULL,
    -- NULL until a code of the app has come.
    confirmed_at timestamptz,
    last_step bigint NOT NULL DEFAULT 0,
    -- Wrong codes since an instant.
    tries int NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    tries_since timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE recovery_code (
    staff_id uuid NOT NULL REFERENCES staff_factor ON DELETE CASCADE,
    hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (staff_id, hash)
);

-- Other systems of a park, each with at most two ways in for a purpose: the one in use, and the one that replaces it.
CREATE TABLE system_credential (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    purpose text NOT NULL CHECK (purpose IN ('feed', 'reports', 'books')),
    place smallint NOT NULL CHECK (place IN (1, 2)),
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    ended_at timestamptz
);
CREATE UNIQUE INDEX system_credential_two_at_a_time ON system_credential (park_id, name, purpose, place)
    WHERE ended_at IS NULL;
CREATE INDEX ON system_credential (ended_at);

-- What a person agreed to, and when they took it back. Rows are only ever added.
CREATE TABLE consent (
    id uuid PRIMARY KEY,
    guest_id uuid REFERENCES guest,
    -- A child without an account, for whom a guardian speaks. The reference follows where `traveller` is made.
    traveller_id uuid,
    purpose text NOT NULL CHECK (purpose IN ('interests', 'birthday', 'news', 'photos', 'location', 'matching')),
    text_version text NOT NULL CHECK (length(text_version) BETWEEN 1 AND 40),
    is_given boolean NOT NULL,
    -- The guest who spoke for the child; NULL when they spoke for themselves.
    guardian_id uuid REFERENCES guest,
    at timestamptz NOT NULL,
    CONSTRAINT consent_of_somebody CHECK (num_nonnulls(guest_id, traveller_id) = 1),
    CONSTRAINT consent_for_child_by_guardian CHECK ((traveller_id IS NULL) = (guardian_id IS NULL))
);
CREATE INDEX consent_latest ON consent (guest_id, purpose, id DESC);
CREATE INDEX ON consent (traveller_id, purpose, id DESC);

-- Signing in ----------------------------------------------------------------------------------

-- One request for a code. The code is not here at all: it is derived from the id with the server's secret.
CREATE TABLE sign_in_attempt (
    id uuid PRIMARY KEY,
    audience text NOT NULL CHECK (audience IN ('guest', 'staff')),
    -- Where the mail goes.
    email text,
    -- Hash of the secret that only the asking device has; once a link was used, of the device that opened it.
    device_hash bytea,
    tries int NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    -- When the code is over.
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    created_at timestamptz NOT NULL,
    -- When the link is over that the mail brings, or the desk prints.
    link_expires_at timestamptz NOT NULL DEFAULT '-infinity',
    -- A guest whom the desk lets in without mail.
    guest_id uuid REFERENCES guest,
    -- Hash of the code that the link's page shows.
    page_code bytea CONSTRAINT sign_in_attempt_page_code UNIQUE,
    CONSTRAINT sign_in_attempt_of_one_person CHECK (num_nonnulls(email, guest_id) = 1),
    CONSTRAINT sign_in_attempt_used_by_a_device CHECK (used_at IS NULL OR device_hash IS NOT NULL)
);
CREATE INDEX sign_in_attempt_guest ON sign_in_attempt (guest_id) WHERE guest_id IS NOT NULL;
CREATE INDEX ON sign_in_attempt (email, created_at);
CREATE INDEX ON sign_in_attempt (expires_at);

-- The devices that were signed in to an address. They count apart from strangers when somebody asks for codes, also after
-- their session is over; forgotten 400 days after the last sign-in.
CREATE TABLE known_device (
    email text NOT NULL CHECK (email = lower(email)),
    device_hash bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (email, device_hash)
);
CREATE INDEX ON known_device (seen_at);

-- The last time that the owner of an address was told of what somebody tries there.
CREATE TABLE security_notice (
    email text NOT NULL CHECK (email = lower(email)),
    kind text NOT NULL CHECK (kind IN ('codesGuessed', 'tokenCopied')),
    told_at timestamptz NOT NULL,
    PRIMARY KEY (email, kind)
);
CREATE INDEX ON security_notice (told_at);

-- A guest's mail address on its way to becoming another one. The row stays when that is over, and counts how often the guest
-- has asked since an instant.
CREATE TABLE mail_change (
    guest_id uuid PRIMARY KEY REFERENCES guest,
    id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
    -- Tries of the codes.
    tries int NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    -- Whether the code from the new mailbox has come.
    is_confirmed boolean NOT NULL DEFAULT false,
    is_over boolean NOT NULL DEFAULT false,
    codes_until timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    asked int NOT NULL CHECK (asked > 0),
    since timestamptz NOT NULL,
    CONSTRAINT mail_change_over_is_empty CHECK (is_over = (email = '') AND NOT (is_over AND is_confirmed))
);
CREATE INDEX ON mail_change (due_at);

-- Codes of invitations that there are not, tried by one guest on one day.
CREATE TABLE invitation_guess (
    guest_id uuid PRIMARY KEY REFERENCES guest,
    day date NOT NULL,
    wrong int NOT NULL CHECK (wrong > 0)
);
CREATE INDEX ON invitation_guess (day);

-- A device that is signed in: one family of refresh tokens.
CREATE TABLE session (
    id uuid PRIMARY KEY,
    guest_id uuid REFERENCES guest,
    staff_id uuid REFERENCES staff,
    device_name text NOT NULL DEFAULT '' CHECK (length(device_name) <= 100),
    device_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    revoked_at timestamptz,
    -- When a colleague proved a second factor on this device.
    factor_at timestamptz,
    -- A child without account, whose phone a guardian has admitted. The reference follows where `traveller` is made.
    traveller_id uuid,
    CONSTRAINT session_of_one_person CHECK (num_nonnulls(guest_id, staff_id, traveller_id) = 1)
);
CREATE INDEX ON session (guest_id);
CREATE INDEX ON session (staff_id);
CREATE INDEX ON session (traveller_id);
CREATE INDEX ON session (ends_at);
CREATE INDEX session_revoked ON session (revoked_at) WHERE revoked_at IS NOT NULL;

-- Where the notices for a signed-in phone go. A phone that somebody else signs in on takes its token along.
CREATE TABLE push_token (
    session_id uuid PRIMARY KEY REFERENCES session ON DELETE CASCADE,
    service text NOT NULL CHECK (service IN ('apns', 'fcm')),
    token text NOT NULL CHECK (length(token) <= 1000 AND token ~ '^[A-Za-z0-9:_-]+$'),
    registered_at timestamptz NOT NULL,
    CONSTRAINT push_token_of_one UNIQUE (service, token)
);

-- What a guest does not want to be told by their phones; no row: everything is told.
CREATE TABLE notice_preference (
    guest_id uuid PRIMARY KEY REFERENCES guest,
    muted text[] NOT NULL CHECK (muted <@ ARRAY['friends', 'plans', 'booking', 'hosts', 'money'])
);

CREATE TABLE access_token (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON access_token (session_id);
CREATE INDEX ON access_token (expires_at);

CREATE TABLE refresh_token (
    hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    -- When it was exchanged. The successor is derived from it, so a retry gets the same one.
    used_at timestamptz,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON refresh_token (session_id);
CREATE INDEX ON refresh_token (expires_at);

-- Groups --------------------------------------------------------------------------------------

CREATE TABLE travel_group (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    version int NOT NULL DEFAULT 1
);

-- Travellers who live, travel and pay together.
CREATE TABLE household (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    UNIQUE (id, group_id)
);
CREATE INDEX ON household (group_id);

-- Anybody in the party. One with an account is a member and has a role.
CREATE TABLE traveller (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    household_id uuid NOT NULL,
    guest_id uuid REFERENCES guest,
    role text CHECK (role IN ('organiser', 'member')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    birth_date date,
    guardian_id uuid,
    joined_at timestamptz NOT NULL,
    left_at timestamptz,
    version int NOT NULL DEFAULT 1,
    UNIQUE (id, group_id),
    CONSTRAINT traveller_member_has_role CHECK ((guest_id IS NULL) = (role IS NULL)),
    CONSTRAINT traveller_organiser_stays CHECK (role <> 'organiser' OR left_at IS NULL),
    CONSTRAINT traveller_household_of_group FOREIGN KEY (household_id, group_id) REFERENCES household (id, group_id),
    CONSTRAINT traveller_guardian_of_group FOREIGN KEY (guardian_id, group_id) REFERENCES traveller (id, group_id)
);
ALTER TABLE consent ADD FOREIGN KEY (traveller_id) REFERENCES traveller;
ALTER TABLE session ADD FOREIGN KEY (traveller_id) REFERENCES traveller;
CREATE UNIQUE INDEX traveller_one_organiser ON traveller (group_id) WHERE role = 'organiser';
CREATE UNIQUE INDEX traveller_once_in_group ON traveller (group_id, guest_id) WHERE left_at IS NULL;
CREATE INDEX ON traveller (guest_id);
CREATE INDEX ON traveller (household_id);

CREATE TABLE invitation (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    -- Short and easy to read out.
    code text NOT NULL CONSTRAINT invitation_code_taken UNIQUE CHECK (code ~ '^[A-HJ-NP-Z2-9]{8}$'),
    -- Whoever accepts takes over this traveller's row.
    traveller_id uuid,
    uses int NOT NULL DEFAULT 0,
    max_uses int NOT NULL CHECK (max_uses BETWEEN 1 AND 100),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL,
    -- 130 bits, for the link; NULL in invitations from before links had codes of their own.
    link_code text CONSTRAINT invitation_link_code_taken UNIQUE CHECK (link_code ~ '^[A-HJ-NP-Z2-9]{26}$'),
    CONSTRAINT invitation_used_up CHECK (uses BETWEEN 0 AND max_uses),
    CONSTRAINT invitation_traveller_of_group FOREIGN KEY (traveller_id, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON invitation (group_id);

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

-- Bookings ------------------------------------------------------------------------------------

-- An export of a property system that has been read, known by the hash of its bytes.
CREATE TABLE import_file (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    hash bytea NOT NULL,
    name text NOT NULL,
    rows int NOT NULL CHECK (rows >= 0),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (park_id, hash)
);

-- A row of it that could not be imported, and why. Imported and rejected rows add up to all rows.
CREATE TABLE import_reject (
    import_file_id uuid NOT NULL REFERENCES import_file,
    line int NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (import_file_id, line)
);

CREATE TABLE booking (
    id uuid PRIMARY KEY,
    -- What a guest reads out at the desk.
    number text NOT NULL CONSTRAINT booking_number_taken UNIQUE,
    park_id uuid NOT NULL REFERENCES park,
    -- NULL for a booking that came from another system and has no group here.
    group_id uuid REFERENCES travel_group,
    stay daterange NOT NULL CHECK (NOT isempty(stay) AND NOT lower_inf(stay) AND NOT upper_inf(stay)),
    state text NOT NULL CHECK (state IN ('held', 'confirmed', 'checkedIn', 'checkedOut', 'expired', 'cancelled', 'noShow')),
    hold_until timestamptz,
    is_extended boolean NOT NULL DEFAULT false,
    adults int NOT NULL CHECK (adults BETWEEN 0 AND 500),
    children int NOT NULL CHECK (children BETWEEN 0 AND 500),
    babies int NOT NULL CHECK (babies BETWEEN 0 AND 500),
    pets int NOT NULL CHECK (pets BETWEEN 0 AND 50),
    currency char(3) NOT NULL,
    -- The house rules as they were when the booking was placed.
    policy jsonb NOT NULL,
    deposit bigint NOT NULL CHECK (deposit >= 0),
    source text NOT NULL CHECK (source IN ('guest', 'staff', 'import')),
    -- Its number in the property system.
    reservation_number text,
    confirmed_reason text CHECK (length(confirmed_reason) <= 500),
    cancelled_reason text CHECK (length(cancelled_reason) <= 500),
    placed_at timestamptz NOT NULL,
    -- When its version rose last; NULL before the first time.
    changed_at timestamptz,
    -- The guest who asked for it; NULL for staff and imports.
    placed_by uuid REFERENCES guest,
    -- What cleaning each type of the park cost when the booking was placed: {"type id": minor units}.
    fees jsonb NOT NULL DEFAULT '{}',
    -- When they mean to come, on the park's clock.
    arrival_time time,
    checked_in_at timestamptz,
    checked_out_at timestamptz,
    version int NOT NULL DEFAULT 1,
    -- What a cancellation costs at least: a stay that was put off late keeps the percentage of that day.
    least_fee_percent int NOT NULL DEFAULT 0 CHECK (least_fee_percent BETWEEN 0 AND 100),
    -- How the group divides the price (SplitRule); NULL is equally.
    split jsonb,
    -- When the property system last said something of it; what it said before that is old.
    reported_at timestamptz,
    -- The household that answers for a group's booking: the organiser's when it was placed, until another organiser
    -- accepts. NULL where nobody organised.
    backstop_id uuid REFERENCES household,
    -- The last day for covering a firm stay's deposit again. NULL: the deposit is covered, or staff have waived it.
    deposit_due date,
    -- The instant at which the no-show was recorded.
    no_show_at timestamptz,
    CONSTRAINT booking_hold_has_deadline CHECK ((state = 'held') = (hold_until IS NOT NULL)),
    CONSTRAINT booking_has_group CHECK (source = 'import' OR group_id IS NOT NULL),
    CONSTRAINT booking_somebody_stays CHECK (source = 'import' OR adults + children > 0),
    CONSTRAINT booking_reservation_once UNIQUE (park_id, reservation_number)
);
CREATE INDEX ON booking (group_id);
CREATE INDEX booking_arrivals ON booking (park_id, lower(stay));
CREATE INDEX booking_departures ON booking (park_id, upper(stay));
CREATE INDEX booking_deposit_due ON booking (park_id, deposit_due) WHERE deposit_due IS NOT NULL;
-- Whose holds are counted.
CREATE INDEX booking_held ON booking (placed_by) WHERE state = 'held';

-- The booking that a row of it made or changed.
CREATE TABLE import_row (
    import_file_id uuid NOT NULL REFERENCES import_file,
    line int NOT NULL,
    booking_id uuid NOT NULL REFERENCES booking,
    PRIMARY KEY (import_file_id, line)
);

-- A reservation that another system cancelled before we heard of it, for the report of it that is still to come; forgotten
-- after 400 days.
CREATE TABLE withdrawn_reservation (
    park_id uuid NOT NULL REFERENCES park,
    number text NOT NULL CHECK (length(number) BETWEEN 1 AND 100),
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (park_id, number)
);
CREATE INDEX ON withdrawn_reservation (reported_at);

-- Who of the group stays.
CREATE TABLE booking_traveller (
    booking_id uuid NOT NULL REFERENCES booking,
    traveller_id uuid NOT NULL REFERENCES traveller,
    PRIMARY KEY (booking_id, traveller_id)
);
CREATE INDEX ON booking_traveller (traveller_id);

CREATE TABLE closure (
    id uuid PRIMARY KEY,
    cottage_id uuid NOT NULL REFERENCES cottage,
    stay daterange NOT NULL CHECK (NOT isempty(stay) AND NOT lower_inf(stay) AND NOT upper_inf(stay)),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    ended_at timestamptz
);
CREATE INDEX ON closure (cottage_id);

-- The nights of `stay` among the `size` nights from `first` on, as bits.
CREATE FUNCTION night_mask(stay daterange, first date, size int) RETURNS bit varying
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (repeat('0', lower(stay) - first) || repeat('1', upper(stay) - lower(stay))
        || repeat('0', first + size - upper(stay)))::bit varying
$$;

-- Which cottage is taken in which nights, by a booking or for maintenance. The exclusion constraint
-- is the last line against a double booking; the verbs lock the cottage rows first, in id order.
CREATE TABLE allocation (
    id uuid PRIMARY KEY,
    cottage_id uuid NOT NULL REFERENCES cottage,
    -- The century bounds what `cottage.nights` can grow to.
    stay daterange NOT NULL CHECK (NOT isempty(stay) AND stay <@ daterange('2000-01-01', '2100-01-01')),
    booking_id uuid REFERENCES booking,
    closure_id uuid REFERENCES closure,
    is_live boolean NOT NULL DEFAULT true,
    -- The guest chose this cottage and paid for the choice: the desk does not move it.
    is_chosen boolean NOT NULL DEFAULT false,
    -- The type that was booked, where the desk has given a cottage of another: it is the price that stays.
    priced_as uuid REFERENCES cottage_type,
    -- The held change that keeps this cottage, beside the cottages its booking has.
    change_of uuid,
    -- The first night that is paid for, where the cottage came in the middle of a stay. NULL: the whole stay.
    priced_from date,
    CONSTRAINT allocation_has_reason CHECK (num_nonnulls(booking_id, closure_id, change_of) = 1),
    CONSTRAINT allocation_cottage_taken EXCLUDE USING gist (cottage_id WITH =, stay WITH &&) WHERE (is_live)
);
CREATE INDEX ON allocation (booking_id);
CREATE INDEX ON allocation (closure_id);
CREATE INDEX ON allocation (change_of) WHERE change_of IS NOT NULL;

-- Marks a live allocation's nights on its cottage and takes the marks of an ended one away; `nights` grows to either
-- side as stays come. The cottage's row is locked already by whoever takes or frees it.
CREATE FUNCTION allocation_marks_nights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.is_live THEN
        UPDATE cottage SET nights = nights & ~night_mask(OLD.stay, nights_from, length(nights))
        WHERE id = OLD.cottage_id;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.is_live THEN
        UPDATE cottage SET nights_from = first, nights = night_mask(NEW.stay, first, size)
            | (repeat('0', before)::bit varying || nights || repeat('0', size - before - length(nights))::bit varying)
        FROM (
            SELECT id AS cottage_id, first, old_from - first AS before,
                greatest(old_from + length(nights), upper(NEW.stay)) - first AS size
            FROM (
                SELECT id, nights, old_from, least(old_from, lower(NEW.stay)) AS first
                FROM (
                    SELECT id, nights, CASE WHEN length(nights) = 0 THEN lower(NEW.stay) ELSE nights_from END AS old_from
                    FROM cottage WHERE id = NEW.cottage_id
                ) AS present
            ) AS begun
        ) AS grown
        WHERE id = cottage_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER allocation_marks_nights AFTER INSERT OR UPDATE OR DELETE ON allocation
    FOR EACH ROW EXECUTE FUNCTION allocation_marks_nights();

-- What a change would cost, as it was told to the guest. Used once, for that version of the booking.
CREATE TABLE quote (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking,
    booking_version int NOT NULL,
    -- BookingPlan: the state of things after the change.
    plan jsonb NOT NULL,
    difference bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    -- The plan and the fee that the change replaced (BookingPlan, booking.least_fee_percent), so that it can be undone.
    before jsonb,
    least_fee_percent int CHECK (least_fee_percent BETWEEN 0 AND 100),
    -- The principal who made the change.
    made_by text,
    undone_at timestamptz
);
CREATE INDEX ON quote (booking_id);
CREATE INDEX ON quote (expires_at);

-- A guest's change of a firm stay that asks for a higher deposit: its nights and cottages are held until it is paid.
CREATE TABLE held_change (
    booking_id uuid PRIMARY KEY REFERENCES booking,
    quote_id uuid NOT NULL REFERENCES quote,
    hold_until timestamptz NOT NULL,
    -- The money that must have come in before the change is made.
    deposit bigint NOT NULL CHECK (deposit > 0)
);
ALTER TABLE allocation ADD FOREIGN KEY (change_of) REFERENCES held_change ON DELETE CASCADE;

-- Extras ----------------------------------------------------------------------------------------

-- What a park offers beside the cottage.
CREATE TABLE extra (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    code text NOT NULL CHECK (code ~ '^[A-Za-z0-9-]{1,20}$'),
    -- {"en": "Bicycle", "nl": "Fiets"}
    names jsonb NOT NULL,
    -- Whether the price is for the piece, however long, or for each day of it.
    is_daily boolean NOT NULL,
    price bigint NOT NULL CHECK (price BETWEEN 0 AND 1000000000),
    -- Times of day it is offered at; none where the time does not matter.
    slots text[] NOT NULL DEFAULT '{}',
    -- Per date and slot, where staff have set no other.
    stock int NOT NULL CHECK (stock BETWEEN 0 AND 100000),
    is_open boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    -- The hour until which those who order it may stay on the day of departure, on the park's clock. NULL: any other extra.
    check_out_by time CHECK (check_out_by IS NULL OR slots = '{}'),
    -- The kind of VAT rate that is in the price.
    taxed_as text NOT NULL DEFAULT 'extras' CHECK (taxed_as IN ('lodging', 'extras', 'none')),
    CONSTRAINT extra_code_taken UNIQUE (park_id, code)
);

-- The stock of an extra on a date and the number taken; a row is made when first needed.
CREATE TABLE extra_stock (
    extra_id uuid NOT NULL REFERENCES extra,
    date date NOT NULL,
    slot text NOT NULL DEFAULT '',
    -- NULL: the usual number.
    stock int CHECK (stock BETWEEN 0 AND 100000),
    taken int NOT NULL DEFAULT 0 CONSTRAINT extra_taken CHECK (taken >= 0),
    PRIMARY KEY (extra_id, date, slot)
);

-- No more are promised than there are, and no number is set below what is promised. The usual number may fall below it:
-- then no more are promised. The extra's row is held, so that its usual number stays until the end of the transaction.
CREATE FUNCTION extra_stock_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    had int = CASE WHEN TG_OP = 'UPDATE' THEN OLD.taken ELSE 0 END;
    usual int;
BEGIN
    IF NEW.taken > had THEN
        SELECT stock INTO usual FROM extra WHERE id = NEW.extra_id FOR SHARE;
    END IF;
    IF NEW.taken > had AND NEW.taken > coalesce(NEW.stock, usual) OR NEW.taken <= had AND NEW.taken > NEW.stock
        AND (TG_OP = 'INSERT' OR NEW.stock IS DISTINCT FROM OLD.stock)
    THEN
        RAISE EXCEPTION 'more of extra % are promised on % than there are', NEW.extra_id, NEW.date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extra_sold_out';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER extra_stock_left BEFORE INSERT OR UPDATE ON extra_stock
    FOR EACH ROW EXECUTE FUNCTION extra_stock_left();

CREATE TABLE extra_order (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking,
    extra_id uuid NOT NULL REFERENCES extra,
    -- The dates it is there for, park-local.
    dates daterange NOT NULL CHECK (NOT isempty(dates) AND upper(dates) - lower(dates) <= 366),
    slot text NOT NULL DEFAULT '',
    quantity int NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    -- For whom; NULL is the whole group.
    household_id uuid REFERENCES household,
    unit_amount bigint NOT NULL,
    ordered_by uuid REFERENCES guest,
    ordered_at timestamptz NOT NULL,
    cancelled_at timestamptz,
    -- True if the household has ordered it for itself, and so agreed to it.
    is_own boolean NOT NULL DEFAULT false,
    -- The hour of a late check-out, as it was when it was ordered.
    check_out_by time,
    -- The cottage that it is brought to. NULL: none was said.
    cottage_id uuid REFERENCES cottage,
    -- The extra's kind of VAT rate when it was ordered.
    taxed_as text NOT NULL DEFAULT 'extras' CHECK (taxed_as IN ('lodging', 'extras', 'none'))
);
CREATE INDEX ON extra_order (booking_id);
CREATE INDEX extra_order_to_prepare ON extra_order (extra_id, lower(dates)) WHERE cancelled_at IS NULL;

-- The price of a booking: lines are added or reversed, never edited.
CREATE TABLE charge_line (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking,
    kind text NOT NULL,
    cottage_id uuid REFERENCES cottage,
    -- Whom it is for; NULL is everybody.
    traveller_id uuid REFERENCES traveller,
    quantity int NOT NULL CHECK (quantity > 0),
    unit_amount bigint NOT NULL,
    amount bigint NOT NULL,
    reverses_id uuid CONSTRAINT charge_line_reversed_once UNIQUE REFERENCES charge_line,
    at timestamptz NOT NULL,
    household_id uuid REFERENCES household,
    extra_order_id uuid REFERENCES extra_order,
    CONSTRAINT charge_line_adds_up CHECK (amount = quantity * unit_amount),
    CONSTRAINT charge_line_kind CHECK (kind IN (
        'night', 'cleaning', 'chosenCottage', 'pet', 'earlyBooking', 'touristTax', 'imported', 'cancellation', 'extra',
        'goodwill'
    )),
    CONSTRAINT charge_line_of_extra CHECK ((kind = 'extra') = (extra_order_id IS NOT NULL))
);
CREATE INDEX ON charge_line (booking_id);
CREATE INDEX charge_line_at ON charge_line USING brin (at);

CREATE FUNCTION never_edited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER charge_line_never_edited BEFORE UPDATE OR DELETE ON charge_line
    FOR EACH ROW EXECUTE FUNCTION never_edited();
CREATE TRIGGER consent_never_edited BEFORE UPDATE ON consent
    FOR EACH ROW EXECUTE FUNCTION never_edited();

-- A calendar tells when a stay changed last, so that it is the same for as long as nothing has.
CREATE FUNCTION booking_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := statement_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER booking_changed BEFORE UPDATE ON booking FOR EACH ROW
    WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION booking_changed();

-- What is typed and what is kept are compared without accents, capitals, blanks and hyphens.
CREATE FUNCTION searchable(word text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
    SELECT lower(regexp_replace(normalize(word, NFKD), '[\u0300-\u036f\s\u2010-\u2015''’-]', '', 'g'))
$$;

-- Finds what contains a text, whose own signs are taken literally; a text of blanks finds nothing.
CREATE FUNCTION search_pattern(word text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
    SELECT '%' || nullif(replace(replace(replace(searchable(word), '\', '\\'), '%', '\%'), '_', '\_'), '') || '%'
$$;

-- Money ------------------------------------------------------------------------------------------

-- What each household owes of a booking; together it is the price. Written with the booking locked.
CREATE TABLE share (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking,
    household_id uuid NOT NULL REFERENCES household,
    amount bigint NOT NULL,
    -- The amount if the household agreed to everything; the backstop owes the difference meanwhile.
    asked bigint,
    -- The credit of its `prepaid` entries; `voorpret check ledger` compares. Below 0 where a bank has taken back more
    -- than was left.
    paid bigint NOT NULL DEFAULT 0,
    due date NOT NULL,
    version int NOT NULL DEFAULT 1,
    -- The household that has been asked to take it over.
    covered_by uuid REFERENCES household,
    -- For the version before this one, which has no `kept`.
    kept_percent int NOT NULL DEFAULT 100 CONSTRAINT share_kept_percent CHECK (kept_percent BETWEEN 0 AND 100),
    -- The most the household has agreed to owe, beside what it ordered and was given for itself. NULL where the version
    -- before this has written the share: then its amount counts as agreed.
    agreed bigint,
    -- The part of `paid` that exceeded the amount payable when it came in.
    surplus bigint NOT NULL DEFAULT 0 CONSTRAINT share_surplus CHECK (surplus >= 0),
    -- The most that the household still owes of a share that another has taken over. NULL where the version before this
    -- has written it, by `kept_percent`.
    kept bigint CHECK (kept >= 0),
    -- The most that it owes besides until the other household has agreed to take it over.
    kept_meanwhile bigint NOT NULL DEFAULT 0 CONSTRAINT share_kept_meanwhile CHECK (kept_meanwhile >= 0),
    -- The part of `paid` that may be given back now.
    refundable bigint NOT NULL DEFAULT 0 CONSTRAINT share_refundable CHECK (refundable >= 0),
    -- The park's day of the last letter about what is open.
    reminded_on date,
    CONSTRAINT share_once UNIQUE (booking_id, household_id),
    CONSTRAINT share_not_covered_by_itself CHECK (covered_by <> household_id)
);
CREATE INDEX share_overpaid ON share (booking_id) WHERE paid > amount;
CREATE INDEX share_to_give_back ON share (booking_id) WHERE refundable > 0;

-- Each change of what a household has agreed to owe: the last one of a share is what counts.
CREATE TABLE agreement (
    share_id uuid NOT NULL REFERENCES share,
    number int NOT NULL CHECK (number > 0),
    agreed bigint NOT NULL,
    -- By what it agreed: being in the booking, saying so, paying, a change (its own made its part larger, or somebody's
    -- made it smaller), a take-over that has ended, handing over, or before agreements were kept.
    how text NOT NULL CONSTRAINT agreement_how CHECK (
        how IN ('joined', 'agreed', 'paid', 'changed', 'coverEnded', 'handedOver', 'before')
    ),
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT coalesce(current_setting('app.principal', true), ''),
    PRIMARY KEY (share_id, number)
);
CREATE TRIGGER agreement_never_edited BEFORE UPDATE OR DELETE ON agreement
    FOR EACH ROW EXECUTE FUNCTION never_edited();

-- The ledger: double entry, append-only. A journal tells one thing that happened to money, once.
CREATE TABLE journal (
    id uuid PRIMARY KEY,
    -- What it tells of, such as `till:ID`.
    key text NOT NULL CONSTRAINT journal_once UNIQUE,
    -- NULL for what concerns the account at the provider as a whole, such as a payout.
    park_id uuid REFERENCES park,
    booking_id uuid REFERENCES booking,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    day date NOT NULL,
    at timestamptz NOT NULL,
    -- The seller's account at the provider whose balance it moves. NULL: the service's own, or none.
    seller_account text
);
CREATE INDEX ON journal (booking_id);
CREATE INDEX ON journal (park_id, day);
CREATE INDEX journal_unbooked ON journal (id) WHERE booking_id IS NULL;
CREATE INDEX journal_at ON journal USING brin (at);

-- What was moved: debits are positive, credits negative, and a journal's add up to 0 in every currency.
CREATE TABLE entry (
    journal_id uuid NOT NULL REFERENCES journal,
    place int NOT NULL CHECK (place > 0),
    -- Of the journal's park. `prepaid` is what guests have paid ahead for a share (without one: what of it is released,
    -- because their stay has been earned), `refunds` what is on its way back to them, `provider` what the payment provider keeps for us; `receivable` is what guests owe for the part of their
    -- stay that is over, which is `revenue`, `vat` and `touristTax`.
    account text NOT NULL CONSTRAINT entry_account CHECK (
        account IN ('cash', 'terminal', 'giftCard', 'transfer', 'prepaid', 'tillDifference', 'provider', 'refunds', 'fees',
            'bank', 'disputed', 'reserve', 'exchange', 'receivable', 'revenue', 'vat', 'touristTax')
    ),
    share_id uuid REFERENCES share,
    amount bigint NOT NULL CHECK (amount <> 0),
    currency char(3) NOT NULL,
    -- Of VAT, in hundredths of a percent.
    rate int,
    PRIMARY KEY (journal_id, place),
    CONSTRAINT entry_rate CHECK ((account IN ('revenue', 'vat')) = (rate IS NOT NULL) AND rate BETWEEN 0 AND 10000),
    CONSTRAINT entry_of_share CHECK (
        account IN ('receivable', 'prepaid') OR (account = 'refunds') = (share_id IS NOT NULL)
    )
);
CREATE INDEX ON entry (share_id) WHERE share_id IS NOT NULL;

CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM entry WHERE journal_id = NEW.journal_id GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'journal % does not balance', NEW.journal_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION journal_balances();
CREATE TRIGGER journal_never_edited BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION never_edited();
CREATE TRIGGER entry_never_edited BEFORE UPDATE OR DELETE ON entry
    FOR EACH ROW EXECUTE FUNCTION never_edited();

-- Money at the desk.
CREATE TABLE till_payment (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    share_id uuid NOT NULL REFERENCES share,
    kind text NOT NULL CHECK (kind IN ('payment', 'reversal', 'refund')),
    method text NOT NULL CHECK (method IN ('cash', 'terminal', 'giftCard', 'transfer')),
    amount bigint NOT NULL CHECK (amount <> 0),
    reference text CHECK (length(reference) <= 100),
    day date NOT NULL,
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT current_setting('app.principal', true),
    reverses_id uuid CONSTRAINT till_payment_reversed_once UNIQUE REFERENCES till_payment,
    -- Of a refund: what had been paid twice.
    surplus bigint NOT NULL DEFAULT 0 CONSTRAINT till_payment_surplus CHECK (surplus >= 0),
    CONSTRAINT till_payment_sign CHECK ((amount > 0) = (kind = 'payment')),
    CONSTRAINT till_payment_of_reversal CHECK ((kind = 'reversal') = (reverses_id IS NOT NULL)),
    CONSTRAINT till_payment_reference CHECK (method = 'cash' OR reference IS NOT NULL)
);
CREATE INDEX ON till_payment (park_id, day);
CREATE INDEX ON till_payment (share_id);
CREATE TRIGGER till_payment_never_edited BEFORE UPDATE OR DELETE ON till_payment
    FOR EACH ROW EXECUTE FUNCTION never_edited();

-- The end of the till's day: what was counted, and why it is another sum than was taken.
CREATE TABLE till_close (
    park_id uuid NOT NULL REFERENCES park,
    day date NOT NULL,
    method text NOT NULL CHECK (method IN ('cash', 'terminal', 'giftCard', 'transfer')),
    expected bigint NOT NULL,
    counted bigint NOT NULL,
    reason text CHECK (length(reason) <= 500),
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT current_setting('app.principal', true),
    PRIMARY KEY (park_id, day, method),
    CONSTRAINT till_close_explained CHECK (counted = expected OR reason IS NOT NULL)
);

-- A way to pay one share without an account. What opens it is derived from its id and stands in no table.
CREATE TABLE pay_link (
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX ON pay_link (share_id);

-- One try to collect a share through the payment provider.
CREATE TABLE attempt (
    -- Also the provider's idempotency key.
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    -- Who pays: a guest, or whoever has the link.
    payer_id uuid REFERENCES guest,
    link_id uuid REFERENCES pay_link,
    method text NOT NULL CHECK (method IN ('card', 'ideal', 'sepaDebit')),
    amount bigint NOT NULL CHECK (amount > 0),
    currency char(3) NOT NULL,
    state text NOT NULL DEFAULT 'created' CONSTRAINT attempt_state CHECK (
        state IN ('created', 'requiresAction', 'processing', 'succeeded', 'failed', 'cancelled')
    ),
    -- To be cancelled at the provider before anything else.
    is_ending boolean NOT NULL DEFAULT false,
    -- When the provider was first asked for it; from then on it is looked up before it is asked for again.
    sent_at timestamptz,
    -- The provider's id of it, and of the charge that came of it.
    reference text CONSTRAINT attempt_reference_once UNIQUE,
    charge text CONSTRAINT attempt_charge_once UNIQUE,
    -- The payer's client secret, sealed with the server's; gone when there is nothing left to pay.
    secret bytea,
    declined text,
    -- What has been given back of it or set aside for that.
    given_back bigint NOT NULL DEFAULT 0 CONSTRAINT attempt_given_back CHECK (given_back BETWEEN 0 AND amount),
    -- Not once a refund of it has failed: the credit stays on the share, for the desk to give back.
    is_refundable boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- The sum that a bank has taken back: disputes that are open or lost.
    taken_back bigint NOT NULL DEFAULT 0 CONSTRAINT attempt_taken_back CHECK (taken_back BETWEEN 0 AND amount),
    -- The number of changes of `taken_back`.
    reviews int NOT NULL DEFAULT 0,
    -- The seller's account that it was made at. NULL: the service's own.
    account text,
    CONSTRAINT attempt_paid_first CHECK (given_back = 0 OR state = 'succeeded'),
    CONSTRAINT attempt_secret_while_open CHECK (secret IS NULL OR state IN ('created', 'requiresAction', 'processing'))
);
CREATE UNIQUE INDEX attempt_one_at_a_time ON attempt (share_id) WHERE state IN ('created', 'requiresAction', 'processing');
CREATE INDEX ON attempt (share_id);
CREATE INDEX ON attempt (payer_id);

-- Money on its way back to who paid it, set aside here before the provider is asked.
CREATE TABLE refund (
    -- Also the provider's idempotency key.
    id uuid PRIMARY KEY,
    attempt_id uuid NOT NULL REFERENCES attempt,
    amount bigint NOT NULL CHECK (amount > 0),
    state text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'sent', 'succeeded', 'failed')),
    sent_at timestamptz,
    reference text CONSTRAINT refund_reference_once UNIQUE,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- The part that had been paid twice; the rest of a refund leaves the park the money it may keep.
    surplus bigint NOT NULL DEFAULT 0 CONSTRAINT refund_surplus CHECK (surplus BETWEEN 0 AND amount),
    -- True if somebody made the refund in the provider's dashboard.
    is_foreign boolean NOT NULL DEFAULT false
);
CREATE INDEX ON refund (attempt_id);

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

-- Something given away by the staff: within a mandate by one of them, above it by two.
CREATE TABLE goodwill (
    id uuid PRIMARY KEY,
    -- NULL for what is given on the booking as a whole.
    share_id uuid REFERENCES share,
    amount bigint NOT NULL CHECK (amount > 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    state text NOT NULL CONSTRAINT goodwill_state CHECK (state IN ('asked', 'given', 'refused')),
    is_above_limit boolean NOT NULL,
    asked_by text NOT NULL DEFAULT current_setting('app.principal', true),
    approved_by text,
    at timestamptz NOT NULL,
    kind text NOT NULL DEFAULT 'goodwill' CONSTRAINT goodwill_kind CHECK (kind IN ('goodwill', 'extra', 'fee', 'price')),
    -- The booking it was given on; NULL where the version before this has written it, by its share.
    booking_id uuid REFERENCES booking,
    -- The park's day under whose mandate it counts; NULL for what a second person has agreed to.
    day date,
    CONSTRAINT goodwill_by_two CHECK (NOT (is_above_limit AND state = 'given') OR coalesce(approved_by <> asked_by, false)),
    CONSTRAINT goodwill_of_something CHECK (num_nonnulls(share_id, booking_id) > 0)
);
CREATE INDEX ON goodwill (share_id);
CREATE INDEX ON goodwill (booking_id);
CREATE INDEX ON goodwill (asked_by, day);
CREATE INDEX goodwill_asked ON goodwill (at) WHERE state = 'asked';

-- What the provider has told, once each. Only what it is about is kept: we always ask how it stands now.
CREATE TABLE provider_event (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    subject text CHECK (length(subject) <= 255),
    received_at timestamptz NOT NULL,
    -- Parked: nothing here matches it, so somebody must look.
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'parked')),
    note text CHECK (length(note) <= 500),
    -- The seller's account that it happened at. NULL: the service's own.
    account text CHECK (length(account) <= 255)
);
CREATE INDEX provider_event_parked ON provider_event (received_at) WHERE state = 'parked';

-- The provider's own books, as we have read them.
CREATE TABLE provider_transaction (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    kind text NOT NULL,
    -- Before the fee; below 0 where money leaves.
    amount bigint NOT NULL,
    fee bigint NOT NULL,
    currency char(3) NOT NULL,
    -- The provider's id of the charge, refund, dispute or payout.
    source text,
    at timestamptz NOT NULL,
    -- Whose payment it is; NULL for what belongs to the account as a whole.
    park_id uuid REFERENCES park,
    -- The provider's id of the payment intent that it is about.
    intent text,
    -- The seller's account whose balance it moves. NULL: the service's own.
    account text,
    -- The amount in the payment's currency, where the account has another.
    ours bigint
);
CREATE INDEX ON provider_transaction (intent) WHERE intent IS NOT NULL;
CREATE INDEX ON provider_transaction (source);
CREATE INDEX ON provider_transaction (at);
CREATE TRIGGER provider_transaction_never_edited BEFORE UPDATE OR DELETE ON provider_transaction
    FOR EACH ROW EXECUTE FUNCTION never_edited();

-- When the last reading of the provider's books began, as the version before this writes it.
CREATE TABLE provider_books (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    read_at timestamptz NOT NULL
);

-- The progress of reading each account's books. A reading goes back from the newest movement to the newest of the
-- reading before, in portions.
CREATE TABLE provider_reading (
    -- The seller's account; the empty text is the service's own.
    account text PRIMARY KEY,
    -- The newest movement of the last reading that came to its end. NULL before the first.
    newest text,
    -- The newest movement of the reading under way; `reached` is the oldest one read so far.
    begun_with text,
    reached text,
    begun_at timestamptz,
    -- The start of the last finished reading: all movements until then are in `provider_transaction`.
    read_at timestamptz,
    CONSTRAINT provider_reading_begun CHECK ((begun_at IS NULL) = (reached IS NULL))
);

-- The progress of the ledger's two checks: one over everything, one over recent changes.
CREATE TABLE ledger_check (
    pass text PRIMARY KEY CHECK (pass IN ('all', 'recent')),
    -- The stage of the pass and the last row checked. NULL between two passes.
    stage text CHECK (stage IN ('bookings', 'journals', 'movements', 'parks')),
    cursor text,
    begun_at timestamptz NOT NULL,
    since timestamptz,
    -- The start of the last finished pass.
    checked_from timestamptz
);

-- The contradictions that the last check has found at each row.
CREATE TABLE ledger_finding (
    stage text NOT NULL,
    item text NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (stage, item, what, subject)
);

-- The last day whose earnings stand in a park's ledger, and when they were written.
CREATE TABLE earned_day (
    park_id uuid PRIMARY KEY REFERENCES park,
    day date NOT NULL,
    at timestamptz NOT NULL,
    -- The house rules' rates then; when they change, everything is looked at anew.
    vat jsonb NOT NULL
);

-- How many invoices and credit notes a park has sent in a year, and what their numbers begin with, whatever the park is
-- called later.
CREATE TABLE invoice_series (
    park_id uuid NOT NULL REFERENCES park,
    year int NOT NULL,
    prefix text NOT NULL,
    last int NOT NULL CHECK (last > 0),
    PRIMARY KEY (park_id, year),
    CONSTRAINT invoice_series_prefix_once UNIQUE (prefix, year)
);

-- What was sent to a payer, as it was sent. The law has it kept, with the name that stands on it.
CREATE TABLE invoice (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    year int NOT NULL,
    -- Given when the row is written, in the order of commits: without a gap in every park and year.
    number int NOT NULL,
    -- As it is printed, such as HEIDEHOF-2027-000012.
    label text NOT NULL CONSTRAINT invoice_label_once UNIQUE,
    share_id uuid NOT NULL REFERENCES share,
    -- The invoice that it takes back; NULL for an invoice.
    credits_id uuid CONSTRAINT invoice_credited_once UNIQUE REFERENCES invoice,
    -- Park-local.
    day date NOT NULL,
    at timestamptz NOT NULL,
    -- Below 0 on a credit note.
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    -- Seller, recipient, lines and VAT (Invoice.Content).
    content jsonb NOT NULL,
    CONSTRAINT invoice_number_once UNIQUE (park_id, year, number),
    CONSTRAINT invoice_of_year CHECK (extract(year FROM day) = year)
);
CREATE INDEX ON invoice (share_id);

-- The series' row is locked until COMMIT, so a number that is given is used.
CREATE FUNCTION invoice_number() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    begins text;
BEGIN
    SELECT upper(slug) INTO begins FROM park WHERE id = NEW.park_id;
    -- Another park had that name when it sent its own.
    IF EXISTS (SELECT FROM invoice_series WHERE prefix = begins AND year = NEW.year AND park_id <> NEW.park_id) THEN
        begins = begins || '-' || upper(right(NEW.park_id::text, 6));
    END IF;
    INSERT INTO invoice_series AS series (park_id, year, prefix, last) VALUES (NEW.park_id, NEW.year, begins, 1)
    ON CONFLICT (park_id, year) DO UPDATE SET last = series.last + 1 RETURNING last, prefix INTO NEW.number, begins;
    NEW.label = begins || '-' || NEW.year || '-' || lpad(NEW.number::text, greatest(6, length(NEW.number::text)), '0');
    RETURN NEW;
END
$$;
CREATE TRIGGER invoice_number BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_number();
CREATE TRIGGER invoice_never_edited BEFORE UPDATE OR DELETE ON invoice
    FOR EACH ROW EXECUTE FUNCTION never_edited();

-- The keys in the state folder that this database's values are sealed with and its links are signed with: what each is
-- known by, which opens nothing.
CREATE TABLE server_key (
    number int PRIMARY KEY CHECK (number BETWEEN 1 AND 65535),
    digest bytea NOT NULL,
    made_at timestamptz NOT NULL
);

-- Arrival ---------------------------------------------------------------------------------------

-- How one gets in: route, door code, Wi-Fi, sealed with the server's secret. Shown to those who have checked in.
CREATE TABLE cottage_access (
    cottage_id uuid PRIMARY KEY REFERENCES cottage,
    sealed bytea NOT NULL,
    changed_at timestamptz NOT NULL
);

-- Which household lives in which cottage of a booking, where the group has said so.
CREATE TABLE cottage_household (
    booking_id uuid NOT NULL REFERENCES booking,
    cottage_id uuid NOT NULL REFERENCES cottage,
    household_id uuid NOT NULL REFERENCES household,
    PRIMARY KEY (booking_id, cottage_id, household_id)
);

-- The arrival and departure of each household, where one comes or goes alone; the times of both are kept
-- for undoing it.
CREATE TABLE household_stay (
    booking_id uuid NOT NULL REFERENCES booking,
    household_id uuid NOT NULL REFERENCES household,
    state text NOT NULL CHECK (state IN ('expected', 'checkedIn', 'checkedOut', 'noShow')),
    -- The hour of arrival that the household has announced, on the park's clock.
    arrival_time time,
    checked_out_at timestamptz,
    no_show_at timestamptz,
    PRIMARY KEY (booking_id, household_id),
    CONSTRAINT household_stay_times CHECK (
        (state = 'checkedOut') = (checked_out_at IS NOT NULL) AND (state = 'noShow') = (no_show_at IS NOT NULL)
    )
);

-- What a household left in its cottage's guest book, for those who live there next.
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
    -- When those who live there next had a notice of the text; NULL until then.
    announced_at timestamptz,
    CONSTRAINT guest_book_entry_once UNIQUE (booking_id, cottage_id, household_id)
);
CREATE INDEX ON guest_book_entry (cottage_id, written_at, id);
CREATE INDEX ON guest_book_entry (household_id);
CREATE INDEX ON guest_book_entry (guest_id);
CREATE INDEX guest_book_entry_empty ON guest_book_entry (departure) WHERE text IS NULL;

-- The guest register that the country asks for, sealed with the server's secret, and until when the law has it kept.
CREATE TABLE register_entry (
    booking_id uuid NOT NULL REFERENCES booking,
    traveller_id uuid NOT NULL REFERENCES traveller,
    sealed bytea NOT NULL,
    keep_until date NOT NULL,
    PRIMARY KEY (booking_id, traveller_id)
);
CREATE INDEX ON register_entry (keep_until);

-- The desk --------------------------------------------------------------------------------------

-- Something that somebody of the staff should do. Features that need one point at what it is about.
CREATE TABLE task (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    detail text NOT NULL DEFAULT '' CHECK (length(detail) <= 5000),
    -- What made it: staff, an external reservation, feedback …
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 40),
    -- The thing it is about; at most one open task of a source and subject.
    subject text CHECK (length(subject) <= 200),
    owner_id uuid REFERENCES staff,
    due date,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done')),
    created_at timestamptz NOT NULL,
    version int NOT NULL DEFAULT 1
);
CREATE INDEX ON task (park_id, state, due);
CREATE INDEX ON task (owner_id);
CREATE UNIQUE INDEX task_open_once ON task (park_id, source, subject) WHERE state = 'open';

-- What happened to it, in order.
CREATE TABLE task_event (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES task,
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT current_setting('app.principal', true),
    kind text NOT NULL CHECK (kind IN ('created', 'changed', 'note', 'done', 'reopened')),
    note text CHECK (length(note) <= 5000),
    UNIQUE (task_id, id)
);

-- A note of the house for the staff of some days.
CREATE TABLE house_note (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    dates daterange NOT NULL CHECK (NOT isempty(dates)),
    note text NOT NULL CHECK (length(note) BETWEEN 1 AND 2000),
    written_by uuid REFERENCES staff,
    ended_at timestamptz
);
CREATE INDEX ON house_note (park_id);

-- Planning ------------------------------------------------------------------------------------

-- A park, dates and cottages put to the group's vote.
CREATE TABLE stay_option (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    park_id uuid NOT NULL REFERENCES park,
    stay daterange NOT NULL CHECK (NOT isempty(stay) AND NOT lower_inf(stay) AND NOT upper_inf(stay)),
    note text CHECK (length(note) BETWEEN 1 AND 2000),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'promoted', 'withdrawn')),
    -- What it became.
    booking_id uuid REFERENCES booking,
    proposed_by uuid NOT NULL,
    proposed_at timestamptz NOT NULL,
    version int NOT NULL DEFAULT 1,
    UNIQUE (id, group_id),
    CONSTRAINT stay_option_promoted_is_booked CHECK ((state = 'promoted') = (booking_id IS NOT NULL)),
    CONSTRAINT stay_option_proposer_of_group FOREIGN KEY (proposed_by, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON stay_option (group_id);
CREATE INDEX ON stay_option (booking_id);

-- A cottage that was chosen on the map, or any of a type.
CREATE TABLE option_cottage (
    option_id uuid NOT NULL REFERENCES stay_option,
    place int NOT NULL CHECK (place BETWEEN 1 AND 20),
    cottage_id uuid REFERENCES cottage,
    type_id uuid REFERENCES cottage_type,
    PRIMARY KEY (option_id, place),
    CONSTRAINT option_cottage_or_type CHECK (num_nonnulls(cottage_id, type_id) = 1)
);

-- Something the group does, buys or packs.
CREATE TABLE plan_item (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    list text NOT NULL CHECK (list IN ('plan', 'shopping', 'packing')),
    -- The stay it is for, where the group has several.
    booking_id uuid REFERENCES booking,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    note text CHECK (length(note) BETWEEN 1 AND 2000),
    place text CHECK (length(place) BETWEEN 1 AND 200),
    day date,
    time time,
    quantity text CHECK (length(quantity) BETWEEN 1 AND 50),
    bringer_id uuid,
    is_done boolean NOT NULL DEFAULT false,
    -- Its place in the list, see Sources/GuestModels/Shared/Rank.swift; sorts by its bytes.
    rank text COLLATE "C" NOT NULL CHECK (rank ~ '^[A-Za-z][0-9A-Za-z]{1,99}$'),
    -- Who set a field last since it was added: {"title": {"version": 3, "by": "…"}}.
    revisions jsonb NOT NULL DEFAULT '{}',
    added_by uuid NOT NULL,
    added_at timestamptz NOT NULL,
    deleted_at timestamptz,
    version int NOT NULL DEFAULT 1,
    UNIQUE (id, group_id),
    CONSTRAINT plan_item_adder_of_group FOREIGN KEY (added_by, group_id) REFERENCES traveller (id, group_id),
    CONSTRAINT plan_item_bringer_of_group FOREIGN KEY (bringer_id, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON plan_item (group_id);
CREATE INDEX ON plan_item (booking_id);
CREATE INDEX ON plan_item (bringer_id);
CREATE INDEX plan_item_deleted ON plan_item (deleted_at) WHERE deleted_at IS NOT NULL;

-- That somebody set a field of it.
CREATE TABLE plan_event (
    item_id uuid NOT NULL REFERENCES plan_item ON DELETE CASCADE,
    -- The version it made.
    number int NOT NULL,
    field text NOT NULL CHECK (field IN ('title', 'note', 'place', 'day', 'time', 'quantity', 'bringerId', 'isDone', 'rank')),
    former text,
    value text,
    -- Whoever did it had not seen the former value.
    is_overwriting boolean NOT NULL,
    traveller_id uuid NOT NULL REFERENCES traveller,
    at timestamptz NOT NULL,
    PRIMARY KEY (item_id, number, field)
);

-- What a traveller says to an option or a plan item: how they like it, whether they come along. What was said later, by
-- their own clock, stands; NULL once they took it back.
CREATE TABLE reply (
    option_id uuid,
    item_id uuid,
    group_id uuid NOT NULL,
    traveller_id uuid NOT NULL,
    question text NOT NULL CHECK (question IN ('vote', 'attendance')),
    said text CHECK (said IN ('yes', 'maybe', 'no')),
    said_at timestamptz NOT NULL,
    CONSTRAINT reply_to_one CHECK (num_nonnulls(option_id, item_id) = 1),
    CONSTRAINT reply_votes_on_options CHECK (question = 'attendance' OR option_id IS NOT NULL),
    FOREIGN KEY (option_id, group_id) REFERENCES stay_option (id, group_id),
    FOREIGN KEY (item_id, group_id) REFERENCES plan_item (id, group_id) ON DELETE CASCADE,
    FOREIGN KEY (traveller_id, group_id) REFERENCES traveller (id, group_id)
);
CREATE UNIQUE INDEX reply_to_option ON reply (option_id, traveller_id, question) WHERE option_id IS NOT NULL;
CREATE UNIQUE INDEX reply_to_item ON reply (item_id, traveller_id) WHERE item_id IS NOT NULL;
CREATE INDEX ON reply (traveller_id);

-- Messages ------------------------------------------------------------------------------------

-- Something a group brings to the hosts of its stay. Who of the staff sees to it, a task of source `message` says.
CREATE TABLE topic (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    booking_id uuid NOT NULL REFERENCES booking,
    park_id uuid NOT NULL REFERENCES park,
    kind text NOT NULL CHECK (kind IN ('question', 'problem', 'compliment')),
    urgency text NOT NULL DEFAULT 'normal' CHECK (urgency IN ('normal', 'urgent')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'answered', 'closed')),
    opened_by uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    waiting_since timestamptz,
    version int NOT NULL DEFAULT 1,
    UNIQUE (id, group_id),
    CONSTRAINT topic_open_waits CHECK ((state = 'open') = (waiting_since IS NOT NULL)),
    CONSTRAINT topic_opener_of_group FOREIGN KEY (opened_by, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON topic (group_id);
CREATE INDEX ON topic (booking_id);
CREATE INDEX topic_open ON topic (park_id, waiting_since) WHERE state = 'open';
CREATE INDEX ON topic (park_id, id);

-- What is said in a topic, or in the group's own thread.
CREATE TABLE message (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    topic_id uuid,
    traveller_id uuid,
    staff_id uuid REFERENCES staff,
    -- The host's name, as it was then.
    host text CHECK (length(host) BETWEEN 1 AND 100),
    -- NULL once it was taken back, or its author erased.
    text text CHECK (length(text) BETWEEN 1 AND 5000),
    -- The SHA-256 of a photo that goes with it, which may come before or after.
    photo text CHECK (photo ~ '^[0-9a-f]{64}$'),
    -- By its author's own clock.
    said_at timestamptz NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT message_of_one CHECK (num_nonnulls(traveller_id, staff_id) = 1),
    CONSTRAINT message_said_before CHECK (said_at <= at),
    CONSTRAINT message_host_has_name CHECK ((staff_id IS NULL) = (host IS NULL)),
    CONSTRAINT message_hosts_in_topics CHECK (staff_id IS NULL OR topic_id IS NOT NULL),
    CONSTRAINT message_topic_of_group FOREIGN KEY (topic_id, group_id) REFERENCES topic (id, group_id),
    CONSTRAINT message_author_of_group FOREIGN KEY (traveller_id, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON message (group_id, at, id);
CREATE INDEX ON message (topic_id);
CREATE INDEX ON message (traveller_id);
CREATE INDEX ON message (staff_id);
CREATE INDEX message_photo_of_group ON message (group_id, photo) WHERE photo IS NOT NULL;

-- A photo of something said, all of whose bytes have come; what a camera wrote into it is gone. The bytes lie in the
-- object store, as `messages/GROUP/OBJECT`.
CREATE TABLE message_photo (
    group_id uuid NOT NULL REFERENCES travel_group,
    -- The SHA-256 of what the phone has sent.
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{64}$'),
    size int NOT NULL CHECK (size > 0),
    sent_by uuid NOT NULL,
    at timestamptz NOT NULL,
    -- Its name in the object store; NULL for photos of former versions, which have `name` there.
    object uuid,
    PRIMARY KEY (group_id, name),
    CONSTRAINT message_photo_sender_of_group FOREIGN KEY (sent_by, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON message_photo (sent_by);

-- The parts of photos that the version before has received and nobody has stored yet.
CREATE TABLE message_photo_part (
    group_id uuid NOT NULL REFERENCES travel_group,
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{64}$'),
    begins int NOT NULL CHECK (begins >= 0),
    size int NOT NULL CHECK (size > 0),
    bytes bytea NOT NULL,
    sent_by uuid NOT NULL,
    at timestamptz NOT NULL,
    -- On the last part: the name under which a job stores the whole photo.
    object uuid,
    PRIMARY KEY (group_id, name, begins),
    CONSTRAINT message_photo_part_fits CHECK (begins + length(bytes) <= size),
    CONSTRAINT message_photo_part_sender_of_group FOREIGN KEY (sent_by, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON message_photo_part (sent_by);
CREATE INDEX ON message_photo_part (at);

-- Uploads ---------------------------------------------------------------------------------------

-- Bytes that a guest sends, on their way to the feature that wants them. They lie in the state folder's `staged`, in a
-- file of the row's id, and the file's length is how much has come.
CREATE TABLE upload (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-zA-Z]{1,40}$'),
    -- The thing that the bytes belong to, such as a group, and their name there.
    owner uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- The sender: a guest, or a child with a phone.
    guest_id uuid REFERENCES guest,
    traveller_id uuid REFERENCES traveller,
    -- NULL while the client has not said it.
    size bigint CHECK (size >= 0),
    begun_at timestamptz NOT NULL,
    -- When all bytes had come and were what they should be; a job passes them on from then.
    whole_at timestamptz,
    -- When the upload ended; its row, and its file if all bytes had come, are deleted an hour later.
    gone_at timestamptz,
    CONSTRAINT upload_whole_has_size CHECK (whole_at IS NULL OR size IS NOT NULL),
    CONSTRAINT upload_by_one CHECK (num_nonnulls(guest_id, traveller_id) = 1)
);
CREATE UNIQUE INDEX upload_once ON upload (kind, owner, name, guest_id) WHERE gone_at IS NULL;
CREATE UNIQUE INDEX upload_once_by_child ON upload (kind, owner, name, traveller_id) WHERE gone_at IS NULL;
CREATE INDEX ON upload (guest_id);
CREATE INDEX ON upload (traveller_id);
CREATE INDEX upload_going ON upload (begun_at) WHERE gone_at IS NULL;
CREATE INDEX upload_gone ON upload (gone_at) WHERE gone_at IS NOT NULL;

-- Pictures --------------------------------------------------------------------------------------

-- The outcome of an upload that should be a picture: a master and three smaller copies in the object store, as
-- `pictures/ID/SIZE`, or nothing where the bytes are no picture.
CREATE TABLE picture (
    -- The upload's id.
    id uuid PRIMARY KEY,
    -- How often the process that reads the bytes has died of them.
    deaths int NOT NULL DEFAULT 0 CHECK (deaths >= 0),
    -- When the copies were stored, or no picture could be made; NULL before.
    done_at timestamptz,
    -- The master's pixels, upright, its bytes and their CRC-32; NULL where no picture could be made.
    width int CHECK (width > 0),
    height int CHECK (height > 0),
    size bigint CHECK (size > 0),
    crc32 bigint CHECK (crc32 BETWEEN 0 AND 4294967295),
    -- The camera's time and time zone, as Exif has them.
    taken_at text CHECK (length(taken_at) <= 40),
    taken_offset text CHECK (length(taken_offset) <= 10),
    CONSTRAINT picture_is_whole CHECK (num_nonnulls(width, height, size, crc32) IN (0, 4)),
    CONSTRAINT picture_made_is_done CHECK (size IS NULL OR done_at IS NOT NULL)
);

-- Albums ----------------------------------------------------------------------------------------

-- A photo of a booking's album. The row comes ahead of the bytes.
CREATE TABLE photo (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES travel_group,
    -- The album is its booking's.
    booking_id uuid NOT NULL REFERENCES booking,
    added_by uuid NOT NULL,
    -- The SHA-256 of the bytes as they were taken, and their number.
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{64}$'),
    size bigint NOT NULL CHECK (size > 0),
    taken_at timestamptz NOT NULL,
    caption text CHECK (length(caption) BETWEEN 1 AND 500),
    alt text CHECK (length(alt) BETWEEN 1 AND 500),
    -- A blurred picture, as base64.
    thumbhash text CHECK (length(thumbhash) BETWEEN 8 AND 36),
    state text NOT NULL DEFAULT 'coming' CHECK (state IN ('coming', 'making', 'ready', 'unreadable')),
    picture_id uuid CONSTRAINT photo_picture_once UNIQUE REFERENCES picture,
    added_at timestamptz NOT NULL,
    -- Its place among photos that a curator has put in order, see Sources/GuestModels/Shared/Rank.swift; NULL by time.
    rank text COLLATE "C" CHECK (rank ~ '^[A-Za-z][0-9A-Za-z]{1,99}$'),
    -- When a curator hid it.
    hidden_at timestamptz,
    -- Whether its member has corrected the time, so that the camera's does not count.
    is_time_moved boolean NOT NULL DEFAULT false,
    -- A wrong size makes another photo, so that nobody can keep a photo out of the album.
    CONSTRAINT photo_once UNIQUE (booking_id, name, size),
    UNIQUE (id, group_id),
    CONSTRAINT photo_ready_has_picture CHECK ((state = 'ready') = (picture_id IS NOT NULL)),
    CONSTRAINT photo_adder_of_group FOREIGN KEY (added_by, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON photo (group_id);
CREATE INDEX photo_coming ON photo (added_at) WHERE state = 'coming';
CREATE INDEX ON photo (added_by);

-- A member's heart for a photo. The later answer stands, by the clocks of the member's phones.
CREATE TABLE photo_heart (
    photo_id uuid NOT NULL,
    group_id uuid NOT NULL,
    traveller_id uuid NOT NULL,
    is_hearted boolean NOT NULL,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (photo_id, traveller_id),
    FOREIGN KEY (photo_id, group_id) REFERENCES photo (id, group_id) ON DELETE CASCADE,
    FOREIGN KEY (traveller_id, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON photo_heart (traveller_id);

-- The wish of a pictured traveller, or of a child's guardian, that a photo is hidden. The wish stays when they leave.
CREATE TABLE photo_objection (
    photo_id uuid NOT NULL,
    group_id uuid NOT NULL,
    -- The traveller who is pictured.
    traveller_id uuid NOT NULL,
    -- The member who says so.
    by_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (photo_id, traveller_id),
    FOREIGN KEY (photo_id, group_id) REFERENCES photo (id, group_id) ON DELETE CASCADE,
    FOREIGN KEY (traveller_id, group_id) REFERENCES traveller (id, group_id),
    FOREIGN KEY (by_id, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON photo_objection (traveller_id);
CREATE INDEX ON photo_objection (by_id);

-- A member who may hide and order the photos of an album, as the organiser may.
CREATE TABLE album_curator (
    booking_id uuid NOT NULL REFERENCES booking,
    group_id uuid NOT NULL,
    traveller_id uuid NOT NULL,
    PRIMARY KEY (booking_id, traveller_id),
    FOREIGN KEY (traveller_id, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON album_curator (traveller_id);

-- A text that somebody gave to a photo; NULL where they removed it.
CREATE TABLE photo_event (
    photo_id uuid NOT NULL REFERENCES photo ON DELETE CASCADE,
    number int NOT NULL CHECK (number > 0),
    field text NOT NULL CHECK (field IN ('caption', 'alt')),
    value text,
    traveller_id uuid NOT NULL REFERENCES traveller,
    at timestamptz NOT NULL,
    PRIMARY KEY (photo_id, number)
);
CREATE INDEX ON photo_event (traveller_id);

-- The changes feed ------------------------------------------------------------------------------

-- Every change of a park's bookings, cottages and guests, for other systems. The numbers are those of the scope
-- `changes:PARK`, whose row is locked until COMMIT: no gaps, and in commit order.
CREATE TABLE park_change (
    park_id uuid NOT NULL REFERENCES park,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('booking', 'cottage', 'guest')),
    id uuid NOT NULL,
    -- The thing as the transaction left it; NULL for a guest, who is told as they are now and not at all once erased.
    body json,
    PRIMARY KEY (park_id, number),
    CONSTRAINT park_change_keeps_no_guest CHECK (kind <> 'guest' OR body IS NULL)
);
-- By this the newest change of a thing is found, which stays when older news are forgotten.
CREATE INDEX park_change_of ON park_change (park_id, kind, id, number);
CREATE INDEX park_change_at ON park_change (at);

-- RFC 3339, as the service writes instants.
CREATE FUNCTION utc(instant timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- A booking in the feed of a park: no names, and nothing that opens a door.
CREATE VIEW fed_booking AS
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

-- A cottage in the feed of a park.
CREATE VIEW fed_cottage AS
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

-- The names of the version before, for its nodes while this version is rolled out.
CREATE VIEW told_booking AS SELECT id, body FROM fed_booking;
CREATE VIEW told_cottage AS SELECT id, body FROM fed_cottage;

-- The whole service ---------------------------------------------------------------------------

-- Who did what, on whose behalf. Written in the transaction it tells of.
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT current_setting('app.principal', true),
    on_behalf_of uuid,
    park_id uuid,
    action text NOT NULL,
    target uuid,
    reason text,
    before jsonb,
    after jsonb
);
CREATE INDEX ON audit (target);
CREATE INDEX audit_at ON audit (at);
-- By this looks are found that have served their time, among ten years of deeds.
CREATE INDEX audit_looks ON audit (at) WHERE action LIKE 'look.%' OR action LIKE '%.show';
CREATE INDEX ON audit (park_id, id);
CREATE INDEX audit_on_behalf_of ON audit (on_behalf_of, id) WHERE on_behalf_of IS NOT NULL;

-- A request that has been answered, so that a repeat gets the same bytes.
CREATE TABLE idempotency_key (
    principal text NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    -- Operation, path and body.
    fingerprint bytea NOT NULL,
    status int,
    headers jsonb,
    body bytea,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX ON idempotency_key (expires_at);

-- Work that is due. A row is enqueued in the transaction that wants it and removed in the
-- transaction of its effects; an outside delivery (a mail) is a job too, so this is the outbox.
CREATE TABLE job (
    id uuid PRIMARY KEY,
    queue text NOT NULL,
    kind text NOT NULL,
    arguments jsonb NOT NULL DEFAULT '{}',
    -- At most one waiting job of a key.
    key text,
    run_at timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    -- While somebody works on it. When the lease runs out, somebody else may.
    leased_until timestamptz,
    lease uuid,
    last_error text,
    -- Gave up; staff see it and may retry.
    dead_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT job_key_taken UNIQUE (kind, key),
    CONSTRAINT job_lease_complete CHECK ((lease IS NULL) = (leased_until IS NULL))
);
CREATE INDEX job_due ON job (queue, run_at) WHERE dead_at IS NULL;
CREATE INDEX job_dead ON job (dead_at) WHERE dead_at IS NOT NULL;

-- A schedule's last run, so that it runs once however many workers there are.
CREATE TABLE job_run (
    kind text NOT NULL,
    -- The park-local day, or the instant, it was due.
    due text NOT NULL,
    at timestamptz NOT NULL,
    summary jsonb,
    PRIMARY KEY (kind, due)
);

-- Sync ----------------------------------------------------------------------------------------

-- A scope is what some people see alike. Its version counts its changes without gaps, in commit order.
CREATE TABLE scope (
    name text PRIMARY KEY,
    version bigint NOT NULL,
    -- Deletions before this version are forgotten: who was here last before it is told everything anew.
    floor bigint NOT NULL DEFAULT 0,
    -- Of the rows that are not deleted: how many, and the exclusive or of their hashes.
    count int NOT NULL DEFAULT 0 CHECK (count >= 0),
    digest bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- What phones have of each entity: the text that they are sent, made when it changed, and the version that changed it
-- last. Written once per transaction, last before COMMIT.
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

-- The history that versions count in: another one after a restore, so that no phone takes old numbers for new ones.
CREATE TABLE sync_epoch (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO sync_epoch DEFAULT VALUES;

-- The history that versions count in, as a phone's cursor names it: another one after a restore, in another cluster, and on
-- another timeline, which a promoted replica is on at once. A replica answers for the timeline it receives.
CREATE FUNCTION epoch() RETURNS text STABLE LANGUAGE sql AS $$
    SELECT sync_epoch.id || ' ' || system_identifier || ' ' || CASE
        WHEN pg_is_in_recovery() THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), timeline_id)
        -- The name of a segment begins with its timeline; the last checkpoint may be of the one before.
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END
    FROM sync_epoch, pg_control_system(), pg_control_checkpoint()
$$;

-- A phone that sends what was done on it, each with the next number.
CREATE TABLE sync_device (
    id uuid PRIMARY KEY,
    guest_id uuid NOT NULL REFERENCES guest,
    last_sequence bigint NOT NULL DEFAULT 0,
    -- When its newest mutation counts as made: later than the one before, whatever its clock says.
    said_at timestamptz,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX ON sync_device (guest_id);

-- What became of each mutation, so that a repeat gets the same bytes. Effects, outcome and number commit together.
CREATE TABLE sync_outcome (
    guest_id uuid NOT NULL REFERENCES guest,
    mutation_id uuid NOT NULL,
    -- Of its name, time and arguments.
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

-- What each scope shows, made of the tables as they are: the only place that says so. A verb names what it has changed;
-- `voorpret check sync` compares all of it.
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

-- That a guest is in a group; by the group's id.
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
    'id', id, 'code', code, 'linkCode', link_code, 'travellerId', traveller_id, 'uses', uses, 'maxUses', max_uses,
    'expiresAt', utc(expires_at), 'isRevoked', revoked_at IS NOT NULL
))::text AS body
FROM invitation;

-- As its own page has it.
CREATE VIEW shown_booking AS
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

-- For those who are to stay there.
CREATE VIEW shown_readiness AS
SELECT 'cottage:' || id AS scope, id, json_build_object('cottageId', id, 'isReady', readiness = 'ready')::text AS body
FROM cottage;

-- How a share stands, for the whole group: what it is, its household and the organiser know.
CREATE VIEW shown_share AS
SELECT 'group:' || group_id AS scope, share.id, json_strip_nulls(json_build_object(
    'id', share.id, 'bookingId', booking_id, 'householdId', household_id, 'due', due, 'version', share.version,
    'coveredBy', covered_by,
    'state', CASE WHEN refundable > 0 THEN 'refundDue' WHEN paid >= amount THEN 'paid' WHEN paid > 0 THEN 'partlyPaid'
        ELSE 'open' END
))::text AS body
FROM share JOIN booking ON booking.id = booking_id;

CREATE VIEW shown_amount AS
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
    'slots', to_json(slots), 'stock', stock, 'checkOutBy', to_char(check_out_by, 'HH24:MI'),
    'taxedAs', nullif(taxed_as, 'extras'), 'isOpen', is_open, 'version', version
))::text AS body
FROM extra;

CREATE VIEW shown_option AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'groupId', group_id, 'parkId', park_id,
    'stay', json_build_object('arrival', lower(stay), 'departure', upper(stay)),
    'cottages', (
        SELECT coalesce(json_agg(json_build_object('cottageId', cottage_id, 'typeId', type_id) ORDER BY place), '[]')
        FROM option_cottage WHERE option_id = stay_option.id
    ),
    'note', note, 'state', state, 'bookingId', booking_id, 'proposedBy', proposed_by, 'proposedAt', utc(proposed_at),
    'votes', (
        SELECT coalesce(json_agg(json_build_object('travellerId', traveller_id, 'reply', said)
            ORDER BY traveller_id), '[]')
        FROM reply WHERE option_id = stay_option.id AND question = 'vote' AND said IS NOT NULL
    ),
    'attendance', (
        SELECT coalesce(json_agg(json_build_object('travellerId', traveller_id, 'reply', said)
            ORDER BY traveller_id), '[]')
        FROM reply WHERE option_id = stay_option.id AND question = 'attendance' AND said IS NOT NULL
    ),
    'version', version
))::text AS body
FROM stay_option WHERE state <> 'withdrawn';

CREATE VIEW shown_plan_item AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'groupId', group_id, 'list', list, 'bookingId', booking_id, 'title', title, 'note', note,
    'place', place, 'day', day, 'time', to_char(time, 'HH24:MI'), 'quantity', quantity, 'bringerId', bringer_id,
    'isDone', is_done, 'rank', rank, 'addedBy', added_by, 'addedAt', utc(added_at),
    'attendance', (
        SELECT coalesce(json_agg(json_build_object('travellerId', traveller_id, 'reply', said)
            ORDER BY traveller_id), '[]')
        FROM reply WHERE item_id = plan_item.id AND said IS NOT NULL
    ),
    'version', version
))::text AS body
FROM plan_item WHERE deleted_at IS NULL;

CREATE VIEW shown_topic AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'groupId', group_id, 'bookingId', booking_id, 'kind', kind, 'urgency', urgency, 'state', state,
    'openedBy', opened_by, 'openedAt', utc(opened_at), 'waitingSince', utc(waiting_since), 'version', version
))::text AS body
FROM topic;

CREATE VIEW shown_message AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'groupId', group_id, 'topicId', topic_id, 'travellerId', traveller_id, 'host', host,
    'text', text, 'photo', photo, 'isPhotoThere', CASE WHEN photo IS NOT NULL THEN EXISTS (
        SELECT FROM message_photo WHERE message_photo.group_id = message.group_id AND name = photo
    ) END, 'saidAt', utc(said_at), 'at', utc(at)
))::text AS body
FROM message WHERE text IS NOT NULL;

-- The guest book of a cottage, for those who live there.
CREATE VIEW shown_guest_book_entry AS
SELECT 'cottage:' || cottage_id AS scope, id, json_build_object(
    'id', id, 'cottageId', cottage_id, 'text', text, 'departure', departure
)::text AS body
FROM guest_book_entry WHERE text IS NOT NULL;

-- A photo as phones and readers see it.
CREATE FUNCTION photo_body(of uuid, is_hidden boolean) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT json_strip_nulls(json_build_object(
        'id', photo.id, 'groupId', group_id, 'bookingId', booking_id, 'travellerId', added_by, 'name', name,
        'size', photo.size, 'takenAt', utc(photo.taken_at), 'caption', caption, 'alt', alt, 'thumbhash', thumbhash,
        'state', state, 'width', picture.width, 'height', picture.height, 'rank', rank, 'isHidden', is_hidden,
        'hearts', (
            SELECT coalesce(json_agg(traveller_id ORDER BY traveller_id), '[]')
            FROM photo_heart WHERE photo_id = photo.id AND is_hearted
        ),
        'addedAt', utc(added_at)
    ))::text
    FROM photo LEFT JOIN picture ON picture.id = picture_id WHERE photo.id = of
$$;

-- Hidden photos are shown to those who added them, and to organisers unless somebody pictured objects.
CREATE VIEW shown_photo AS
SELECT place.scope, photo.id, photo_body(photo.id, place.is_hidden) AS body
FROM photo
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id) AS is_objected
) AS objection
CROSS JOIN LATERAL (
    SELECT 'group:' || group_id AS scope, NULL::boolean AS is_hidden WHERE hidden_at IS NULL AND NOT is_objected
    UNION ALL
    SELECT 'guest:' || guest_id, true FROM traveller
    WHERE traveller.id = added_by AND left_at IS NULL AND guest_id IS NOT NULL
        AND (hidden_at IS NOT NULL OR is_objected)
    UNION ALL
    SELECT 'organiser:' || group_id, true WHERE hidden_at IS NOT NULL AND NOT is_objected
) AS place;

CREATE VIEW shown_album AS
SELECT 'group:' || group_id AS scope, booking_id AS id, json_build_object(
    'id', booking_id, 'groupId', group_id, 'curatorIds', json_agg(traveller_id ORDER BY traveller_id)
)::text AS body
FROM album_curator GROUP BY group_id, booking_id;

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
UNION ALL SELECT 'extra', scope, id, body FROM shown_extra
UNION ALL SELECT 'option', scope, id, body FROM shown_option
UNION ALL SELECT 'planItem', scope, id, body FROM shown_plan_item
UNION ALL SELECT 'topic', scope, id, body FROM shown_topic
UNION ALL SELECT 'message', scope, id, body FROM shown_message
UNION ALL SELECT 'guestBookEntry', scope, id, body FROM shown_guest_book_entry
UNION ALL SELECT 'photo', scope, id, body FROM shown_photo
UNION ALL SELECT 'album', scope, id, body FROM shown_album;

INSERT INTO schema_version (number, name) VALUES (1, 'first'), (2, 'stay'), (3, 'desk'),
    (4, 'feed'), (5, 'money'), (6, 'provider'), (7, 'goodwill'), (8, 'books'), (9, 'booksRead'), (10, 'shown'), (11, 'planning'), (12, 'messages'),
    (13, 'notices'), (14, 'photos'), (15, 'statement'), (16, 'takenBack'), (17, 'stock'), (18, 'mandate'), (19, 'heldChange'), (20, 'reminders'),
    (21, 'desk'), (22, 'sellers'), (23, 'households'), (24, 'ownLines'), (25, 'trust'), (26, 'takeOver'), (27, 'serverKey'), (28, 'epoch'), (29, 'outside'), (30, 'signIn'), (31, 'factor'), (32, 'retention'), (33, 'feed'), (34, 'fed'), (35, 'guestBook'), (36, 'guestBookNotice'), (37, 'photoObject'), (38, 'upload'), (39, 'album');
