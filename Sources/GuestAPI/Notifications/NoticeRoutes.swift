import GuestModels
import Postgres

/// Where a phone's notices go, and which of them its owner wants.
enum NoticeRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "registerPushToken": register, "forgetPushToken": forget, "showNotices": show, "changeNotices": change,
    ]

    private static func register(_ call: Call) async throws -> Answer {
        let token = try call.body(PushToken.self)
        guard let session = call.session else { throw Refusal.signInNeeded }
        return try await call.write { act in
            try await act.tx.run(
                NoticeSQL.register(token, for: session, at: call.now),
                refusing: ["push_token_of_one": .tokenBusy]
            )
            return .noContent
        }
    }

    private static func forget(_ call: Call) async throws -> Answer {
        guard let session = call.session else { throw Refusal.signInNeeded }
        return try await call.write { act in
            try await act.tx.run(NoticeSQL.forgetToken(of: session))
            return .noContent
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let guest = try call.guest()
        let preferences = try await call.read { try await $0.reader.first(NoticeSQL.preferences(of: guest)) }
        return try .json(preferences ?? NoticePreferences(muted: []))
    }

    private static func change(_ call: Call) async throws -> Answer {
        let preferences = try call.body(NoticePreferences.self)
        let guest = try call.guest()
        return try await call.write { act in
            try await act.tx.run(NoticeSQL.set(preferences, of: guest))
            return try .json(preferences)
        }
    }
}
