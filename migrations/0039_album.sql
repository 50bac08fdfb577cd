-- Albums: photos of bookings, and the pictures that are made of uploads.
SET LOCAL lock_timeout = '2s';

-- Children send photos too.
ALTER TABLE upload ALTER COLUMN guest_id DROP NOT NULL,
    ADD COLUMN traveller_id uuid REFERENCES traveller,
    ADD CONSTRAINT upload_by_one CHECK (num_nonnulls(guest_id, traveller_id) = 1);
CREATE UNIQUE INDEX upload_once_by_child ON upload (kind, owner, name, traveller_id) WHERE gone_at IS NULL;
CREATE INDEX ON upload (traveller_id);

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
UNION ALL SELECT 'guestBookEntry', scope, id, body FROM shown_guest_book_entry
UNION ALL SELECT 'photo', scope, id, body FROM shown_photo
UNION ALL SELECT 'album', scope, id, body FROM shown_album;

INSERT INTO schema_version (number, name) VALUES (39, 'album');
