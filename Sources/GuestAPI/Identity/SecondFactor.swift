import Foundation
import GuestModels
import Postgres

/// A colleague's authenticator app.
enum SecondFactor {
    private static let maximumTries = 5
    private static let recoveryCodes = 10
    private static let recoveryLength = 10
    static let purpose = "factor"

    /// Begins to enrol an app; each call makes a new secret until a code confirms it.
    ///
    /// Throws `factorEnrolled` for a colleague who has an app.
    static func enrol(_ member: StaffMember, _ act: Act) async throws -> FactorEnrolment {
        var random = SystemRandomNumberGenerator()
        let password = OneTimePassword(secret: Data((0..<20).map { _ in UInt8.random(in: 0...255, using: &random) }))
        let sealed = try act.app.secret.seal(password.secret, for: purpose, context: member.id.description)
        guard try await act.tx.run(FactorSQL.begin(sealed, of: member.id)) == 1 else { throw Refusal.factorEnrolled }
        let label = member.email.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return FactorEnrolment(
            secret: password.base32,
            url: "otpauth://totp/Voorpret:\(label)?secret=\(password.base32)&issuer=Voorpret"
        )
    }

    /// Counts a colleague's try to prove the second factor.
    ///
    /// The count commits before the code is compared, so a failed try stays counted.
    static func countTry(by member: StaffMember.ID, _ act: Act) async throws {
        guard try await act.tx.first(FactorSQL.factor(of: member)) != nil else { throw Refusal.factorMissing }
        let window = act.now.addingTimeInterval(-Credentials.freshness)
        guard
            try await act.tx.run(FactorSQL.countTry(by: member, atMost: maximumTries, since: window, at: act.now)) == 1
        else {
            throw Refusal.tooManyFactorTries
        }
    }

    /// Ends the enrolment with the first code of the app.
    ///
    /// - Returns: codes for the day on which the app is lost.
    static func confirm(
        _ proof: FactorProof,
        by member: StaffMember,
        in session: Session.ID,
        _ act: Act
    ) async throws -> RecoveryCodes {
        guard let factor = try await act.tx.first(FactorSQL.factor(of: member.id, locked: true)) else {
            throw Refusal.factorMissing
        }
        guard !factor.isConfirmed else { throw Refusal.factorEnrolled }
        let step = try step(of: proof.plain, factor, member.id, act.app, at: act.now)
        try await act.tx.run([
            FactorSQL.confirm(of: member.id, step: step, at: act.now), FactorSQL.prove(in: session, at: act.now),
        ])
        try Audit.record("staff.enrolFactor", target: member.id.uuid, act)
        return try await makeCodes(of: member.id, act)
    }

    /// Takes a code of the app or a recovery code; the device then counts as proved.
    ///
    /// Throws `factorCodeUsed` for a code that was taken before, and `factorCodeWrong` for every other text.
    static func prove(_ proof: FactorProof, by member: StaffMember, in session: Session.ID, _ act: Act) async throws {
        guard let factor = try await act.tx.first(FactorSQL.factor(of: member.id, locked: true)), factor.isConfirmed
        else {
            throw Refusal.factorMissing
        }
        if proof.plain.utf8.count == 6 {
            let step = try step(of: proof.plain, factor, member.id, act.app, at: act.now)
            try await act.tx.run(FactorSQL.use(step, of: member.id))
        } else {
            guard try await act.tx.run(FactorSQL.use(Token(proof.plain).hash, of: member.id, at: act.now)) == 1 else {
                throw Refusal.factorCodeWrong
            }
            try Audit.record("staff.useRecoveryCode", target: member.id.uuid, act)
        }
        try await act.tx.run(FactorSQL.prove(in: session, at: act.now))
    }

    /// Replaces a colleague's recovery codes with new ones.
    ///
    /// Throws `factorMissing` for a colleague who has no app.
    static func renewCodes(of member: StaffMember.ID, _ act: Act) async throws -> RecoveryCodes {
        guard try await act.tx.first(FactorSQL.factor(of: member, locked: true))?.isConfirmed == true else {
            throw Refusal.factorMissing
        }
        return try await makeCodes(of: member, act)
    }

    /// Takes back a counted try, because a right code that comes twice is no guess.
    static func forgetTry(by member: StaffMember.ID, _ act: Act) async throws {
        try await act.tx.run(FactorSQL.forgetTry(by: member))
    }

    private static func makeCodes(of member: StaffMember.ID, _ act: Act) async throws -> RecoveryCodes {
        let codes = (0..<recoveryCodes).map { _ in ReadableCode.random(recoveryLength) }
        try await act.tx.run(FactorSQL.replaceCodes(of: member, with: codes.map { Token($0).hash }))
        return RecoveryCodes(codes: codes.map { "\($0.prefix(5))-\($0.suffix(5))" })
    }

    /// Removes a colleague's app and signs out all their devices; they enrol a new app at the next sign-in.
    static func remove(of member: StaffMember.ID, _ act: Act) async throws {
        guard try await act.tx.first(StaffSQL.member(member)) != nil else { throw Refusal.notFound }
        try await act.tx.run([FactorSQL.delete(of: member), FactorSQL.revokeSessions(of: member, at: act.now)])
        try Audit.record("staff.renewFactor", target: member.uuid, act)
    }

    /// The time step of a code: the present, the previous or the next one, because clocks may be half a minute off.
    private static func step(
        of code: String,
        _ factor: FactorSQL.Factor,
        _ member: StaffMember.ID,
        _ app: AppEnvironment,
        at now: Date
    ) throws -> Int64 {
        let secret = try app.secret.open(factor.sealed, for: purpose, context: member.description)
        let (password, current) = (OneTimePassword(secret: secret), OneTimePassword.step(at: now))
        let matching = [current, current - 1, current + 1].first {
            Token(password.code(at: $0)).hash == Token(code).hash
        }
        guard let matching else { throw Refusal.factorCodeWrong }
        guard matching > factor.lastStep else { throw Refusal.factorCodeUsed }
        return matching
    }
}

extension FactorProof {
    fileprivate var plain: String { ReadableCode.plain(code) }
}
