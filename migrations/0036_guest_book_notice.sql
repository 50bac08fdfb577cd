-- A text of a guest book remembers when the next guests had a notice of it.
SET LOCAL lock_timeout = '2s';

ALTER TABLE guest_book_entry ADD COLUMN announced_at timestamptz;
-- Those that stand in a book already have had theirs, or are queued under another key.
UPDATE guest_book_entry SET announced_at = written_at;

INSERT INTO schema_version (number, name) VALUES (36, 'guestBookNotice');
