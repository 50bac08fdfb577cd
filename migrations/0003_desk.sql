-- The desk: guests it knows without mail, and cottages given instead of others.
SET LOCAL lock_timeout = '2s';

-- The park whose desk made the account; that desk may act for them.
ALTER TABLE guest ADD desk_park_id uuid REFERENCES park;
CREATE INDEX ON guest (desk_park_id);

-- The type that was booked, where the desk has given a cottage of another: it is the price that stays.
ALTER TABLE allocation ADD priced_as uuid REFERENCES cottage_type;

CREATE INDEX audit_on_behalf_of ON audit (on_behalf_of, id) WHERE on_behalf_of IS NOT NULL;

INSERT INTO schema_version (number, name) VALUES (3, 'desk');
