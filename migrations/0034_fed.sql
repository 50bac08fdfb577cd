-- The views of the feed have the feed's name. The old names stay for the nodes of the version before.
SET LOCAL lock_timeout = '2s';

ALTER VIEW told_booking RENAME TO fed_booking;
ALTER VIEW told_cottage RENAME TO fed_cottage;
CREATE VIEW told_booking AS SELECT id, body FROM fed_booking;
CREATE VIEW told_cottage AS SELECT id, body FROM fed_cottage;

INSERT INTO schema_version (number, name) VALUES (34, 'fed');
