-- Shares of a booking's price, the ledger and the desk's till.
SET LOCAL lock_timeout = '2s';

-- How the group divides the price (SplitRule); NULL is equally.
ALTER TABLE booking ADD split jsonb;

CREATE TABLE share (
    id uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES booking,
    household_id uuid NOT NULL REFERENCES household,
    amount bigint NOT NULL,
    asked bigint,
    paid bigint NOT NULL DEFAULT 0 CONSTRAINT share_paid_back CHECK (paid >= 0),
    due date NOT NULL,
    version int NOT NULL DEFAULT 1,
    CONSTRAINT share_once UNIQUE (booking_id, household_id)
);

CREATE TABLE journal (
    id uuid PRIMARY KEY,
    key text NOT NULL CONSTRAINT journal_once UNIQUE,
    park_id uuid NOT NULL REFERENCES park,
    booking_id uuid REFERENCES booking,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    day date NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX ON journal (booking_id);
CREATE INDEX ON journal (park_id, day);

CREATE TABLE entry (
    journal_id uuid NOT NULL REFERENCES journal,
    place int NOT NULL CHECK (place > 0),
    account text NOT NULL CONSTRAINT entry_account CHECK (
        account IN ('cash', 'terminal', 'giftCard', 'transfer', 'prepaid', 'tillDifference')
    ),
    share_id uuid REFERENCES share,
    amount bigint NOT NULL CHECK (amount <> 0),
    currency char(3) NOT NULL,
    PRIMARY KEY (journal_id, place),
    CONSTRAINT entry_prepaid_of_share CHECK ((account = 'prepaid') = (share_id IS NOT NULL))
);
CREATE INDEX ON entry (share_id) WHERE share_id IS NOT NULL;

CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM entry WHERE journal_id = NEW.journal_id GROUP BY currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'journal % does not balance', NEW.journal_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION journal_balances();
CREATE TRIGGER journal_never_edited BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION never_edited();
CREATE TRIGGER entry_never_edited BEFORE UPDATE OR DELETE ON entry
    FOR EACH ROW EXECUTE FUNCTION never_edited();

CREATE TABLE till_payment (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    share_id uuid NOT NULL REFERENCES share,
    kind text NOT NULL CHECK (kind IN ('payment', 'reversal', 'refund')),
    method text NOT NULL CHECK (method IN ('cash', 'terminal', 'giftCard', 'transfer')),
    amount bigint NOT NULL CHECK (amount <> 0),
    reference text CHECK (length(reference) <= 100),
    day date NOT NULL,
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT current_setting('app.principal', true),
    reverses_id uuid CONSTRAINT till_payment_reversed_once UNIQUE REFERENCES till_payment,
    CONSTRAINT till_payment_sign CHECK ((amount > 0) = (kind = 'payment')),
    CONSTRAINT till_payment_of_reversal CHECK ((kind = 'reversal') = (reverses_id IS NOT NULL)),
    CONSTRAINT till_payment_reference CHECK (method = 'cash' OR reference IS NOT NULL)
);
CREATE INDEX ON till_payment (park_id, day);
CREATE INDEX ON till_payment (share_id);
CREATE TRIGGER till_payment_never_edited BEFORE UPDATE OR DELETE ON till_payment
    FOR EACH ROW EXECUTE FUNCTION never_edited();

CREATE TABLE till_close (
    park_id uuid NOT NULL REFERENCES park,
    day date NOT NULL,
    method text NOT NULL CHECK (method IN ('cash', 'terminal', 'giftCard', 'transfer')),
    expected bigint NOT NULL,
    counted bigint NOT NULL,
    reason text CHECK (length(reason) <= 500),
    at timestamptz NOT NULL,
    principal text NOT NULL DEFAULT current_setting('app.principal', true),
    PRIMARY KEY (park_id, day, method),
    CONSTRAINT till_close_explained CHECK (counted = expected OR reason IS NOT NULL)
);

-- What other systems are told now says what has been paid.
CREATE OR REPLACE VIEW told_booking AS
SELECT booking.id, json_build_object(
    'id', booking.id, 'number', number, 'reservationNumber', reservation_number, 'groupId', group_id,
    'stay', json_build_object('arrival', lower(stay), 'departure', upper(stay)),
    'state', state, 'holdUntil', utc(hold_until), 'isExtended', is_extended,
    'adults', adults, 'children', children, 'babies', babies, 'pets', pets,
    'cottages', (
        SELECT coalesce(json_agg(json_build_object('id', cottage_id, 'isChosen', is_chosen, 'pricedAs', priced_as)
            ORDER BY cottage_id), '[]')
        FROM allocation WHERE booking_id = booking.id
    ),
    'travellerIds', (
        SELECT coalesce(json_agg(traveller_id ORDER BY traveller_id), '[]')
        FROM booking_traveller WHERE booking_id = booking.id
    ),
    'charges', (
        SELECT coalesce(json_agg(json_build_object('id', line.id, 'kind', kind, 'cottageId', cottage_id,
            'travellerId', traveller_id, 'householdId', household_id, 'extraOrderId', extra_order_id,
            'quantity', quantity, 'unitAmount', unit_amount, 'amount', amount, 'reversesId', reverses_id,
            'at', utc(at)) ORDER BY line.id), '[]')
        FROM charge_line AS line WHERE booking_id = booking.id
    ),
    'extras', (
        SELECT coalesce(json_agg(json_build_object('id', ordered.id, 'extraId', extra_id, 'from', lower(dates),
            'through', upper(dates) - 1, 'slot', nullif(slot, ''), 'quantity', quantity, 'householdId', household_id)
            ORDER BY ordered.id), '[]')
        FROM extra_order AS ordered WHERE booking_id = booking.id AND cancelled_at IS NULL
    ),
    'total', json_build_object('amount', (
        SELECT coalesce(sum(amount), 0) FROM charge_line WHERE booking_id = booking.id
    ), 'currency', currency),
    'deposit', json_build_object('amount', deposit, 'currency', currency),
    'paid', json_build_object('amount', (
        SELECT coalesce(sum(paid), 0) FROM share WHERE booking_id = booking.id
    ), 'currency', currency),
    'placedAt', utc(placed_at), 'arrivalTime', to_char(arrival_time, 'HH24:MI'),
    'checkedInAt', utc(checked_in_at), 'checkedOutAt', utc(checked_out_at),
    'leastFeePercent', least_fee_percent, 'version', version
) AS body
FROM booking;

-- Whoever had booked before: the organiser's household owes it all, until the group divides it.
INSERT INTO share (id, booking_id, household_id, amount, due)
SELECT gen_random_uuid(), booking.id, household_id,
    (SELECT coalesce(sum(amount), 0) FROM charge_line WHERE booking_id = booking.id),
    greatest(placed_at::date, lower(stay) - 28)
FROM booking JOIN traveller USING (group_id)
WHERE role = 'organiser';

INSERT INTO schema_version (number, name) VALUES (5, 'money');
