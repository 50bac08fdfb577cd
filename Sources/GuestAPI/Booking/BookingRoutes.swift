import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes for holding, confirming, changing and cancelling bookings.
enum BookingRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "placeBooking": place, "showBooking": show, "extendHold": extend, "confirmBooking": confirm,
        "cancelBooking": cancel, "quoteChange": quote, "changeBooking": apply, "agreePrice": agreePrice,
    ]

    private static func place(_ call: Call) async throws -> Answer {
        let request = try call.body(BookingRequest.self)
        return try await call.write { act in
            let booking = try await DeskGuests.place(request, by: call.actor, act)
            return try .json(await booking.shown(act), .created, version: booking.version)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.booking)
        guard let booking = try await call.read({ try await Booking.find(id, $0) }) else {
            throw Refusal.notFound
        }
        return try .json(booking, version: booking.version)
    }

    private static func extend(_ call: Call) async throws -> Answer {
        let request = try call.bytes.isEmpty ? ExtensionRequest() : call.body(ExtensionRequest.self)
        return try await change(call, Paths.bookingExtend) { id, act in
            try await Booking.extend(id, request, act)
        }
    }

    private static func confirm(_ call: Call) async throws -> Answer {
        let reason = try reason(of: call)
        return try await change(call, Paths.bookingConfirm) { id, act in
            try await Booking.confirm(id, reason: reason, act)
        }
    }

    private static func cancel(_ call: Call) async throws -> Answer {
        let request = try call.bytes.isEmpty ? CancellationRequest() : call.body(CancellationRequest.self)
        return try await change(call, Paths.bookingCancel) { id, act in
            try await Booking.cancel(id, request, act)
        }
    }

    private static func quote(_ call: Call) async throws -> Answer {
        let request = try call.body(BookingChange.self)
        let id = try call.path(Paths.bookingQuotes)
        return try await call.write { act in
            try .json(
                await Quote.make(request, for: id, act),
                .created
            )
        }
    }

    private static func apply(_ call: Call) async throws -> Answer {
        let request = try call.body(QuotedChange.self)
        let version = try call.expectedVersion()
        return try await change(call, Paths.bookingChanges) { id, act in
            try await Booking.change(id, by: request, expecting: version, act)
        }
    }

    private static func agreePrice(_ call: Call) async throws -> Answer {
        let request = try call.body(AgreedPriceRequest.self)
        let version = try call.expectedVersion()
        return try await change(call, Paths.adminBookingPrice) { id, act in
            try await Booking.agreePrice(id, request, expecting: version, act)
        }
    }

    /// The reason in the body; a guest need not give one, so the body may be missing.
    private static func reason(of call: Call) throws -> String? {
        try call.bytes.isEmpty ? nil : call.body(ReasonRequest.self).reason
    }

    /// Calls a verb that changes one booking, and answers with the booking.
    static func change(
        _ call: Call,
        _ path: Path<Booking.ID>,
        _ verb: @Sendable (Booking.ID, Act) async throws -> Booking
    ) async throws -> Answer {
        let id = try call.path(path)
        return try await call.write { act in
            let booking = try await verb(id, act)
            return try .json(await booking.shown(act), version: booking.version)
        }
    }
}
