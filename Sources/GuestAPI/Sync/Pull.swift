import Foundation
import GuestModels
import Postgres
import SyncMessages

/// A pull: sends a phone the rows that it has not seen yet, as lines.
struct Pull {
    /// The approximate bytes of a page: about the most rows that a phone may ask for, at their usual size.
    private static let pageBytes = 2 * 1024 * 1024
    /// Rows of a page, unless the phone says otherwise.
    static let pageRows = 1_000

    let guest: Guest.ID
    /// The cursor as the phone sent it, and decoded; nil to read everything from the start.
    let cursor: (text: String, read: SyncCursor)?
    let limit: Int
    /// The load class whose place other requests may use while the phone waits.
    let load: Policy.Load

    /// Writes one page behind the outcomes of a push.
    ///
    /// When there is nothing new and nothing was pushed, the call waits for something new.
    func page(behind outcomes: SyncLines, waiting seconds: Int, _ app: AppEnvironment) async throws -> SyncLines {
        func page() async throws -> (lines: SyncLines, idle: [String]?) {
            try await app.look(as: .guest(guest)) { look in
                var lines = outcomes
                let idle = try await append(to: &lines, look)
                return (lines, idle)
            }
        }
        let found = try await page()
        guard let scopes = found.idle, seconds > 0, outcomes.bytes.isEmpty else { return found.lines }
        return try await app.scopeBell.listen(to: scopes, for: guest) { ear in
            // This second page has the changes from before we listened; the ear hears later changes.
            let again = try await page()
            guard again.idle != nil else { return again.lines }
            try await app.admission.rest(load) { await ear.wait(atMost: .seconds(seconds)) }
            return try await page().lines
        }
    }

    /// Writes one page behind `lines`.
    ///
    /// The page shows one state of the database, grants included. A scope that is not granted in that state is not in
    /// the page.
    ///
    /// - Returns: the scopes to wait for when there is nothing new; nil when there is.
    private func append(to lines: inout SyncLines, _ look: Look) async throws -> [String]? {
        if let cursor {
            // Most phones have everything already, and this cheap query shows it.
            let standing = try await look.reader.all(SyncSQL.standing(of: guest, at: look.now))
            if cursor.read.hasAll(of: standing) {
                lines.complete(cursor.text, standing)
                return standing.map(\.scope)
            }
        }
        let cursor = cursor?.read
        let found = try await look.reader.all(SyncSQL.pull(guest, since: cursor, limit: limit, at: look.now))
        var scopes: [SyncSQL.ScopeLine] = []
        var rows: [Row] = []
        for line in found {
            switch line {
            case .scope(let scope): scopes.append(scope)
            case .row(let row): rows.append(row)
            }
        }
        guard let epoch = scopes.first?.epoch else { throw Refusal.notFound }
        let granted = Set(scopes.map(\.scope))
        let removed = (cursor?.positions.keys.sorted() ?? []).filter { !granted.contains($0) }
        for name in removed { lines.removed(name) }

        var next = SyncCursor(epoch: epoch)
        for scope in scopes {
            if !scope.isReset, let position = cursor?.positions[scope.scope] {
                next.positions[scope.scope] = position
            } else if scope.isReset {
                lines.scope(scope.scope, isReset: true)
            }
        }
        var written = 0
        var current: String?
        for row in rows {
            guard written == 0 || lines.bytes.count < Self.pageBytes else { break }
            let scope: String = try row.decode("scope")
            if let current, current != scope { next.positions[current] = try position(of: rows[written - 1]) }
            if current != scope { lines.scope(scope) }
            current = scope
            try row.withBytes(of: "line") { lines.row($0) }
            written += 1
        }
        if let current { next.positions[current] = try position(of: rows[written - 1]) }
        guard written == rows.count, rows.count < limit else {
            lines.page(next.text(for: guest, look.app.secret))
            return nil
        }
        for scope in scopes { next.positions[scope.scope] = .init(version: scope.version) }
        lines.complete(next.text(for: guest, look.app.secret), scopes)
        return next == cursor ? Array(granted) : nil
    }
}

extension Pull {
    private func position(of row: Row) throws -> SyncCursor.Position {
        .init(
            version: try row.decode("version"),
            row: .init(kind: try row.decode("kind"), id: try row.decode("id"))
        )
    }
}

/// The answer to a phone: JSON, a value per line, as `SyncLine` reads it.
struct SyncLines {
    private(set) var bytes: [UInt8] = []

    init() {}

    /// The answer when another phone uses the same device id.
    init(forked: Void) { raw("{\"forked\":true}\n") }

    private mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Names of scopes and kinds, ids and cursors need no escaping.
    private mutating func plain(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func outcome(_ sequence: Int64, _ outcome: String) {
        raw(#"{"sequence":"#)
        bytes.append(contentsOf: String(sequence).utf8)
        raw(#","outcome":"#)
        bytes.append(contentsOf: outcome.utf8)
        raw("}\n")
    }

    mutating func expected(_ sequence: Int64) {
        raw(#"{"expected":"#)
        bytes.append(contentsOf: String(sequence).utf8)
        raw("}\n")
    }

    mutating func busy() { raw("{\"busy\":true}\n") }

    mutating func scope(_ name: String, isReset: Bool = false) {
        if isReset { raw(#"{"reset":"#) } else { raw(#"{"scope":"#) }
        plain(name)
        raw("}\n")
    }

    mutating func removed(_ name: String) {
        raw(#"{"removed":"#)
        plain(name)
        raw("}\n")
    }

    mutating func row(_ line: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: line)
        bytes.append(UInt8(ascii: "\n"))
    }

    mutating func page(_ cursor: String) {
        raw(#"{"page":"#)
        plain(cursor)
        raw("}\n")
    }

    mutating func complete(_ cursor: String, _ scopes: [SyncSQL.ScopeLine]) {
        raw(#"{"complete":"#)
        plain(cursor)
        raw(#","scopes":["#)
        for (index, scope) in scopes.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            raw(#"{"scope":"#)
            plain(scope.scope)
            raw(#","version":"#)
            bytes.append(contentsOf: String(scope.version).utf8)
            raw(#","count":"#)
            bytes.append(contentsOf: String(scope.count).utf8)
            raw(#","digest":"#)
            plain(scope.digest.digest)
            raw("}")
        }
        raw("]}\n")
    }
}

extension Int64 {
    /// A digest of rows as 16 hexadecimal digits.
    var digest: String {
        let digits = String(UInt64(bitPattern: self), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
