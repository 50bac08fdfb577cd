-- Push tokens, and what guests do not want to be told.
SET LOCAL lock_timeout = '2s';

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

INSERT INTO schema_version (number, name) VALUES (13, 'notices');
