-- Each seller its own account at the provider, books that are read and checked in portions, and money that is released once
-- it has been earned.
SET LOCAL lock_timeout = '2s';

-- The seller's account. NULL: the service's own.
ALTER TABLE journal ADD COLUMN seller_account text;
ALTER TABLE attempt ADD COLUMN account text;
ALTER TABLE provider_event ADD COLUMN account text CHECK (length(account) <= 255);
ALTER TABLE provider_transaction ADD COLUMN account text;
-- The amount in the payment's currency, where the account has another.
ALTER TABLE provider_transaction ADD COLUMN ours bigint;

CREATE INDEX journal_unbooked ON journal (id) WHERE booking_id IS NULL;
CREATE INDEX journal_at ON journal USING brin (at);
CREATE INDEX charge_line_at ON charge_line USING brin (at);
CREATE INDEX ON goodwill (asked_by, day);

-- Wider than before, so what there is need not be looked at.
ALTER TABLE entry DROP CONSTRAINT entry_account;
ALTER TABLE entry ADD CONSTRAINT entry_account CHECK (
    account IN ('cash', 'terminal', 'giftCard', 'transfer', 'prepaid', 'tillDifference', 'provider', 'refunds', 'fees',
        'bank', 'disputed', 'reserve', 'exchange', 'receivable', 'revenue', 'vat', 'touristTax')
) NOT VALID;
ALTER TABLE entry DROP CONSTRAINT entry_of_share;
ALTER TABLE entry ADD CONSTRAINT entry_of_share CHECK (
    account IN ('receivable', 'prepaid') OR (account = 'refunds') = (share_id IS NOT NULL)
) NOT VALID;
ALTER TABLE entry VALIDATE CONSTRAINT entry_account;
ALTER TABLE entry VALIDATE CONSTRAINT entry_of_share;

-- The progress of reading each account's books. A reading goes back from the newest movement to the newest of the
-- reading before, in portions.
CREATE TABLE provider_reading (
    -- The seller's account; the empty text is the service's own.
    account text PRIMARY KEY,
    -- The newest movement of the last reading that came to its end. NULL before the first.
    newest text,
    -- The newest movement of the reading under way; `reached` is the oldest one read so far.
    begun_with text,
    reached text,
    begun_at timestamptz,
    -- The start of the last finished reading: all movements until then are in `provider_transaction`.
    read_at timestamptz,
    CONSTRAINT provider_reading_begun CHECK ((begun_at IS NULL) = (reached IS NULL))
);

-- The progress of the ledger's two checks: one over everything, one over recent changes.
CREATE TABLE ledger_check (
    pass text PRIMARY KEY CHECK (pass IN ('all', 'recent')),
    -- The stage of the pass and the last row checked. NULL between two passes.
    stage text CHECK (stage IN ('bookings', 'journals', 'movements', 'parks')),
    cursor text,
    begun_at timestamptz NOT NULL,
    since timestamptz,
    -- The start of the last finished pass.
    checked_from timestamptz
);

-- The contradictions that the last check has found at each row.
CREATE TABLE ledger_finding (
    stage text NOT NULL,
    item text NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (stage, item, what, subject)
);

INSERT INTO provider_reading (account, newest, read_at)
SELECT '', (SELECT id FROM provider_transaction ORDER BY at DESC, id LIMIT 1), read_at FROM provider_books;

INSERT INTO schema_version (number, name) VALUES (22, 'sellers');
