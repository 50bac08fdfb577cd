import GuestModels

/// The routes of a cottage's guest book, as a booking that has the cottage sees it.
enum GuestBookRoutes {
    static let handlers: [String: RouteTable.Handler] = ["listGuestBook": list, "writeInGuestBook": write]

    private static func list(_ call: Call) async throws -> Answer {
        let (booking, cottage) = try call.path(Paths.bookingCottageGuestBook)
        let entries = try await call.read { try await GuestBookEntry.list(in: cottage, of: booking, $0) }
        return try .json(Page(items: entries, next: nil))
    }

    private static func write(_ call: Call) async throws -> Answer {
        let request = try call.body(GuestBookRequest.self)
        let (booking, cottage) = try call.path(Paths.bookingCottageGuestBook)
        return try await call.write { act in
            _ = try await GuestBookEntry.write(request, in: cottage, of: booking, saidAt: call.now, act)
            return .noContent
        }
    }
}
