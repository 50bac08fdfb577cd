import Foundation
import GuestModels
import Postgres

/// Where a phone differs from a scope, found in a few steps: digests by the last digits of ids, and the rows where there
/// are few.
struct Digest: Encodable, Sendable {
    /// Where there are no more than this, they come themselves.
    private static let fewRows = 64
    private static let longestSuffix = 12

    let scope: String
    /// A phone that has read to another version reads on first.
    let version: Int64
    /// By two digits more than were asked for; empty where `rows` are.
    let buckets: [SyncSQL.Bucket]
    /// All rows with these last digits; nil where there are many.
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
