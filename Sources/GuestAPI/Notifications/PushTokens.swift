import GuestModels
import Postgres

extension PushToken {
    /// Registers this token, so that notices for a session go to its phone.
    func register(for session: Session.ID, _ act: Act) async throws {
        try await act.tx.run(
            NoticeSQL.register(self, for: session, at: act.now),
            refusing: ["push_token_of_one": .tokenBusy]
        )
    }

    static func forget(of session: Session.ID, _ act: Act) async throws {
        try await act.tx.run(NoticeSQL.forgetToken(of: session))
    }
}

extension NoticePreferences {
    /// The guest's preferences; nothing is muted unless the guest has said so.
    static func show(_ look: Look) async throws -> NoticePreferences {
        let guest = try look.principal.guest()
        return try await look.reader.first(NoticeSQL.preferences(of: guest)) ?? NoticePreferences(muted: [])
    }

    func set(_ act: Act) async throws {
        try await act.tx.run(NoticeSQL.set(self, of: act.principal.guest()))
    }
}
