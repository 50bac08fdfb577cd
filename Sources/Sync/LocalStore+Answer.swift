package import Foundation
package import GRDB
import GuestModels
package import SyncMessages
import Synchronization

extension LocalStore {
    /// Stores one answer of the service: the outcomes of mutations and the new rows, in one transaction.
    ///
    /// - Parameter cursor: the cursor that the request carried. If another answer has moved the cursor since, the rows
    ///   of this answer are old and are skipped.
    /// - Returns: whether the answer was the last page, and the scopes to repair, because the phone's rows of them
    ///   differ from the server's.
    package func apply(_ lines: [SyncLine], since cursor: String?) throws -> (isComplete: Bool, damaged: [ScopeState]) {
        if try isNoNews(lines, since: cursor) { return (true, []) }
        var hasPruned = false
        defer { if hasPruned { try? sweepPhotos() } }
        return try database.write { database in
            let isNew = try Self.cursor(database) == cursor
            var (scope, order) = ("", 0)
            var news: [News] = []
            var damaged: [ScopeState] = []
            var isComplete = false
            for line in lines where isNew || line.isOfPush {
                switch line {
                case .outcome(let sequence, let outcome): try Self.record(sequence, outcome, database)
                case .expected(let sequence): try Self.renumber(from: sequence, database)
                case .forked:
                    // The device gets a new name. Waiting mutations keep their ids, so the server does none of them
                    // twice.
                    try Self.rename(database)
                case .busy: break
                case .scope(let name): (scope, order) = (name, order + 1)
                case .reset(let name), .removed(let name):
                    (scope, order) = (name, order + 1)
                    news.append(News(scope: name, order: order, row: nil))
                case .row(let row): news.append(News(scope: scope, order: order, row: row))
                case .page(let cursor):
                    try Self.stage(news, database)
                    news = []
                    try Self.set("page", cursor, database)
                case .complete(let cursor, let scopes):
                    try database.execute(sql: "DELETE FROM done")
                    let hasParts = try Int.fetchOne(database, sql: "SELECT 1 FROM staged LIMIT 1") != nil
                    if hasParts || news.contains(where: { $0.row == nil }) {
                        try Self.stage(news, database)
                        try Self.flip(database)
                    } else {
                        try Self.apply(news, database)
                    }
                    news = []
                    hasPruned = try Self.prune(to: scopes, database)
                    try database.execute(sql: "DELETE FROM state WHERE name = 'page'")
                    try Self.set("cursor", cursor, database)
                    damaged = try check(scopes, database)
                    isComplete = true
                }
            }
            try rebase(database)
            return (isComplete, damaged)
        }
    }

    /// Whether the answer only says that nothing has changed since the last check; then nothing is written.
    func isNoNews(_ lines: [SyncLine], since cursor: String?) throws -> Bool {
        guard lines.count == 1, case .complete(let latest, let scopes)? = lines.first, latest == cursor else {
            return false
        }
        let isKnown = checked.withLock { checked in
            checked.answers += 1
            return checked.answers < Self.answersBetweenChecks && checked.scopes.count == scopes.count
                && scopes.allSatisfy { checked.scopes[$0.scope] == $0 }
        }
        guard isKnown else { return false }
        return try database.read { database in
            let isBetween = try Bool.fetchOne(
                database,
                sql: "SELECT EXISTS (SELECT 1 FROM done) OR EXISTS (SELECT 1 FROM staged)"
            )
            return try Self.cursor(database) == cursor && isBetween == false
        }
    }

    /// One change to a scope: a row, or, when `row` is nil, the removal of all rows of the scope on this phone.
    struct News {
        let scope: String
        /// The place of the scope in the answer.
        let order: Int
        let row: SyncRow?

        /// Whether the row was altered on its way.
        ///
        /// Such a row is left out; the digest shows the gap and the repair fills it.
        var isAltered: Bool {
            guard let row, let content = row.content else { return false }
            return SyncRow.hash(kind: row.kind, id: row.id, body: content.body) != content.hash
        }
    }

    /// Stages the rows of a page in `staged`, because more pages follow.
    static func stage(_ news: [News], _ database: Database) throws {
        let insert = try database.cachedStatement(
            sql: "INSERT INTO staged (scope, kind, id, hash, body) VALUES (?, ?, ?, ?, ?)"
        )
        for new in news where !new.isAltered {
            let (row, content) = (new.row, new.row?.content)
            try insert.execute(arguments: [
                new.scope, row?.kind, row?.id.lowercasedText, content.map { Int64(bitPattern: $0.hash) }, content?.body,
            ])
        }
    }

    /// Stores the rows of an answer that came whole, without staging.
    ///
    /// The rows are written in the order of their keys, so the B-tree fills from one side.
    static func apply(_ news: [News], _ database: Database) throws {
        let rows = news.enumerated().compactMap { place, new in new.row.map { (place, new, $0) } }.sorted {
            left,
            right in
            let ((place, new, row), (otherPlace, other, otherRow)) = (left, right)
            if new.order != other.order { return new.order < other.order }
            if row.kind != otherRow.kind { return row.kind < otherRow.kind }
            return row.id != otherRow.id ? row.id < otherRow.id : place < otherPlace
        }
        let delete = try database.cachedStatement(sql: "DELETE FROM row WHERE scope = ? AND kind = ? AND id = ?")
        for (_, new, row) in rows where !new.isAltered {
            if let content = row.content {
                try insert(new.scope, row.kind, row.id, content, database)
            } else {
                try delete.execute(arguments: [new.scope, row.kind, row.id.lowercasedText])
            }
        }
    }

    package static func insert(
        _ scope: String,
        _ kind: String,
        _ id: UUID,
        _ content: SyncRow.Content,
        _ database: Database
    ) throws {
        try database.cachedStatement(sql: "INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?, ?)").execute(arguments: [
            scope, kind, id.lowercasedText, Int64(bitPattern: content.hash), content.body,
        ])
    }

    /// Moves staged rows into `row`: for each key the newest wins.
    ///
    /// A scope's reset also deletes what was staged for this scope before it.
    static func flip(_ database: Database) throws {
        let last = try Int.fetchOne(database, sql: "SELECT max(place) FROM staged") ?? 0
        let clears = try Row.fetchAll(
            database,
            sql: "SELECT place, scope FROM staged WHERE kind IS NULL ORDER BY place"
        )
        var done = 0
        for (place, scope) in clears.map({ ($0[0] as Int, $0[1] as String?) }) + [(last + 1, nil)] {
            let latest = """
                SELECT scope, kind, id, hash, body, max(place) FROM staged
                WHERE place > \(done) AND place < \(place) GROUP BY scope, kind, id
                """
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO row
                    SELECT scope, kind, id, hash, body FROM (\(latest)) WHERE body IS NOT NULL;
                    DELETE FROM row WHERE (scope, kind, id) IN (
                        SELECT scope, kind, id FROM (\(latest)) WHERE body IS NULL
                    );
                    """
            )
            if let scope { try database.execute(sql: "DELETE FROM row WHERE scope = ?", arguments: [scope]) }
            done = place
        }
        try database.execute(sql: "DELETE FROM staged")
    }

    /// Deletes rows and photos of scopes that the guest no longer sees, even when no `removed` line came.
    ///
    /// - Returns: whether photos were deleted, whose files go once the transaction is over.
    static func prune(to scopes: [ScopeState], _ database: Database) throws -> Bool {
        let names = Set(scopes.map(\.scope))
        for scope in try String.fetchAll(database, sql: "SELECT DISTINCT scope FROM row") where !names.contains(scope) {
            try database.execute(sql: "DELETE FROM row WHERE scope = ?", arguments: [scope])
        }
        var hasPhotos = false
        for group in try String.fetchAll(database, sql: "SELECT DISTINCT groupId FROM photo WHERE groupId IS NOT NULL")
        where !names.contains("group:\(group)") {
            // A photo that still waits to be sent stays: the service first answers that the group is gone.
            try database.execute(sql: "DELETE FROM photo WHERE groupId = ? AND received IS NULL", arguments: [group])
            hasPhotos = hasPhotos || database.changesCount > 0
        }
        return hasPhotos
    }
}
