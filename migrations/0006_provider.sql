-- Payments through a provider: attempts, refunds, pay links, what the provider tells, and its own books.
SET LOCAL lock_timeout = '2s';

ALTER TABLE share ADD covered_by uuid REFERENCES household;
ALTER TABLE share ADD kept_percent int NOT NULL DEFAULT 100
    CONSTRAINT share_kept_percent CHECK (kept_percent BETWEEN 0 AND 100);
ALTER TABLE share ADD CONSTRAINT share_not_covered_by_itself CHECK (covered_by <> household_id);
CREATE INDEX share_overpaid ON share (booking_id) WHERE paid > amount;

ALTER TABLE journal ALTER park_id DROP NOT NULL;
ALTER TABLE entry DROP CONSTRAINT entry_account;
ALTER TABLE entry ADD CONSTRAINT entry_account CHECK (
    account IN ('cash', 'terminal', 'giftCard', 'transfer', 'prepaid', 'tillDifference', 'provider', 'refunds', 'fees',
        'bank', 'disputed', 'receivable', 'revenue', 'vat', 'touristTax')
);
ALTER TABLE entry DROP CONSTRAINT entry_prepaid_of_share;
ALTER TABLE entry ADD CONSTRAINT entry_of_share CHECK (
    account = 'receivable' OR (account IN ('prepaid', 'refunds')) = (share_id IS NOT NULL)
);

CREATE TABLE pay_link (
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX ON pay_link (share_id);

CREATE TABLE attempt (
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES share,
    payer_id uuid REFERENCES guest,
    link_id uuid REFERENCES pay_link,
    method text NOT NULL CHECK (method IN ('card', 'ideal', 'sepaDebit')),
    amount bigint NOT NULL CHECK (amount > 0),
    currency char(3) NOT NULL,
    state text NOT NULL DEFAULT 'created' CONSTRAINT attempt_state CHECK (
        state IN ('created', 'requiresAction', 'processing', 'succeeded', 'failed', 'cancelled')
    ),
    is_ending boolean NOT NULL DEFAULT false,
    sent_at timestamptz,
    reference text CONSTRAINT attempt_reference_once UNIQUE,
    charge text CONSTRAINT attempt_charge_once UNIQUE,
    secret bytea,
    declined text,
    given_back bigint NOT NULL DEFAULT 0 CONSTRAINT attempt_given_back CHECK (given_back BETWEEN 0 AND amount),
    is_refundable boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT attempt_paid_first CHECK (given_back = 0 OR state = 'succeeded'),
    CONSTRAINT attempt_secret_while_open CHECK (secret IS NULL OR state IN ('created', 'requiresAction', 'processing'))
);
CREATE UNIQUE INDEX attempt_one_at_a_time ON attempt (share_id) WHERE state IN ('created', 'requiresAction', 'processing');
CREATE INDEX ON attempt (share_id);
CREATE INDEX ON attempt (payer_id);

CREATE TABLE refund (
    id uuid PRIMARY KEY,
    attempt_id uuid NOT NULL REFERENCES attempt,
    amount bigint NOT NULL CHECK (amount > 0),
    state text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'sent', 'succeeded', 'failed')),
    sent_at timestamptz,
    reference text CONSTRAINT refund_reference_once UNIQUE,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX ON refund (attempt_id);

CREATE TABLE provider_event (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    subject text CHECK (length(subject) <= 255),
    received_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'parked')),
    note text CHECK (length(note) <= 500)
);
CREATE INDEX provider_event_parked ON provider_event (received_at) WHERE state = 'parked';

CREATE TABLE provider_transaction (
    id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 255),
    kind text NOT NULL,
    amount bigint NOT NULL,
    fee bigint NOT NULL,
    currency char(3) NOT NULL,
    source text,
    at timestamptz NOT NULL,
    park_id uuid REFERENCES park
);
CREATE INDEX ON provider_transaction (source);
CREATE INDEX ON provider_transaction (at);
CREATE TRIGGER provider_transaction_never_edited BEFORE UPDATE OR DELETE ON provider_transaction
    FOR EACH ROW EXECUTE FUNCTION never_edited();

INSERT INTO schema_version (number, name) VALUES (6, 'provider');
