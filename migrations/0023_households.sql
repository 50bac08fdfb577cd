-- Households of one booking that come and go by themselves.
SET LOCAL lock_timeout = '2s';

-- The arrival and departure of each household, where one comes or goes alone; the times of both are kept
-- for undoing it.
CREATE TABLE household_stay (
    booking_id uuid NOT NULL REFERENCES booking,
    household_id uuid NOT NULL REFERENCES household,
    state text NOT NULL CHECK (state IN ('expected', 'checkedIn', 'checkedOut', 'noShow')),
    -- The hour of arrival that the household has announced, on the park's clock.
    arrival_time time,
    checked_out_at timestamptz,
    no_show_at timestamptz,
    PRIMARY KEY (booking_id, household_id),
    CONSTRAINT household_stay_times CHECK (
        (state = 'checkedOut') = (checked_out_at IS NOT NULL) AND (state = 'noShow') = (no_show_at IS NOT NULL)
    )
);

INSERT INTO schema_version (number, name) VALUES (23, 'households');
