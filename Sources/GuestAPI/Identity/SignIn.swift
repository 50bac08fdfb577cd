import Crypto
import Foundation
import GuestModels
import Postgres
import SyncMessages

/// Tokens of a device: how they are made, exchanged and taken away.
enum SignIn {
    static let accessLifetime: TimeInterval = 15 * 60
    static let refreshLifetime: TimeInterval = 90 * 86400
    /// The number of strangers' codes that are compared for one mail address within a day.
    static let maximumFailures = 20
    /// The lifetime of a colleague's session: eight hours, so that staff sign in every working day.
    static let staffLifetime: TimeInterval = 8 * 3600

    /// Counts a try to sign in with a code.
    ///
    /// The count commits before the code is compared, so a failed try stays counted. Throws `codeWrong` when this
    /// device has no such attempt, or no try left.
    ///
    /// - Returns: true for a device that is held off, because strangers have often guessed codes of the mail address.
    ///   Its code is then not compared.
    static func countTry(_ request: SignInRequest, _ act: Act) async throws -> Bool {
        let deviceHash = Token(request.deviceSecret).hash
        let emails = try await act.tx.all(SignInSQL.countTry(request.attemptId, deviceHash: deviceHash, now: act.now))
        guard let email = emails.first else { throw Refusal.codeWrong }
        // Only one try per address runs at a time, so that none misses the try of another.
        _ = try await act.tx.first(SignInSQL.lock(address: email))
        let pressure = try await act.tx.first(SignInSQL.pressure(on: email, deviceHash: deviceHash, now: act.now))
        guard let pressure else { throw Refusal.codeWrong }
        guard !pressure.isKnownDevice, pressure.failuresByStrangers > maximumFailures else { return false }
        try await SecurityNotice.codesGuessed.send(to: email, act)
        return true
    }

    /// Exchanges the right code for tokens, making the guest's account at the first time.
    ///
    /// A device that lost the answer may repeat the request: it gets the same tokens while the code is valid and it has
    /// not refreshed them.
    static func signIn(_ request: SignInRequest, language: Language, _ act: Act) async throws -> Tokens {
        let deviceHash = Token(request.deviceSecret).hash
        // A link may have given the attempt to another device in between.
        guard let attempt = try await act.tx.first(SignInSQL.attempt(request.attemptId, locked: true)),
            attempt.deviceHash == deviceHash, CodeRequest.isCode(request.code, of: attempt.id, act.app.secret)
        else { throw Refusal.codeWrong }
        if attempt.usedAt != nil {
            guard let tokens = try await repeated(attempt, act) else { throw Refusal.codeWrong }
            return tokens
        }
        try await act.tx.run(SignInSQL.useAttempt(attempt.id, by: deviceHash, at: act.now))
        let device = Device(name: request.deviceName ?? "", hash: deviceHash)
        guard let tokens = try await admit(attempt, device, language: language, act) else {
            throw Refusal.codeWrong
        }
        return tokens
    }

    /// A device that signs in.
    struct Device: Sendable {
        let name: String
        let hash: Data
    }

    private static let purpose = "sign-in"

    /// Signs in the device that an attempt has proved right for, and makes the guest's account at the first sign-in.
    ///
    /// - Returns: nil if the mail address belongs to no colleague any more.
    static func admit(
        _ attempt: SignInSQL.Attempt,
        _ device: Device,
        language: Language,
        _ act: Act
    ) async throws -> Tokens? {
        let owner: Session.Owner?
        switch attempt.person {
        case .guest(let email):
            let fresh: Guest.ID = act.id()
            try await act.tx.run(
                IdentitySQL.insertGuest(fresh, email: email, name: "", language: language, at: act.now)
            )
            let guest = try await act.tx.first(IdentitySQL.guestID(email: email))
            if let guest { act.tx.publish(guest, .guest, to: .guest(guest)) }
            owner = guest.map { .guest($0) }
        case .staff(let email):
            owner = try await act.tx.first(IdentitySQL.staffID(email: email)).map { .staff($0) }
        case .deskGuest(let guest):
            act.tx.later([DeskGuestSQL.claim(guest, at: act.now)])
            owner = .guest(guest)
        }
        guard let owner else { return nil }
        if let email = attempt.person.email { act.tx.later([SignInSQL.know(device.hash, of: email, at: act.now)]) }
        return try await open(
            Session.ID(attempt.id.uuid),
            of: owner,
            refresh: Token(derivedFrom: act.app.secret.digest(purpose, attempt.id.description)),
            deviceName: device.name,
            deviceHash: device.hash,
            act
        )
    }

    /// The tokens that an attempt was exchanged for; nil once its device has used them.
    static func repeated(_ attempt: SignInSQL.Attempt, _ act: Act) async throws -> Tokens? {
        try await repeated(purpose, attempt.id.description, act)
    }

    /// Writes a session with its first tokens.
    static func open(
        _ session: Session.ID,
        of owner: Session.Owner,
        refresh: Token,
        deviceName: String,
        deviceHash: Data,
        _ act: Act
    ) async throws -> Tokens {
        var lifetime: TimeInterval = 3650 * 86400
        if case .staff = owner { lifetime = staffLifetime }
        let endsAt = act.now.addingTimeInterval(lifetime)
        try await act.tx.run(
            IdentitySQL.insertSession(
                session,
                of: owner,
                deviceName: deviceName,
                deviceHash: deviceHash,
                at: act.now,
                endsAt: endsAt
            )
        )
        return try await issue(refresh, session: session, endsAt: endsAt, act)
    }

    private static func issue(_ refresh: Token, session: Session.ID, endsAt: Date, _ act: Act) async throws -> Tokens {
        let access = Token(derivedFrom: act.app.secret.digest("access", refresh.text))
        let accessExpiresAt = min(act.now.addingTimeInterval(accessLifetime), endsAt)
        let refreshExpiresAt = min(act.now.addingTimeInterval(refreshLifetime), endsAt)
        try await act.tx.run([
            IdentitySQL.insertRefreshToken(refresh, session: session, expiresAt: refreshExpiresAt),
            IdentitySQL.insertAccessToken(access, session: session, expiresAt: accessExpiresAt),
            IdentitySQL.touchSession(session, at: act.now),
        ])
        return Tokens(accessToken: access.text, accessExpiresAt: accessExpiresAt, refreshToken: refresh.text)
    }

    /// The tokens that were issued with a refresh token derived from a text; nil once that refresh token has been used.
    ///
    /// The answered tokens are valid for as long as new ones. An unused token may be told again at any age and under
    /// any key, because no device has refreshed with it.
    static func repeated(_ purpose: String, _ text: String, _ act: Act) async throws -> Tokens? {
        repeat {
            for digest in act.app.secret.digests(purpose, text) {
                let refresh = Token(derivedFrom: digest)
                guard let row = try await act.tx.first(IdentitySQL.lockedRefreshToken(refresh)),
                    row.isUsable(at: act.now),
                    row.usedAt == nil
                else { continue }
                return try await issue(refresh, session: row.session, endsAt: row.endsAt, act)
            }
            // Another process may have derived it with a key that is new here.
        } while act.app.secret.lookAgain()
        return nil
    }

    enum Refreshed: Sendable {
        case tokens(Tokens)
        /// The refresh token had been used before, so somebody has copied it. The device's session is revoked.
        case reuse
    }

    /// Exchanges a refresh token for its successor (rotation: RFC 9700, 4.14.2).
    ///
    /// A device that lost the answer gets the same successor while the successor is unused. So a lost answer signs no
    /// device out, even after days without a network. Once the successor has been used, an older token that comes again
    /// is a copy.
    static func refresh(_ request: RefreshRequest, _ act: Act) async throws -> Refreshed {
        let token = Token(request.refreshToken)
        guard let row = try await act.tx.first(IdentitySQL.lockedRefreshToken(token)), row.isUsable(at: act.now),
            row.deviceHash == Token(request.deviceSecret).hash
        else { throw Refusal.signInNeeded }
        if row.usedAt != nil {
            if let tokens = try await repeated("refresh", token.text, act) { return .tokens(tokens) }
            try await act.tx.run(IdentitySQL.revoke(row.session, at: act.now))
            let email = try await act.tx.first(MailChangeSQL.mail(of: row.session))
            try await SecurityNotice.tokenCopied.send(to: email, act)
            return .reuse
        }
        try await act.tx.run(IdentitySQL.markUsed(token, at: act.now))
        let successor = Token(derivedFrom: act.app.secret.digest("refresh", token.text))
        return .tokens(try await issue(successor, session: row.session, endsAt: row.endsAt, act))
    }
}

extension SignIn {
    /// Whether the device was signed in before with the address that asks for a code.
    static func isKnown(_ request: CodeRequest, _ look: Look) async throws -> Bool {
        let query = SignInSQL.isKnown(Token(request.deviceSecret).hash, at: request.email.lowercased())
        return try await look.reader.first(query) == true
    }

    /// Whether the device was signed in before with the address that the code went to.
    static func isKnown(_ request: SignInRequest, _ look: Look) async throws -> Bool {
        let query = SignInSQL.isKnown(Token(request.deviceSecret).hash, for: request.attemptId)
        return try await look.reader.first(query) == true
    }

    /// Signs a device out.
    static func end(_ session: Session.ID, _ act: Act) async throws {
        try await act.tx.run(IdentitySQL.revoke(session, at: act.now))
    }
}
