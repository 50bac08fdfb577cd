-- The timeline of the last checkpoint is the old one for minutes after a replica was promoted.
SET LOCAL lock_timeout = '2s';

-- The history that versions count in, as a phone's cursor names it: another one after a restore, in another cluster, and on
-- another timeline, which a promoted replica is on at once. A replica answers for the timeline it receives.
CREATE FUNCTION epoch() RETURNS text STABLE LANGUAGE sql AS $$
    SELECT sync_epoch.id || ' ' || system_identifier || ' ' || CASE
        WHEN pg_is_in_recovery() THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), timeline_id)
        -- The name of a segment begins with its timeline; the last checkpoint may be of the one before.
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END
    FROM sync_epoch, pg_control_system(), pg_control_checkpoint()
$$;

INSERT INTO schema_version (number, name) VALUES (28, 'epoch');
