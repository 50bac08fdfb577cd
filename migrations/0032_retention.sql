-- Audit rows are found by their time. Desks wait while the indices are built.
SET LOCAL lock_timeout = '2s';

CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_looks ON audit (at) WHERE action LIKE 'look.%' OR action LIKE '%.show';

INSERT INTO schema_version (number, name) VALUES (32, 'retention');
