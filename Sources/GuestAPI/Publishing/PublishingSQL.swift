import Foundation
import Postgres

enum PublishingSQL {
    /// The order of the array is the order of the locks.
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

    static func mark(scopes: [String], kinds: [String], ids: [UUID], deleted: [Bool]) -> Command {
        Command(
            """
            INSERT INTO scope_entity (scope, kind, id, version, is_deleted)
            SELECT scope.name, kind, id, scope.version, is_deleted
            FROM unnest(\(scopes)::text[], \(kinds)::text[], \(ids)::uuid[], \(deleted)::boolean[])
                AS changed (scope_name, kind, id, is_deleted)
            JOIN scope ON scope.name = scope_name
            ON CONFLICT (scope, kind, id) DO UPDATE SET version = EXCLUDED.version, is_deleted = EXCLUDED.is_deleted
            """
        )
    }

    /// Each change with a number of its own, and what it is about as it is now, just before COMMIT.
    static func tell(_ changes: [ParkChange], at now: Date) -> Command {
        Command(
            """
            INSERT INTO park_change (park_id, number, at, kind, id, body)
            SELECT park_id, scope.version - count(*) OVER (PARTITION BY park_id)
                    + row_number() OVER (PARTITION BY park_id ORDER BY position),
                \(now)::timestamptz, kind, told.id, CASE kind
                    WHEN 'booking' THEN (SELECT body FROM told_booking WHERE told_booking.id = told.id)
                    WHEN 'cottage' THEN (SELECT body FROM told_cottage WHERE told_cottage.id = told.id)
                END
            FROM unnest(\(changes.map(\.park))::uuid[], \(changes.map(\.scope))::text[],
                \(changes.map(\.kind.rawValue))::text[], \(changes.map(\.id))::uuid[])
                WITH ORDINALITY AS told (park_id, scope_name, kind, id, position)
            JOIN scope ON scope.name = scope_name
            """
        )
    }
}
