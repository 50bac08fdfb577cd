import Foundation
import GuestModels
import Postgres

extension CodeRequest {
    /// Ten minutes.
    static let lifetime: TimeInterval = 600

    /// Starts a sign-in and queues the mail with the code.
    ///
    /// The answer is the same for an address we know and one we do not; a staff address that is unknown gets
    /// no mail.
    ///
    /// Throws `tooManyCodes` for a device that has asked ten times within the hour. When strangers have
    /// asked often, they get an answer and nothing else, neither a mail nor a row; devices that were signed in before are
    /// served as ever: nobody can lock somebody else out.
    static func request(
        _ request: CodeRequest,
        language: Language,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> CodeSent {
        let email = request.email.lowercased()
        let deviceHash = Token(request.deviceSecret).hash
        let audience = request.audience ?? .guest
        let (pressures, staff) = try await tx.all(
            IdentitySQL.pressure(on: email, deviceHash: deviceHash, now: now),
            IdentitySQL.staffID(email: email)
        )
        let pressure = pressures.first
        guard (pressure?.codesByDevice ?? 0) < 10 else { throw Refusal.tooManyCodes }
        let id: AttemptID = app.ids.next(at: now)
        let expiresAt = now.addingTimeInterval(lifetime)
        guard pressure?.isKnownDevice ?? false || (pressure?.codesByStrangers ?? 0) < 20 else {
            return CodeSent(attemptId: id, expiresAt: expiresAt)
        }
        try await tx.run(
            IdentitySQL.insertAttempt(id, audience, email: email, deviceHash: deviceHash, at: now, expiresAt: expiresAt)
        )
        if audience == .guest || !staff.isEmpty {
            let mail = Mail(to: email, language: request.language ?? language, letter: .code(attempt: id))
            try Job.enqueue(mail, key: id.description, at: now, app, in: tx)
        }
        return CodeSent(attemptId: id, expiresAt: expiresAt)
    }

    /// Eight digits, derived: nothing that is stored, in a table or in a queue, reveals them.
    static func code(of attempt: AttemptID, _ secret: ServerSecret) -> String {
        code(from: secret.digest("code", attempt.description))
    }

    /// Whether somebody was mailed that code, whichever key it was derived with.
    static func isCode(_ text: String, of attempt: AttemptID, _ secret: ServerSecret) -> Bool {
        let given = Token(text).hash
        func isAmongThem() -> Bool {
            secret.digests("code", attempt.description).contains { Token(code(from: $0)).hash == given }
        }
        return isAmongThem() || secret.lookAgain() && isAmongThem()
    }

    private static func code(from digest: Data) -> String {
        let number = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % 100_000_000
        let digits = String(number)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
