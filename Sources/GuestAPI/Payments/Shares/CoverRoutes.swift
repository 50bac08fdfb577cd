import Foundation
import GuestModels
import Postgres

/// The routes for taking over a share and for answering for a booking.
enum CoverRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "reassignShare": reassign, "withdrawShare": withdraw, "endCover": endCover, "backBooking": back,
    ]

    private static func reassign(_ call: Call) async throws -> Answer {
        let request = try call.body(ReassignmentRequest.self)
        let share = try call.path(Paths.shareReassignment)
        return try await change(call) { act in
            try await Booking.reassign(share, to: request.householdId, act)
        }
    }

    private static func withdraw(_ call: Call) async throws -> Answer {
        let share = try call.path(Paths.shareWithdrawal)
        return try await change(call) { act in
            try await Booking.dropOut(share, act)
        }
    }

    private static func endCover(_ call: Call) async throws -> Answer {
        let share = try call.path(Paths.shareCover)
        return try await change(call) { act in
            try await Booking.endCover(of: share, act)
        }
    }

    private static func back(_ call: Call) async throws -> Answer {
        let booking = try call.path(Paths.bookingBacking)
        let version = try call.expectedVersion()
        return try await change(call) { act in
            try await Booking.back(booking, expecting: version, act)
        }
    }

    /// Runs a verb and answers the booking's shares after the change.
    private static func change(
        _ call: Call,
        _ verb: @Sendable @escaping (Act) async throws -> [ShareView]
    ) async throws -> Answer {
        try await call.write { act in try .json(Page(items: await verb(act), next: nil)) }
    }
}
