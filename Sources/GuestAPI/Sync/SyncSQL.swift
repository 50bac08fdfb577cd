import Foundation
import GuestModels
import Postgres
import SyncMessages

enum SyncSQL {
    /// One line of a pull: the state of a scope of the guest, or one of the next rows.
    ///
    /// One statement reads all lines, so they show one state of the database.
    enum Line: Sendable {
        case scope(ScopeLine)
        /// A row with its `line` to send; `scope`, `version`, `kind` and `id` are decoded for few rows only.
        case row(Row)
    }

    struct ScopeLine: Sendable {
        let scope: String
        let version: Int64
        let count: Int
        let digest: Int64
        /// Whether the phone must read the scope from the start.
        ///
        /// The cursor is of another epoch, or tombstones that the phone has missed are forgotten.
        let isReset: Bool
        let epoch: String
    }

    struct RowLine: Sendable {
        let scope: String
        let version: Int64
        let kind: String
        let id: UUID
        let hash: Int64?
        let body: String?
    }

    static func pull(
        _ guest: Guest.ID,
        since cursor: SyncCursor?,
        limit: Int,
        at now: Date
    ) -> Query<Line> {
        let known = cursor.map { Array($0.positions) } ?? []
        return Query(
            """
            WITH \(GrantSQL.own(of: guest)), present AS MATERIALIZED (
                SELECT name, rank, version, count, digest, floor, (SELECT epoch()) AS epoch
                FROM (\(GrantSQL.scopes(of: guest, at: now))) AS granted JOIN scope ON name = scope
            ), since AS MATERIALIZED (
                SELECT present.*, known.version IS NOT NULL AND NOT is_current AS is_reset,
                    CASE WHEN is_current THEN known.version + (known.kind = '')::int ELSE 0 END AS from_version,
                    CASE WHEN is_current THEN known.kind ELSE '' END AS from_kind,
                    CASE WHEN is_current THEN known.id ELSE \(noRow) END AS from_id
                FROM present LEFT JOIN unnest(
                    \(known.map(\.key))::text[], \(known.map(\.value.version))::bigint[],
                    \(known.map { $0.value.row?.kind ?? "" })::text[], \(known.map { $0.value.row?.id ?? noRow })::uuid[]
                ) AS known (scope, version, kind, id) ON known.scope = name,
                LATERAL (
                    SELECT coalesce(
                        known.version BETWEEN floor AND present.version AND epoch = \(cursor?.epoch ?? ""), false
                    ) AS is_current
                ) AS age
            )
            SELECT 0 AS part, 0 AS place, name AS scope, version, count, digest, is_reset, epoch, NULL AS kind,
                NULL::uuid AS id, NULL AS line
            FROM since
            UNION ALL
            (
                SELECT 1, row_number() OVER (ORDER BY rank, name, changed.version, changed.kind, changed.id), name,
                    changed.version, NULL, NULL, NULL, NULL, changed.kind, changed.id,
                    '["' || changed.kind || '","' || changed.id || '"'
                        || coalesce(',"' || lpad(to_hex(changed.hash), 16, '0') || '",' || changed.body, '') || ']'
                FROM since JOIN LATERAL (
                    SELECT version, kind, id, hash, body FROM scope_row
                    WHERE scope = name AND (version, kind, id) > (from_version, from_kind, from_id)
                        AND (body IS NOT NULL OR from_version > 0)
                    ORDER BY version, kind, id LIMIT \(limit)
                ) AS changed ON true
                WHERE since.version >= from_version
                ORDER BY rank, name, changed.version, changed.kind, changed.id LIMIT \(limit)
            )
            ORDER BY part, place
            """
        ) { row in
            guard try row.decodeIfPresent("epoch", as: String.self) == nil else {
                return .scope(
                    ScopeLine(
                        scope: try row.decode("scope"),
                        version: try row.decode("version"),
                        count: try row.decode("count"),
                        digest: try row.decode("digest"),
                        isReset: try row.decode("is_reset"),
                        epoch: try row.decode("epoch")
                    )
                )
            }
            return .row(row)
        }
    }

    /// The present version, count and digest of each scope of a guest.
    static func standing(of guest: Guest.ID, at now: Date) -> Query<ScopeLine> {
        Query(
            """
            WITH \(GrantSQL.own(of: guest))
            SELECT name, version, count, digest, (SELECT epoch()) AS epoch
            FROM (\(GrantSQL.scopes(of: guest, at: now))) AS granted JOIN scope ON name = scope
            ORDER BY rank, name
            """
        ) { row in
            ScopeLine(
                scope: try row.decode("name"),
                version: try row.decode("version"),
                count: try row.decode("count"),
                digest: try row.decode("digest"),
                isReset: false,
                epoch: try row.decode("epoch")
            )
        }
    }

    /// The id before every row of a version, together with the empty kind.
    private static let noRow = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    // MARK: Devices and what they did

    static func register(_ device: UUID, of guest: Guest.ID, at now: Date) -> Query<Guest.ID> {
        Query(
            """
            INSERT INTO sync_device (id, guest_id, created_at, seen_at) VALUES (\(device), \(guest), \(now), \(now))
            ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at
            RETURNING guest_id
            """
        ) { try $0.decode("guest_id") }
    }

    /// Waits for running pushes of the guest's phones, and blocks further pushes until the transaction ends.
    static func stop(_ guest: Guest.ID) -> Command {
        Command("SELECT FROM sync_device WHERE guest_id = \(guest) ORDER BY id FOR UPDATE")
    }

    /// Removes a guest's devices beyond `count`, beginning with the device that was seen least recently.
    static func pruneDevices(of guest: Guest.ID, atMost count: Int) -> Command {
        Command(
            """
            DELETE FROM sync_device WHERE id IN (
                SELECT id FROM sync_device WHERE guest_id = \(guest) ORDER BY seen_at DESC, id OFFSET \(count)
            )
            """
        )
    }

    /// Reads the number of a device's newest mutation, and the time at which it counts as made.
    ///
    /// The row is locked, so that two requests of a device do not apply the same mutation twice.
    static func device(_ device: UUID, of guest: Guest.ID) -> Query<(sequence: Int64, saidAt: Date?)> {
        Query("SELECT last_sequence, said_at FROM sync_device WHERE id = \(device) AND guest_id = \(guest) FOR UPDATE")
        {
            (try $0.decode("last_sequence"), try $0.decodeIfPresent("said_at"))
        }
    }

    static func advance(_ device: UUID, to sequence: Int64, said saidAt: Date?, at now: Date) -> Command {
        Command(
            """
            UPDATE sync_device SET last_sequence = \(sequence), said_at = coalesce(\(saidAt), said_at), seen_at = \(now)
            WHERE id = \(device)
            """
        )
    }

    static func outcomes(
        of mutations: [UUID],
        by guest: Guest.ID
    ) -> Query<(id: UUID, fingerprint: Data, outcome: String)> {
        Query(
            """
            SELECT mutation_id, fingerprint, outcome FROM sync_outcome
            WHERE guest_id = \(guest) AND mutation_id = ANY(\(mutations)::uuid[])
            """
        ) { (try $0.decode("mutation_id"), try $0.decode("fingerprint"), try $0.decode("outcome")) }
    }

    static func insert(
        _ done: [(mutation: Mutation, outcome: String)],
        by guest: Guest.ID,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO sync_outcome (guest_id, mutation_id, fingerprint, outcome, at)
            SELECT \(guest)::uuid, id, fingerprint, outcome, \(now)::timestamptz
            FROM unnest(\(done.map(\.mutation.id))::uuid[], \(done.map(\.mutation.fingerprint))::bytea[],
                \(done.map(\.outcome))::text[]) AS done (id, fingerprint, outcome)
            """
        )
    }

    /// Deletes outcomes and devices older than the instant; no phone sends such old mutations again.
    static func deleteOld(before: Date) -> [Command] {
        [
            .forget("sync_outcome", where: "at < \(before)"),
            .forget("sync_device", where: "seen_at < \(before)"),
        ]
    }

    /// Forgets old tombstones, and raises the floor of their scopes.
    ///
    /// The scopes are locked in the order of their names, as when publishing. Each call forgets one portion, the oldest
    /// first: lock, then forget.
    static func forgetDeletions(before: Date) -> (lock: Command, forget: Query<Int>) {
        let old: SQL = """
            SELECT scope, kind, id FROM scope_row WHERE body IS NULL AND at < \(before)
            ORDER BY at, scope, kind, id LIMIT \(Command.portion)
            """
        let lock = Command(
            "SELECT FROM scope WHERE name IN (SELECT scope FROM (\(old)) AS old) ORDER BY name FOR NO KEY UPDATE"
        )
        let forget = Query(
            """
            WITH forgotten AS (
                DELETE FROM scope_row WHERE body IS NULL AND at < \(before) AND (scope, kind, id) IN (\(old))
                RETURNING scope, version
            ), raised AS (
                UPDATE scope SET floor = greatest(floor, newest)
                FROM (SELECT scope, max(version) AS newest FROM forgotten GROUP BY scope) AS gone WHERE name = gone.scope
            )
            SELECT count(*) AS forgotten FROM forgotten
            """
        ) { try $0.decode("forgotten", as: Int.self) }
        return (lock, forget)
    }

    struct Device: Encodable, Sendable {
        let id: UUID
        let mutations: Int64
        let lastSeen: Date
    }

    static func devices(of guest: Guest.ID) -> Query<Device> {
        Query("SELECT id, last_sequence, seen_at FROM sync_device WHERE guest_id = \(guest) ORDER BY id") { row in
            Device(
                id: try row.decode("id"),
                mutations: try row.decode("last_sequence"),
                lastSeen: try row.decode("seen_at")
            )
        }
    }

    static func erase(_ guest: Guest.ID) -> [Command] {
        [
            Command("DELETE FROM sync_outcome WHERE guest_id = \(guest)"),
            Command("DELETE FROM sync_device WHERE guest_id = \(guest)"),
        ]
    }

    static let newEpoch = Command("UPDATE sync_epoch SET id = gen_random_uuid()")

    // MARK: Digests

    struct Bucket: Encodable, Sendable {
        /// The last hexadecimal digits of the ids in this bucket.
        let suffix: String
        let count: Int
        let digest: String
    }

    /// The names of the scopes that a guest may see.
    static func scopes(of guest: Guest.ID, at now: Date) -> Query<String> {
        Query(
            """
            WITH \(GrantSQL.own(of: guest))
            SELECT scope FROM (\(GrantSQL.scopes(of: guest, at: now))) AS granted ORDER BY rank, scope
            """
        ) { try $0.decode("scope") }
    }

    static func version(of scope: String, for guest: Guest.ID, at now: Date) -> Query<Int64> {
        Query(
            """
            WITH \(GrantSQL.own(of: guest))
            SELECT version FROM scope
            WHERE name = \(scope) AND name IN (SELECT scope FROM (\(GrantSQL.scopes(of: guest, at: now))) AS granted)
            """
        ) { try $0.decode("version") }
    }

    /// Digests of a scope's rows, grouped by two more id digits than `suffix` has.
    static func buckets(of scope: String, suffix: String) -> Query<Bucket> {
        Query(
            """
            SELECT right(id::text, \(suffix.count + 2)) AS suffix, count(*), bit_xor(hash) AS digest FROM scope_row
            WHERE scope = \(scope) AND body IS NOT NULL AND right(id::text, \(suffix.count)) = \(suffix)
            GROUP BY 1 ORDER BY 1
            """
        ) { row in
            Bucket(
                suffix: try row.decode("suffix"),
                count: try row.decode("count"),
                digest: try row.decode("digest", as: Int64.self).digest
            )
        }
    }

    static func rows(of scope: String, suffix: String, limit: Int) -> Query<RowLine> {
        Query(
            """
            SELECT version, kind, id, hash, body FROM scope_row
            WHERE scope = \(scope) AND body IS NOT NULL AND right(id::text, \(suffix.count)) = \(suffix)
            ORDER BY kind, id LIMIT \(limit)
            """
        ) { row in
            RowLine(
                scope: scope,
                version: try row.decode("version"),
                kind: try row.decode("kind"),
                id: try row.decode("id"),
                hash: try row.decode("hash"),
                body: try row.decode("body")
            )
        }
    }
}
