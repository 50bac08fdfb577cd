-- Topics with the hosts, and the group's own thread.
SET LOCAL lock_timeout = '2s';

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

CREATE VIEW shown_topic AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'groupId', group_id, 'bookingId', booking_id, 'kind', kind, 'urgency', urgency, 'state', state,
    'openedBy', opened_by, 'openedAt', utc(opened_at), 'waitingSince', utc(waiting_since), 'version', version
))::text AS body
FROM topic;

CREATE VIEW shown_message AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'groupId', group_id, 'topicId', topic_id, 'travellerId', traveller_id, 'host', host,
    'text', text, 'saidAt', utc(said_at), 'at', utc(at)
))::text AS body
FROM message WHERE text IS NOT NULL;

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
UNION ALL SELECT 'message', scope, id, body FROM shown_message;

INSERT INTO schema_version (number, name) VALUES (12, 'messages');
