-- The devices that were signed in to an address are known by one indexed look-up, and stay known after a session is over.
SET LOCAL lock_timeout = '2s';

CREATE TABLE known_device (
    email text NOT NULL CHECK (email = lower(email)),
    device_hash bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (email, device_hash)
);
CREATE INDEX ON known_device (seen_at);

INSERT INTO known_device (email, device_hash, seen_at)
SELECT email, device_hash, max(last_seen_at) FROM session JOIN guest ON guest.id = guest_id
WHERE email IS NOT NULL GROUP BY email, device_hash;

INSERT INTO known_device (email, device_hash, seen_at)
SELECT email, device_hash, max(last_seen_at) FROM session JOIN staff ON staff.id = staff_id GROUP BY email, device_hash
ON CONFLICT DO NOTHING;

CREATE INDEX ON refresh_token (expires_at);
CREATE INDEX ON session (ends_at);
CREATE INDEX session_revoked ON session (revoked_at) WHERE revoked_at IS NOT NULL;

ALTER TABLE staff ADD COLUMN version int NOT NULL DEFAULT 1;

-- Who answers for a booking is said with it, so that no move and no handover changes it.
UPDATE booking SET backstop_id = household_id FROM traveller
WHERE backstop_id IS NULL AND traveller.group_id = booking.group_id AND role = 'organiser' AND left_at IS NULL;

-- A reservation that another system cancelled before we heard of it, for the report of it that is still to come.
CREATE TABLE withdrawn_reservation (
    park_id uuid NOT NULL REFERENCES park,
    number text NOT NULL CHECK (length(number) BETWEEN 1 AND 100),
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (park_id, number)
);
CREATE INDEX ON withdrawn_reservation (reported_at);

INSERT INTO schema_version (number, name) VALUES (25, 'trust');
