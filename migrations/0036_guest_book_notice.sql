-- A text of a guest book remembers when the next guests had a notice of it.
SET LOCAL lock_timeout = '2s';

ALTER TABLE guest_book_entry ADD COLUMN announced_at timestamptz;
-- The next guests have had their notice of a text, unless its job still waits.
UPDATE guest_book_entry SET announced_at = written_at WHERE NOT EXISTS (
    SELECT FROM job WHERE kind = 'announceGuestBook' AND key = cottage_id || ' ' || booking_id
);

INSERT INTO schema_version (number, name) VALUES (36, 'guestBookNotice');
