import Foundation
import GuestModels
import Postgres

extension SystemCredential {
    /// By this a credential's token is told from a device's.
    static let tokenPrefix = "vps_"
    /// How many of a park work at once.
    static let maximumOfPark = 200

    /// Makes a credential; its token is told now and never again.
    ///
    /// Throws `twoCredentials` for a system that has two: the old one, and the one that replaces it; `tooManyCredentials`
    /// for a park that has `maximumOfPark`.
    static func make(
        _ request: SystemCredentialRequest,
        at park: Park.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> NewSystemCredential {
        // Lock the park, so that two requests at once cannot take the same place.
        _ = try await tx.first(SystemCredentialSQL.lock(park))
        guard try await tx.all(SystemCredentialSQL.live(at: park)).count < maximumOfPark else {
            throw Refusal.tooManyCredentials
        }
        var random = SystemRandomNumberGenerator()
        let token = Token(
            tokenPrefix + Token(derivedFrom: Data((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })).text
        )
        let credential = SystemCredential(
            id: app.ids.next(at: now),
            parkId: park,
            name: request.name,
            purpose: request.purpose,
            madeAt: now,
            lastUsedAt: nil
        )
        let isMade = try await tx.run(
            SystemCredentialSQL.insert(credential, token),
            refusing: [
                "system_credential_two_at_a_time": .twoCredentials, "system_credential_park_id_fkey": .notFound,
            ]
        )
        guard isMade == 1 else { throw Refusal.twoCredentials }
        let id = credential.id.uuid
        try Audit.record("credential.make", target: id, park: park, after: credential, app, at: now, in: tx)
        return NewSystemCredential(credential: credential, token: token.text)
    }

    /// Ends a credential: no request begins with it later than a second after.
    static func end(
        _ id: ID,
        at park: Park.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        guard try await tx.run(SystemCredentialSQL.end(id, at: park, now: now)) == 1 else { throw Refusal.notFound }
        try Audit.record("credential.end", target: id.uuid, park: park, app, at: now, in: tx)
    }

    /// Writes when the credential came last, at most once a minute.
    func touch(_ app: AppEnvironment) async throws {
        let now = app.now()
        guard lastUsedAt.map({ now.timeIntervalSince($0) >= 60 }) ?? true else { return }
        try await app.database.transaction(as: Principal.system(self).setting) { tx in
            try await tx.run(SystemCredentialSQL.touch(id, at: now))
        }
    }
}
