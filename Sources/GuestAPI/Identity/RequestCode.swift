import Foundation
import GuestModels
import Postgres

extension CodeRequest {
    /// The time in which a sign-in code can be used: ten minutes.
    static let lifetime: TimeInterval = 600

    /// Starts a sign-in and queues the mail with the code.
    ///
    /// The answer is the same for a known and an unknown address; an unknown staff address gets no mail.
    ///
    /// Throws `tooManyCodes` for a device that has asked ten times within the hour. When strangers have asked often,
    /// they get the answer but no mail and no row. Known devices are served as usual, so no stranger can lock somebody
    /// out.
    static func request(_ request: CodeRequest, language: Language, _ act: Act) async throws -> CodeSent {
        let email = request.email.lowercased()
        let deviceHash = Token(request.deviceSecret).hash
        let audience = request.audience ?? .guest
        // Only one request per address runs at a time, so that none misses the row of another.
        _ = try await act.tx.first(SignInSQL.lock(address: email))
        let (pressures, staff) = try await act.tx.all(
            SignInSQL.pressure(on: email, deviceHash: deviceHash, now: act.now),
            IdentitySQL.staffID(email: email)
        )
        let pressure = pressures.first
        guard (pressure?.codesByDevice ?? 0) < 10 else { throw Refusal.tooManyCodes }
        let id: AttemptID = act.id()
        let expiresAt = act.now.addingTimeInterval(lifetime)
        guard pressure?.isKnownDevice ?? false || (pressure?.codesByStrangers ?? 0) < 20 else {
            return CodeSent(attemptId: id, expiresAt: expiresAt)
        }
        try await act.tx.run(
            SignInSQL.insertAttempt(
                id,
                audience,
                email: email,
                deviceHash: deviceHash,
                at: act.now,
                expiresAt: expiresAt
            )
        )
        if audience == .guest || !staff.isEmpty {
            let mail = Mail(to: email, language: request.language ?? language, letter: .code(attempt: id))
            try Job.enqueue(mail, key: id.description, at: act.now, act)
        }
        return CodeSent(attemptId: id, expiresAt: expiresAt)
    }

    /// The code that a mail brings.
    static func code(of attempt: AttemptID, _ secret: ServerSecret) -> String {
        SignInCode.newest("code", attempt.description, secret)
    }

    /// Whether a text is the code that was mailed for an attempt.
    static func isCode(_ text: String, of attempt: AttemptID, _ secret: ServerSecret) -> Bool {
        SignInCode.isAny(text, "code", attempt.description, secret)
    }
}
