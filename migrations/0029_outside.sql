-- What the world sends: phones with a wrong clock, calendars that ask often, names that are typed in another way.
SET LOCAL lock_timeout = '2s';

ALTER TABLE sync_device ADD COLUMN said_at timestamptz;
ALTER TABLE booking ADD COLUMN changed_at timestamptz;

-- A calendar tells when a stay changed last, so that it is the same for as long as nothing has.
CREATE FUNCTION booking_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := statement_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER booking_changed BEFORE UPDATE ON booking FOR EACH ROW
    WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION booking_changed();

-- What is typed and what is kept are compared without accents, capitals, blanks and hyphens.
CREATE FUNCTION searchable(word text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
    SELECT lower(regexp_replace(normalize(word, NFKD), '[\u0300-\u036f\s\u2010-\u2015''’-]', '', 'g'))
$$;

-- Finds what contains a text, whose own signs are taken literally; a text of blanks finds nothing.
CREATE FUNCTION search_pattern(word text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
    SELECT '%' || nullif(replace(replace(replace(searchable(word), '\', '\\'), '%', '\%'), '_', '\_'), '') || '%'
$$;

INSERT INTO schema_version (number, name) VALUES (29, 'outside');
