-- What has been earned, with its taxes, and invoices.
SET LOCAL lock_timeout = '2s';

ALTER TABLE entry ADD COLUMN rate int;
ALTER TABLE entry
    ADD CONSTRAINT entry_rate CHECK ((account IN ('revenue', 'vat')) = (rate IS NOT NULL) AND rate BETWEEN 0 AND 10000);

CREATE TABLE earned_day (
    park_id uuid PRIMARY KEY REFERENCES park,
    day date NOT NULL,
    at timestamptz NOT NULL,
    vat jsonb NOT NULL
);

CREATE TABLE invoice_series (
    park_id uuid NOT NULL REFERENCES park,
    year int NOT NULL,
    prefix text NOT NULL,
    last int NOT NULL CHECK (last > 0),
    PRIMARY KEY (park_id, year),
    CONSTRAINT invoice_series_prefix_once UNIQUE (prefix, year)
);

CREATE TABLE invoice (
    id uuid PRIMARY KEY,
    park_id uuid NOT NULL REFERENCES park,
    year int NOT NULL,
    number int NOT NULL,
    label text NOT NULL CONSTRAINT invoice_label_once UNIQUE,
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
DECLARE
    begins text;
BEGIN
    SELECT upper(slug) INTO begins FROM park WHERE id = NEW.park_id;
    -- Another park had that name when it sent its own.
    IF EXISTS (SELECT FROM invoice_series WHERE prefix = begins AND year = NEW.year AND park_id <> NEW.park_id) THEN
        begins = begins || '-' || upper(right(NEW.park_id::text, 6));
    END IF;
    INSERT INTO invoice_series AS series (park_id, year, prefix, last) VALUES (NEW.park_id, NEW.year, begins, 1)
    ON CONFLICT (park_id, year) DO UPDATE SET last = series.last + 1 RETURNING last, prefix INTO NEW.number, begins;
    NEW.label = begins || '-' || NEW.year || '-' || lpad(NEW.number::text, greatest(6, length(NEW.number::text)), '0');
    RETURN NEW;
END
$$;
CREATE TRIGGER invoice_number BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_number();
CREATE TRIGGER invoice_never_edited BEFORE UPDATE OR DELETE ON invoice
    FOR EACH ROW EXECUTE FUNCTION never_edited();

INSERT INTO schema_version (number, name) VALUES (8, 'books');
