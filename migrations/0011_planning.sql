-- Options with votes, plan items and lists.
SET LOCAL lock_timeout = '2s';

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
    -- Its place in the list, see Sources/GuestModels/Planning/Rank.swift; sorts by its bytes.
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
UNION ALL SELECT 'planItem', scope, id, body FROM shown_plan_item;

INSERT INTO schema_version (number, name) VALUES (11, 'planning');
