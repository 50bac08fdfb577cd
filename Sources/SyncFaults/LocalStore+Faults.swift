import Foundation
import GRDB
package import Sync
import SyncMessages

extension LocalStore {
    /// Inserts a row that the server never sent.
    package func forge(kind: String, in scope: String) throws {
        let id = UUID()
        let content = SyncRow.Content(hash: SyncRow.hash(kind: kind, id: id, body: "{}"), body: "{}")
        try database.write { try Self.insert(scope, kind, id, content, $0) }
    }

    /// Sets a cursor that the server does not know.
    package func spoilCursor() throws { try database.write { try Self.set("cursor", "spoilt", $0) } }

    /// Copies the store, as a backup of the phone would.
    package func copy(to path: String) throws {
        let target = try DatabaseQueue(path: path)
        try database.backup(to: target)
        try target.close()
    }

    /// Fills the phone's storage, or makes room again.
    package func fillUp(_ isFull: Bool) throws {
        try database.writeWithoutTransaction { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            try database.execute(sql: "PRAGMA max_page_count = \(isFull ? pages : 1_073_741_823)")
        }
    }

    /// Changes the body of one row of the kind, as a bad flash cell would.
    package func damage(kind: String) throws {
        try database.write { database in
            try database.execute(
                sql:
                    "UPDATE row SET body = replace(body, 'x', 'y') WHERE id = (SELECT max(id) FROM row WHERE kind = ?)",
                arguments: [kind]
            )
        }
    }
}
