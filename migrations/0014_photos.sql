-- Photos of what is said.
SET LOCAL lock_timeout = '2s';

ALTER TABLE message ADD COLUMN photo text CHECK (photo ~ '^[0-9a-f]{64}$');
CREATE INDEX message_photo_of_group ON message (group_id, photo) WHERE photo IS NOT NULL;

-- A photo of something said, all of whose bytes have come; what a camera wrote into it is gone. The bytes lie in the
-- object store, as `messages/GROUP/NAME`.
CREATE TABLE message_photo (
    group_id uuid NOT NULL REFERENCES travel_group,
    -- The SHA-256 of what the phone has sent.
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{64}$'),
    size int NOT NULL CHECK (size > 0),
    sent_by uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (group_id, name),
    CONSTRAINT message_photo_sender_of_group FOREIGN KEY (sent_by, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON message_photo (sent_by);

-- What has come of one that is not whole yet, each part beginning where the last one ends.
CREATE TABLE message_photo_part (
    group_id uuid NOT NULL REFERENCES travel_group,
    name text NOT NULL CHECK (name ~ '^[0-9a-f]{64}$'),
    begins int NOT NULL CHECK (begins >= 0),
    size int NOT NULL CHECK (size > 0),
    bytes bytea NOT NULL,
    sent_by uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (group_id, name, begins),
    CONSTRAINT message_photo_part_fits CHECK (begins + length(bytes) <= size),
    CONSTRAINT message_photo_part_sender_of_group FOREIGN KEY (sent_by, group_id) REFERENCES traveller (id, group_id)
);
CREATE INDEX ON message_photo_part (sent_by);
CREATE INDEX ON message_photo_part (at);

CREATE OR REPLACE VIEW shown_message AS
SELECT 'group:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'groupId', group_id, 'topicId', topic_id, 'travellerId', traveller_id, 'host', host,
    'text', text, 'photo', photo, 'isPhotoThere', CASE WHEN photo IS NOT NULL THEN EXISTS (
        SELECT FROM message_photo WHERE message_photo.group_id = message.group_id AND name = photo
    ) END, 'saidAt', utc(said_at), 'at', utc(at)
))::text AS body
FROM message WHERE text IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (14, 'photos');
