import Foundation
import Postgres
import SyncMessages

enum PublishingSQL {
    /// Makes PostgreSQL plan the statements of the flush only once, up to COMMIT.
    ///
    /// Otherwise PostgreSQL plans each statement anew every time. The reason: for an array of unknown length it expects
    /// more rows than there are.
    ///
    /// The statements look rows up by their keys. Sequential scans are off because of plans made while tables were
    /// nearly empty. Such a plan would read whole tables until the next ANALYZE.
    static let planOnce = Command(
        """
        SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)
        """
    )

    /// Raises the versions of scopes; the order of the array is the order of the locks.
    static func advance(_ scopes: [String], by steps: [Int]) -> Command {
        Command(
            """
            INSERT INTO scope (name, version)
            SELECT name, step
            FROM unnest(\(scopes)::text[], \(steps)::bigint[]) WITH ORDINALITY AS touched (name, step, position)
            ORDER BY position
            ON CONFLICT (name) DO UPDATE SET version = scope.version + EXCLUDED.version
            """
        )
    }

    /// Writes what each scope now shows of entities of a kind, just before COMMIT.
    ///
    /// An entity that a scope no longer shows becomes a tombstone. An entity that looks as before is left alone.
    ///
    /// Each kind has its own statement. Over the view of all kinds the planner would read every table.
    static func show(_ kind: Publication.Kind, scopes: [String], ids: [UUID]) -> Command {
        Command(
            """
            WITH changed AS (
                SELECT name AS scope, version, id, body, row_hash(\(kind.name), id, body) AS hash, former
                FROM (
                    SELECT scope.name, scope.version, named.id, former.hash AS former, (
                        SELECT body FROM \(kind.view) AS shown WHERE shown.id = named.id AND shown.scope = named.scope
                    ) AS body
                    FROM unnest(\(scopes)::text[], \(ids)::uuid[]) AS named (scope, id)
                    JOIN scope ON scope.name = named.scope
                    LEFT JOIN scope_row AS former
                        ON former.scope = named.scope AND former.kind = \(kind.name) AND former.id = named.id
                    OFFSET 0
                ) AS present
            ), kept AS (
                INSERT INTO scope_row (scope, kind, id, version, body, hash)
                SELECT scope, \(kind.name), id, version, body, hash FROM changed WHERE hash IS DISTINCT FROM former
                ON CONFLICT (scope, kind, id) DO UPDATE
                SET version = EXCLUDED.version, body = EXCLUDED.body, hash = EXCLUDED.hash, at = EXCLUDED.at
            )
            UPDATE scope SET count = count + more, digest = digest # difference
            FROM (
                SELECT scope, count(hash) - count(former) AS more,
                    bit_xor(coalesce(hash, 0) # coalesce(former, 0)) AS difference
                FROM changed WHERE hash IS DISTINCT FROM former GROUP BY scope
            ) AS sums
            WHERE name = sums.scope
            """
        )
    }

    // MARK: Reading

    /// A text that is another one after each change of the scope, in quotes.
    private static func tagText(of scope: Scope) -> SQL {
        """
        '"' || left(encode(sha256(convert_to(
            epoch() || ' ' || coalesce((SELECT version FROM scope WHERE name = \(scope.description)), 0), 'UTF8'
        )), 'hex'), 32) || '"'
        """
    }

    static func tag(of scope: Scope) -> Query<String> {
        Query("SELECT \(tagText(of: scope)) AS tag") { try $0.decode("tag") }
    }

    /// A page of published rows in the order of their ids, and the id of its last row if there are more.
    static func page(
        _ kind: Publication.Kind,
        in scope: Scope,
        ids: SQL,
        after: UUID?,
        limit: Int
    ) -> Query<PublishedPage> {
        Query(
            """
            WITH found AS (
                SELECT id, body, row_number() OVER (ORDER BY id) AS place FROM scope_row
                WHERE scope = \(scope.description) AND kind = \(kind.name) AND body IS NOT NULL AND id IN (\(ids))
                    AND (\(after)::uuid IS NULL OR id > \(after)::uuid)
                ORDER BY id LIMIT \(limit + 1)
            )
            SELECT \(tagText(of: scope)) AS tag, '{"items":['
                || coalesce((SELECT string_agg(body, ',' ORDER BY id) FROM found WHERE place <= \(limit)), '') || ']'
                || coalesce((SELECT ',"next":"' || id || '"' FROM found
                    WHERE place = \(limit) AND EXISTS (SELECT FROM found WHERE place > \(limit))), '')
                || '}' AS body
            """
        ) { PublishedPage(tag: try $0.decode("tag"), body: try $0.decode("body", as: JSONText.self)) }
    }

    static func notify(_ channel: String, _ payload: String) -> Command {
        Command("SELECT pg_notify(\(channel), \(payload))")
    }

    /// Writes each change with its own number, and the entity as it is now, just before COMMIT.
    static func feed(_ changes: [ParkChange], at now: Date) -> Command {
        Command(
            """
            INSERT INTO park_change (park_id, number, at, kind, id, body)
            SELECT park_id, scope.version - count(*) OVER (PARTITION BY park_id)
                    + row_number() OVER (PARTITION BY park_id ORDER BY position),
                \(now)::timestamptz, kind, change.id, CASE kind
                    WHEN 'booking' THEN (SELECT body FROM fed_booking WHERE fed_booking.id = change.id)
                    WHEN 'cottage' THEN (SELECT body FROM fed_cottage WHERE fed_cottage.id = change.id)
                END
            FROM unnest(\(changes.map(\.park))::uuid[], \(changes.map(\.scope))::text[],
                \(changes.map(\.kind.rawValue))::text[], \(changes.map(\.id))::uuid[])
                WITH ORDINALITY AS change (park_id, scope_name, kind, id, position)
            JOIN scope ON scope.name = scope_name
            """
        )
    }

    /// The differences between what phones have and what they should have, in words.
    static let differences = Query(
        """
        SELECT coalesce(published.kind, shown.kind) || ' ' || coalesce(published.id, shown.id) || ' in '
            || coalesce(published.scope, shown.scope) || CASE
                WHEN published.id IS NULL THEN ' was never published'
                WHEN shown.id IS NULL THEN ' is gone and still published'
                ELSE ' looks otherwise than it was published' END AS difference
        FROM shown FULL JOIN (SELECT scope, kind, id, body FROM scope_row WHERE body IS NOT NULL) AS published
            ON published.scope = shown.scope AND published.kind = shown.kind AND published.id = shown.id
        WHERE published.body IS DISTINCT FROM shown.body
        UNION ALL
        SELECT kind || ' ' || id || ' in ' || scope || ' has another hash than its text' FROM scope_row
        WHERE hash <> row_hash(kind, id, body)
        UNION ALL
        SELECT name || ' has another count or digest than its rows' FROM scope LEFT JOIN (
            SELECT scope, count(hash), bit_xor(coalesce(hash, 0)) AS digest, max(version) AS version
            FROM scope_row GROUP BY scope
        ) AS rows ON rows.scope = name
        WHERE (scope.count, scope.digest) <> (coalesce(rows.count, 0), coalesce(rows.digest, 0))
            OR rows.version > scope.version
        ORDER BY 1
        """
    ) { try $0.decode("difference", as: String.self) }
}
