import Foundation
import Postgres

enum PublishingSQL {
    /// The order of the array is the order of the locks.
    static func advance(_ scopes: [String]) -> Command {
        Command(
            """
            INSERT INTO scope (name, version)
            SELECT name, 1 FROM unnest(\(scopes)::text[]) WITH ORDINALITY AS touched (name, position) ORDER BY position
            ON CONFLICT (name) DO UPDATE SET version = scope.version + 1
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
}
