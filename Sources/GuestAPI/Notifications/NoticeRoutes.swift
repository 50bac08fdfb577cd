import GuestModels
import Postgres

/// The routes of push tokens, and of the notices that a guest wants.
enum NoticeRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "registerPushToken": register, "forgetPushToken": forget, "showNotices": show, "changeNotices": change,
    ]

    private static func register(_ call: Call) async throws -> Answer {
        let token = try call.body(PushToken.self)
        guard let session = call.session else { throw Refusal.signInNeeded }
        return try await call.write { act in
            try await token.register(for: session, act)
            return .noContent
        }
    }

    private static func forget(_ call: Call) async throws -> Answer {
        guard let session = call.session else { throw Refusal.signInNeeded }
        return try await call.write { act in
            try await PushToken.forget(of: session, act)
            return .noContent
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        try .json(await call.read { try await NoticePreferences.show($0) })
    }

    private static func change(_ call: Call) async throws -> Answer {
        let preferences = try call.body(NoticePreferences.self)
        return try await call.write { act in
            try await preferences.set(act)
            return try .json(preferences)
        }
    }
}
