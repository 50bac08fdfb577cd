import Foundation
import GuestModels
import Postgres

/// Digests of a scope's rows, to find in a few steps where a phone differs.
///
/// The rows are grouped by the last digits of their ids. A small group comes as the rows themselves.
struct Digest: Encodable, Sendable {
    /// The most rows that are sent themselves; more rows are sent as digests.
    private static let fewRows = 64
    private static let longestSuffix = 12

    let scope: String
    /// The scope's version; a phone at another version must pull before it compares.
    let version: Int64
    /// Digests by two more id digits than the phone asked for; empty when `rows` is set.
    let buckets: [SyncSQL.Bucket]
    /// All rows with ids that end in the digits that the phone asked for; nil when there are too many.
    let rows: [Entity]?

    struct Entity: Encodable, Sendable {
        let kind: String
        let id: String
        let hash: String
        let body: String
    }

    /// Throws `notFound` for a scope the guest does not see.
    static func show(_ scope: String, _ suffix: String, to guest: Guest.ID, _ look: Look) async throws -> Digest {
        guard let version = try await look.reader.first(SyncSQL.version(of: scope, for: guest, at: look.now)) else {
            throw Refusal.notFound
        }
        let (buckets, rows) = try await look.reader.all(
            SyncSQL.buckets(of: scope, suffix: suffix),
            SyncSQL.rows(of: scope, suffix: suffix, limit: suffix.count < longestSuffix ? fewRows + 1 : 1_000)
        )
        guard rows.count <= fewRows || suffix.count == longestSuffix else {
            return Digest(scope: scope, version: version, buckets: buckets, rows: nil)
        }
        let entities = rows.map {
            Entity(kind: $0.kind, id: $0.id.lowercasedText, hash: ($0.hash ?? 0).digest, body: $0.body ?? "")
        }
        return Digest(scope: scope, version: version, buckets: [], rows: entities)
    }
}
