-- What the keys in the state folder are known by, so that a wrong or missing one stops the start.
SET LOCAL lock_timeout = '2s';

-- Nobody reads these times; a database that was brought up to date early has them still.
ALTER TABLE ledger_finding DROP COLUMN IF EXISTS found_at;
ALTER TABLE ledger_check DROP COLUMN IF EXISTS finished_at;

CREATE TABLE server_key (
    number int PRIMARY KEY CHECK (number BETWEEN 1 AND 65535),
    digest bytea NOT NULL,
    made_at timestamptz NOT NULL
);

INSERT INTO schema_version (number, name) VALUES (27, 'serverKey');
