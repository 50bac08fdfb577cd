-- Letters about open shares: none is left out when a day was, and none comes twice.
SET LOCAL lock_timeout = '2s';

-- The park's day of the last letter about what is open.
ALTER TABLE share ADD COLUMN reminded_on date;

INSERT INTO schema_version (number, name) VALUES (20, 'reminders');
