-- An extra's stock is what was said of a date, or the usual number as it is now.
SET LOCAL lock_timeout = '2s';

ALTER TABLE extra_stock ALTER COLUMN stock DROP NOT NULL;
ALTER TABLE extra_stock DROP CONSTRAINT extra_sold_out;
ALTER TABLE extra_stock ADD CONSTRAINT extra_taken CHECK (taken >= 0);

-- No more are promised than there are, and no number is set below what is promised. The usual number may fall below it:
-- then no more are promised. The extra's row is held, so that its usual number stays until the end of the transaction.
CREATE FUNCTION extra_stock_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    had int = CASE WHEN TG_OP = 'UPDATE' THEN OLD.taken ELSE 0 END;
    usual int;
BEGIN
    IF NEW.taken > had THEN
        SELECT stock INTO usual FROM extra WHERE id = NEW.extra_id FOR SHARE;
    END IF;
    IF NEW.taken > had AND NEW.taken > coalesce(NEW.stock, usual) OR NEW.taken <= had AND NEW.taken > NEW.stock
        AND (TG_OP = 'INSERT' OR NEW.stock IS DISTINCT FROM OLD.stock)
    THEN
        RAISE EXCEPTION 'more of extra % are promised on % than there are', NEW.extra_id, NEW.date
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extra_sold_out';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER extra_stock_left BEFORE INSERT OR UPDATE ON extra_stock
    FOR EACH ROW EXECUTE FUNCTION extra_stock_left();

-- A row that has the usual number was made by an order, not by somebody who said so.
UPDATE extra_stock SET stock = NULL FROM extra WHERE extra.id = extra_id AND extra_stock.stock = extra.stock;

INSERT INTO schema_version (number, name) VALUES (17, 'stock');
