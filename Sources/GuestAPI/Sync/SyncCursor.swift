import Foundation
import GuestModels

/// How far a phone has read; the cursor is signed and bound to its guest, so the server stores nothing.
struct SyncCursor: Equatable, Sendable {
    /// A position in a scope: the phone has received everything up to and including it.
    struct Position: Hashable, Sendable {
        var version: Int64
        /// The last row sent of that version; nil when the phone has the whole version.
        var row: Row?

        struct Row: Hashable, Sendable {
            var kind: String
            var id: UUID
        }
    }

    /// The epoch of the version numbers; a restore begins another one.
    let epoch: String
    var positions: [String: Position]

    private static let purpose = "sync cursor"

    func text(for guest: Guest.ID, _ secret: ServerSecret) -> String {
        let lines = positions.sorted { $0.key < $1.key }.map { scope, position in
            "\(scope) \(position.version)" + (position.row.map { " \($0.kind) \($0.id.lowercasedText)" } ?? "")
        }
        let content = Data(([epoch] + lines).joined(separator: "\n").utf8)
        return (secret.digest(Self.purpose, Self.signed(content, for: guest)).prefix(16) + content)
            .base64EncodedString()
    }

    /// Returns nil for a text that this server did not make for this guest.
    init?(_ text: String, for guest: Guest.ID, _ secret: ServerSecret) {
        guard let data = Data(base64Encoded: text), data.count > 16 else { return nil }
        let content = Data(data.dropFirst(16))
        guard secret.isSignature(data.prefix(16), of: Self.signed(content, for: guest), for: Self.purpose) else {
            return nil
        }
        // Parse bytes for speed: every request of a phone but its first has a cursor.
        let lines = [UInt8](content).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let epoch = lines.first else { return nil }
        var positions: [String: Position] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard parts.count == 2 || parts.count == 4, let version = Int64(parts[1]) else { return nil }
            var position = Position(version: version)
            if parts.count == 4 {
                guard let id = UUID(uuidString: parts[3]) else { return nil }
                position.row = .init(kind: parts[2], id: id)
            }
            positions[parts[0]] = position
        }
        self.init(epoch: String(decoding: epoch, as: UTF8.self), positions: positions)
    }

    init(epoch: String, positions: [String: Position] = [:]) {
        self.epoch = epoch
        self.positions = positions
    }

    /// Whether a phone with this cursor has all of these scopes completely, and no others.
    func hasAll(of scopes: [SyncSQL.ScopeLine]) -> Bool {
        scopes.count == positions.count
            && scopes.allSatisfy { $0.epoch == epoch && positions[$0.scope] == Position(version: $0.version) }
    }

    private static func signed(_ content: Data, for guest: Guest.ID) -> String {
        "\(guest)\n\(String(decoding: content, as: UTF8.self))"
    }
}
