-- The whole stay: changes by quote, extras, arrival, staff tasks.
SET LOCAL lock_timeout = '2s';

-- A booking is re-priced at the rates of the day it was placed, so a rate's past is kept.
ALTER TABLE rate ADD since timestamptz NOT NULL DEFAULT '-infinity';
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

ALTER TABLE cottage
    ADD readiness text NOT NULL DEFAULT 'ready'
        CONSTRAINT cottage_readiness CHECK (readiness IN ('occupied', 'toClean', 'ready', 'outOfOrder')),
    ADD readiness_note text CHECK (length(readiness_note) <= 500),
    ADD readiness_at timestamptz;

ALTER TABLE booking
    -- What cleaning each type of the park cost when the booking was placed: {"type id": minor units}.
    ADD fees jsonb NOT NULL DEFAULT '{}',
    -- When they mean to come, on the park's clock.
    ADD arrival_time time,
    ADD checked_in_at timestamptz,
    ADD checked_out_at timestamptz;

-- What a change would cost, as it was told to the guest. Used once, for that version of the booking.
CREATE TABLE quote (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking,
    booking_version int NOT NULL,
    -- BookingPlan: the state of things after the change.
    plan jsonb NOT NULL,
    difference bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX ON quote (booking_id);
CREATE INDEX ON quote (expires_at);

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
    CONSTRAINT extra_code_taken UNIQUE (park_id, code)
);

-- How many there are and how many are promised on a date; made when first needed.
CREATE TABLE extra_stock (
    extra_id uuid NOT NULL REFERENCES extra,
    date date NOT NULL,
    slot text NOT NULL DEFAULT '',
    stock int NOT NULL CHECK (stock BETWEEN 0 AND 100000),
    taken int NOT NULL DEFAULT 0,
    PRIMARY KEY (extra_id, date, slot),
    CONSTRAINT extra_sold_out CHECK (taken BETWEEN 0 AND stock)
);

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
    cancelled_at timestamptz
);
CREATE INDEX ON extra_order (booking_id);
CREATE INDEX extra_order_to_prepare ON extra_order (extra_id) WHERE cancelled_at IS NULL;

ALTER TABLE charge_line
    ADD household_id uuid REFERENCES household,
    ADD extra_order_id uuid REFERENCES extra_order,
    DROP CONSTRAINT charge_line_kind_check,
    ADD CONSTRAINT charge_line_kind CHECK (kind IN (
        'night', 'cleaning', 'chosenCottage', 'pet', 'earlyBooking', 'touristTax', 'imported', 'cancellation', 'extra'
    )),
    ADD CONSTRAINT charge_line_of_extra CHECK ((kind = 'extra') = (extra_order_id IS NOT NULL));

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

-- Every change of a park's bookings, cottages and guests, for other systems. `park.changes` is locked until COMMIT, so
-- the numbers have no gaps and are in commit order.
ALTER TABLE park ADD changes bigint NOT NULL DEFAULT 0;
CREATE TABLE park_change (
    park_id uuid NOT NULL REFERENCES park,
    number bigint NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('booking', 'cottage', 'guest')),
    id uuid NOT NULL,
    -- The thing after the change; NULL for a guest, who is shown as they are now and forgotten when they ask for it.
    body jsonb,
    PRIMARY KEY (park_id, number)
);
CREATE INDEX ON park_change (id);

INSERT INTO schema_version (number, name) VALUES (2, 'stay');
