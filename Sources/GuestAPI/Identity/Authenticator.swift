import Crypto
import Foundation
import GuestModels
import Postgres
import Synchronization

/// Finds out who a token belongs to.
///
/// Answers are kept for a second at most, so that a revocation is effective within a second on every node.
final class Authenticator: Sendable {
    private struct Entry {
        let credentials: Credentials
        let until: ContinuousClock.Instant
    }

    private static let maximumEntries = 20_000
    private let entries = Mutex<[Data: Entry]>([:])

    /// - Parameter isFresh: asks the database also where the answer is known.
    /// - Throws: `Refusal.signInNeeded` for a token that is wrong, old or revoked.
    func authenticate(
        _ header: String?,
        isFresh: Bool = false,
        _ app: AppEnvironment
    ) async throws -> Credentials {
        guard let header else { return .nobody }
        guard header.lowercased().hasPrefix("bearer "), header.utf8.count <= 200 else { throw Refusal.signInNeeded }
        let token = Token(String(header.dropFirst(7)))
        let hash = token.hash
        let started = ContinuousClock.now
        if !isFresh, let entry = entries.withLock({ $0[hash] }), started < entry.until { return entry.credentials }
        let row: Credentials?
        if token.text.hasPrefix(SystemCredential.tokenPrefix) {
            row = try await system(hash, app)
        } else {
            row = try await app.database.read(as: Principal.nobody.setting) { reader in
                try await reader.first(IdentitySQL.credentials(hash, now: app.now()))
            }
        }
        guard let row else { throw Refusal.signInNeeded }
        // Count the second from before the query, so that the entry does not outlive a revocation just after it.
        let entry = Entry(credentials: row, until: started + .seconds(1))
        entries.withLock { entries in
            if entries.count >= Self.maximumEntries { entries.removeAll() }
            entries[hash] = entry
        }
        return row
    }

    private func system(_ hash: Data, _ app: AppEnvironment) async throws -> Credentials? {
        let found = try await app.database.read(as: Principal.nobody.setting) { reader in
            try await reader.first(SystemCredentialSQL.live(hash))
        }
        guard let found else { return nil }
        // The time of last use is only a note, so an error here must not fail the request.
        try? await found.touch(app)
        return Credentials(principal: .system(found))
    }

    /// Clears the kept answers of this node at once; other nodes keep theirs for up to a second.
    func forget() {
        entries.withLock { $0.removeAll() }
    }
}
