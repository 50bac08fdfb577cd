-- Signing in by link, another mail address, and guesses that are counted.
SET LOCAL lock_timeout = '2s';

ALTER TABLE guest ADD COLUMN claimed_at timestamptz;

ALTER TABLE sign_in_attempt
    ALTER COLUMN email DROP NOT NULL,
    ALTER COLUMN device_hash DROP NOT NULL,
    ADD COLUMN link_expires_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN guest_id uuid REFERENCES guest,
    ADD COLUMN page_code bytea CONSTRAINT sign_in_attempt_page_code UNIQUE,
    ADD CONSTRAINT sign_in_attempt_of_one_person CHECK (num_nonnulls(email, guest_id) = 1),
    ADD CONSTRAINT sign_in_attempt_used_by_a_device CHECK (used_at IS NULL OR device_hash IS NOT NULL);
CREATE INDEX sign_in_attempt_guest ON sign_in_attempt (guest_id) WHERE guest_id IS NOT NULL;

CREATE TABLE security_notice (
    email text NOT NULL CHECK (email = lower(email)),
    kind text NOT NULL CHECK (kind IN ('codesGuessed', 'tokenCopied')),
    told_at timestamptz NOT NULL,
    PRIMARY KEY (email, kind)
);
CREATE INDEX ON security_notice (told_at);

CREATE TABLE mail_change (
    guest_id uuid PRIMARY KEY REFERENCES guest,
    id uuid NOT NULL,
    email text NOT NULL CHECK (email = lower(email) AND length(email) <= 254),
    -- Tries of the codes.
    tries int NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    -- Whether the code from the new mailbox has come.
    is_confirmed boolean NOT NULL DEFAULT false,
    is_over boolean NOT NULL DEFAULT false,
    codes_until timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    asked int NOT NULL CHECK (asked > 0),
    since timestamptz NOT NULL,
    CONSTRAINT mail_change_over_is_empty CHECK (is_over = (email = '') AND NOT (is_over AND is_confirmed))
);
CREATE INDEX ON mail_change (due_at);

CREATE TABLE invitation_guess (
    guest_id uuid PRIMARY KEY REFERENCES guest,
    day date NOT NULL,
    wrong int NOT NULL CHECK (wrong > 0)
);
CREATE INDEX ON invitation_guess (day);

-- An invitation from before has no code for links, and is shown as it was.
ALTER TABLE invitation ADD COLUMN link_code text CONSTRAINT invitation_link_code_taken UNIQUE
    CHECK (link_code ~ '^[A-HJ-NP-Z2-9]{26}$');

CREATE OR REPLACE VIEW shown_invitation AS
SELECT 'organiser:' || group_id AS scope, id, json_strip_nulls(json_build_object(
    'id', id, 'code', code, 'linkCode', link_code, 'travellerId', traveller_id, 'uses', uses, 'maxUses', max_uses,
    'expiresAt', utc(expires_at), 'isRevoked', revoked_at IS NOT NULL
))::text AS body
FROM invitation;

INSERT INTO schema_version (number, name) VALUES (30, 'signIn');
