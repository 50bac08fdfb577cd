import GuestModels
import Postgres

/// The routes of shares: what each household owes of a booking.
enum ShareRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listShares": list, "splitBooking": split, "previewSplit": preview, "agreeToShare": agree,
        "showStatement": statement,
    ]

    private static func statement(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.bookingStatement)
        return try await call.write { try .json(await BookingMoney.show(id, $0)) }
    }

    private static func list(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.bookingShares)
        return try await call.write { act in
            try answer(await Booking.shares(of: id, act))
        }
    }

    private static func split(_ call: Call) async throws -> Answer {
        let rule = try call.body(SplitRule.self)
        let id = try call.path(Paths.bookingShares)
        return try await call.write { act in
            try answer(await Booking.split(id, by: rule, act))
        }
    }

    private static func preview(_ call: Call) async throws -> Answer {
        let rule = try call.body(SplitRule.self)
        let id = try call.path(Paths.bookingSharesPreview)
        return try await call.write { act in
            try .json(
                Page(items: await Booking.previewSplit(id, by: rule, act), next: nil)
            )
        }
    }

    private static func agree(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.shareAgreement)
        let version = try call.expectedVersion()
        return try await call.write { act in
            try answer(
                await Booking.agree(to: id, expecting: version, act)
            )
        }
    }

    private static func answer(_ shares: [ShareView]) throws -> Answer {
        try .json(Page(items: shares, next: nil))
    }
}
