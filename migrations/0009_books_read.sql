-- When the provider's books were last read, so that what came later is not missed in them.
SET LOCAL lock_timeout = '2s';

CREATE TABLE provider_books (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    read_at timestamptz NOT NULL
);

INSERT INTO schema_version (number, name) VALUES (9, 'booksRead');
