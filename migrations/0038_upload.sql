-- Photos are sent as bytes that go on after a cut, into files of the state folder, and no longer as parts in the database.
-- Rows of `message_photo_part` stay until their photos are stored; the table goes one version later.
SET LOCAL lock_timeout = '2s';

CREATE TABLE upload (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-zA-Z]{1,40}$'),
    owner uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    guest_id uuid NOT NULL REFERENCES guest,
    size bigint CHECK (size >= 0),
    begun_at timestamptz NOT NULL,
    whole_at timestamptz,
    gone_at timestamptz,
    CONSTRAINT upload_whole_has_size CHECK (whole_at IS NULL OR size IS NOT NULL)
);
CREATE UNIQUE INDEX upload_once ON upload (kind, owner, name, guest_id) WHERE gone_at IS NULL;
CREATE INDEX ON upload (guest_id);
CREATE INDEX upload_going ON upload (begun_at) WHERE gone_at IS NULL;
CREATE INDEX upload_gone ON upload (gone_at) WHERE gone_at IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (38, 'upload');
