-- Old news are found by their time. Changes of bookings wait while the indices are built.
SET LOCAL lock_timeout = '2s';

CREATE INDEX park_change_of ON park_change (park_id, kind, id, number);
CREATE INDEX park_change_at ON park_change (at);

INSERT INTO schema_version (number, name) VALUES (33, 'feed');
