-- A booking's statement: what each household has agreed to owe, who answers for the rest, and deposits that are due.
SET LOCAL lock_timeout = '2s';

-- The most the household has agreed to owe, beside what it ordered and was given for itself. NULL where the version
-- before this has written the share: then its amount counts as agreed.
ALTER TABLE share ADD COLUMN agreed bigint;
-- The part of `paid` that exceeded the amount payable when it came in.
ALTER TABLE share ADD COLUMN surplus bigint NOT NULL DEFAULT 0 CONSTRAINT share_surplus CHECK (surplus >= 0);
-- The most that the household still owes of a share that another has taken over. NULL where the version before this has
-- written it, by `kept_percent`.
ALTER TABLE share ADD COLUMN kept bigint CHECK (kept >= 0);
-- The part of `paid` that may be given back now.
ALTER TABLE share ADD COLUMN refundable bigint NOT NULL DEFAULT 0 CONSTRAINT share_refundable CHECK (refundable >= 0);
-- A bank may take back more than is left of what has come in.
ALTER TABLE share DROP CONSTRAINT share_paid_back;

-- The part of a refund that had been paid twice; the rest of a refund leaves the park the money it may keep.
ALTER TABLE refund ADD COLUMN surplus bigint NOT NULL DEFAULT 0 CONSTRAINT refund_surplus CHECK (surplus BETWEEN 0 AND amount);
ALTER TABLE till_payment ADD COLUMN surplus bigint NOT NULL DEFAULT 0 CONSTRAINT till_payment_surplus CHECK (surplus >= 0);

-- The household that answers for the booking although its organiser has handed over, until the successor accepts. NULL:
-- the organiser's.
ALTER TABLE booking ADD COLUMN backstop_id uuid REFERENCES household;
-- The last day for covering a firm stay's deposit again. NULL: the deposit is covered, or staff have waived it.
ALTER TABLE booking ADD COLUMN deposit_due date;
CREATE INDEX booking_deposit_due ON booking (park_id, deposit_due) WHERE deposit_due IS NOT NULL;

-- True if the household has ordered it for itself, and so agreed to it.
ALTER TABLE extra_order ADD COLUMN is_own boolean NOT NULL DEFAULT false;

-- Each change of what a household has agreed to owe: the last one of a share is what counts.
CREATE TABLE agreement (
    share_id uuid NOT NULL REFERENCES share,
    number int NOT NULL CHECK (number > 0),
    agreed bigint NOT NULL,
    -- By what it agreed: being in the booking, saying so, paying, a change (its own made its part larger, or somebody's
    -- made it smaller), a take-over that has ended, handing over, or before agreements were kept.
    how text NOT NULL CONSTRAINT agreement_how CHECK (
        how IN ('joined', 'agreed', 'paid', 'changed', 'coverEnded', 'handedOver', 'before')
    ),
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT coalesce(current_setting('app.principal', true), ''),
    PRIMARY KEY (share_id, number)
);
CREATE TRIGGER agreement_never_edited BEFORE UPDATE OR DELETE ON agreement
    FOR EACH ROW EXECUTE FUNCTION never_edited();

UPDATE share SET refundable = paid - amount WHERE paid > amount;
CREATE INDEX share_to_give_back ON share (booking_id) WHERE refundable > 0;

CREATE OR REPLACE VIEW shown_share AS
SELECT 'group:' || group_id AS scope, share.id, json_strip_nulls(json_build_object(
    'id', share.id, 'bookingId', booking_id, 'householdId', household_id, 'due', due, 'version', share.version,
    'coveredBy', covered_by,
    'state', CASE WHEN refundable > 0 THEN 'refundDue' WHEN paid >= amount THEN 'paid' WHEN paid > 0 THEN 'partlyPaid'
        ELSE 'open' END
))::text AS body
FROM share JOIN booking ON booking.id = booking_id;

-- Shares that are there count as agreed, and so do the extras of households.
UPDATE extra_order SET is_own = true WHERE household_id IS NOT NULL;
UPDATE share SET kept = CASE WHEN kept_percent = 0 THEN 0 ELSE greatest(amount - (
    SELECT coalesce(sum(line.amount), 0) FROM charge_line AS line
    WHERE line.booking_id = share.booking_id AND line.household_id = share.household_id
        AND kind IN ('extra', 'goodwill')
), 0) END WHERE covered_by IS NOT NULL;
UPDATE share SET agreed = amount - (
    SELECT coalesce(sum(line.amount), 0) FROM charge_line AS line
    WHERE line.booking_id = share.booking_id AND line.household_id = share.household_id
        AND kind IN ('extra', 'goodwill')
);
INSERT INTO agreement (share_id, number, agreed, how, at)
SELECT id, 1, agreed, 'before', now() FROM share;

-- Exact amounts are kept as parts of what is common, so that what one household orders changes nobody else's.
UPDATE booking SET split = jsonb_set(split, '{amounts}', (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'householdId', part ->> 'householdId',
        'amount', greatest((part ->> 'amount')::bigint - (
            SELECT coalesce(sum(line.amount), 0)
            FROM charge_line AS line LEFT JOIN traveller ON traveller.id = traveller_id
            WHERE line.booking_id = booking.id
                AND coalesce(line.household_id, traveller.household_id) = (part ->> 'householdId')::uuid
        ), 0)
    )), '[]')
    FROM jsonb_array_elements(split -> 'amounts') AS part
))
WHERE split ->> 'way' = 'exactly';

-- A firm stay stays firm; what its deposit lacks is due in a week.
UPDATE booking SET deposit_due = current_date + 7
WHERE state IN ('confirmed', 'checkedIn') AND source <> 'import' AND confirmed_reason IS NULL AND group_id IS NOT NULL
    AND deposit > (SELECT coalesce(sum(paid), 0) FROM share WHERE booking_id = booking.id);

INSERT INTO schema_version (number, name) VALUES (15, 'statement');
