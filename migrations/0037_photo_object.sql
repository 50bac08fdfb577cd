-- Each upload of a photo has an object of its own, so that removing one never removes another of the same photo.
SET LOCAL lock_timeout = '2s';

ALTER TABLE message_photo ADD COLUMN object uuid;
ALTER TABLE message_photo_part ADD COLUMN object uuid;

INSERT INTO schema_version (number, name) VALUES (37, 'photoObject');
