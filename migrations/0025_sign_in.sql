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

INSERT INTO schema_version (number, name) VALUES (25, 'signIn');
