-- A second factor for those who need one, and ways in for other systems.
SET LOCAL lock_timeout = '2s';

ALTER TABLE session ADD COLUMN factor_at timestamptz;

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

INSERT INTO schema_version (number, name) VALUES (31, 'factor');
