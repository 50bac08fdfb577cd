import Foundation
import GuestModels
import Postgres

extension SystemCredential {
    /// The prefix that distinguishes a credential's token from a device's token.
    static let tokenPrefix = "vps_"
    /// The number of credentials of a park that may work at once.
    static let maximumOfPark = 200

    /// Makes a credential; its token is told now and never again.
    ///
    /// Throws `twoCredentials` for a system that has two: the old one, and the one that replaces it; `tooManyCredentials`
    /// for a park that has `maximumOfPark`.
    static func make(
        _ request: SystemCredentialRequest,
        at park: Park.ID,
        _ act: Act
    ) async throws -> NewSystemCredential {
        // Lock the park, so that two requests at once cannot take the same place.
        _ = try await act.tx.first(SystemCredentialSQL.lock(park))
        guard try await act.tx.all(SystemCredentialSQL.live(at: park)).count < maximumOfPark else {
            throw Refusal.tooManyCredentials
        }
        var random = SystemRandomNumberGenerator()
        let token = Token(
            tokenPrefix + Token(derivedFrom: Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })).text
        )
        let credential = SystemCredential(
            id: act.id(),
            parkId: park,
            name: request.name,
            purpose: request.purpose,
            madeAt: act.now,
            lastUsedAt: nil
        )
        let isMade = try await act.tx.run(
            SystemCredentialSQL.insert(credential, token),
            refusing: [
                "system_credential_two_at_a_time": .twoCredentials, "system_credential_park_id_fkey": .notFound,
            ]
        )
        guard isMade == 1 else { throw Refusal.twoCredentials }
        let id = credential.id.uuid
        try Audit.record("credential.make", target: id, park: park, after: credential, act)
        return NewSystemCredential(credential: credential, token: token.text)
    }

    /// Ends a credential; requests with it are refused after at most a second.
    static func end(_ id: ID, at park: Park.ID, _ act: Act) async throws {
        guard try await act.tx.run(SystemCredentialSQL.end(id, at: park, now: act.now)) == 1 else {
            throw Refusal.notFound
        }
        try Audit.record("credential.end", target: id.uuid, park: park, act)
    }

    /// Writes when the credential was last used, at most once a minute.
    func touch(_ app: AppEnvironment) async throws {
        let now = app.now()
        guard lastUsedAt.map({ now.timeIntervalSince($0) >= 60 }) ?? true else { return }
        try await app.act(as: .system(self)) { act in
            try await act.tx.run(SystemCredentialSQL.touch(id, at: now))
        }
    }
}

extension SystemCredential {
    /// The credentials of a park that work.
    static func list(at park: Park.ID, _ look: Look) async throws -> [SystemCredential] {
        guard try await look.reader.first(SystemCredentialSQL.isPark(park)) == true else { throw Refusal.notFound }
        return try await look.reader.all(SystemCredentialSQL.live(at: park))
    }
}
