-- What has been earned, with its taxes, and invoices.
SET LOCAL lock_timeout = '2s';

ALTER TABLE entry ADD COLUMN rate int;
ALTER TABLE entry
    ADD CONSTRAINT entry_rate CHECK ((account IN ('revenue', 'vat')) = (rate IS NOT NULL) AND rate BETWEEN 0 AND 10000);

CREATE TABLE earned_day (
    park_id uuid PRIMARY KEY REFERENCES park,
    day date NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE invoice_series (
    park_id uuid NOT NULL REFERENCES park,
    year int NOT NULL,
    last int NOT NULL CHECK (last > 0),
    PRIMARY KEY (park_id, year)
);

CREATE TABLE invoice (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    year int NOT NULL,
    number int NOT NULL,
    share_id uuid NOT NULL REFERENCES share,
    credits_id uuid CONSTRAINT invoice_credited_once UNIQUE REFERENCES invoice,
    day date NOT NULL,
    at timestamptz NOT NULL,
    amount bigint NOT NULL,
    currency char(3) NOT NULL,
    content jsonb NOT NULL,
    CONSTRAINT invoice_number_once UNIQUE (park_id, year, number),
    CONSTRAINT invoice_of_year CHECK (extract(year FROM day) = year)
);
CREATE INDEX ON invoice (share_id);

CREATE FUNCTION invoice_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO invoice_series AS series (park_id, year, last) VALUES (NEW.park_id, NEW.year, 1)
    ON CONFLICT (park_id, year) DO UPDATE SET last = series.last + 1 RETURNING last INTO NEW.number;
    RETURN NEW;
END
$$;
CREATE TRIGGER invoice_number BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_number();
CREATE TRIGGER invoice_never_edited BEFORE UPDATE OR DELETE ON invoice
    FOR EACH ROW EXECUTE FUNCTION never_edited();

INSERT INTO schema_version (number, name) VALUES (8, 'books');
