import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes of reception's daily work, such as arrivals, searches, walk-ins and accounts of guests.
enum DeskRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listArrivals": arrivals, "listDepartures": departures, "searchBookings": search,
        "moveBooking": move, "createDeskGuest": createGuest, "searchGuests": searchGuests,
        "changeDeskGuest": changeGuest, "eraseDeskGuest": eraseGuest, "letGuestIn": letGuestIn, "walkIn": walkIn,
        "listChanges": changes,
    ]

    private static func arrivals(_ call: Call) async throws -> Answer {
        try await list(.arrivals, Paths.adminParkArrivals, call)
    }

    private static func departures(_ call: Call) async throws -> Answer {
        try await list(.departures, Paths.adminParkDepartures, call)
    }

    private static func list(
        _ list: DeskSearch.DayList,
        _ path: Path<Park.ID>,
        _ call: Call
    ) async throws -> Answer {
        let park = try call.path(path)
        var query = QueryReader(call)
        let date = query.date("date")
        let (cursor, limit) = paging(&query)
        try query.finish()
        let page = try await call.read {
            try await DeskSearch.list(list, at: park, on: date, after: cursor, limit: limit, $0)
        }
        return try .json(page)
    }

    private static func search(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkBookings)
        var query = QueryReader(call)
        let text = query.text("q", length: 1...100)
        let (cursor, limit) = paging(&query)
        query.require(text != nil, "q", "is missing")
        try query.finish()
        let page = try await call.read {
            try await DeskSearch.bookings(text ?? "", at: park, after: cursor, limit: limit, $0)
        }
        return try .json(page)
    }

    private static func move(_ call: Call) async throws -> Answer {
        let request = try call.body(MoveRequest.self)
        let version = try call.expectedVersion()
        return try await BookingRoutes.change(call, Paths.adminBookingMove) { id, act in
            try await Booking.move(id, request, expecting: version, act)
        }
    }

    private static func walkIn(_ call: Call) async throws -> Answer {
        let request = try call.body(WalkInRequest.self)
        let park = try call.path(Paths.adminParkWalkIns)
        return try await call.write { act in
            let booking = try await Booking.walkIn(request, at: park, act)
            return try .json(booking, .created, version: booking.version)
        }
    }

    private static func changes(_ call: Call) async throws -> Answer {
        var query = QueryReader(call)
        let park = query.optional("park", as: Park.ID.self, "must be the id of a park")
        let since = query.int("since", 0...9_007_199_254_740_991, default: 0)
        let limit = query.int("limit", 1...1000, default: 500)
        query.require(call.query["park"] != nil, "park", "is missing")
        try query.finish()
        guard let park else { throw Refusal.notFound }
        let page = try await call.read { try await ChangesFeed.show(park, since: since, limit: limit, $0) }
        return .json(page)
    }

    private static func createGuest(_ call: Call) async throws -> Answer {
        let request = try call.body(DeskGuestRequest.self)
        let park = try call.path(Paths.adminParkGuests)
        return try await call.write { act in
            try .json(await DeskGuests.create(request, at: park, act), .created)
        }
    }

    private static func changeGuest(_ call: Call) async throws -> Answer {
        let request = try call.body(DeskGuestChange.self)
        let (park, guest) = try call.path(Paths.adminParkGuest)
        return try await call.write { act in
            try .json(await DeskGuests.change(guest, at: park, to: request, act))
        }
    }

    private static func eraseGuest(_ call: Call) async throws -> Answer {
        let request = try call.body(DeskGuestErasure.self)
        let (park, guest) = try call.path(Paths.adminParkGuestErasure)
        return try await call.write { act in
            let remains = try await DeskGuests.erase(guest, at: park, because: request.reason, act)
            return try remains.isEmpty ? .noContent : .json(Page(items: remains, next: nil))
        }
    }

    private static func letGuestIn(_ call: Call) async throws -> Answer {
        let request = call.bytes.isEmpty ? LetInRequest() : try call.body(LetInRequest.self)
        let (park, guest) = try call.path(Paths.adminParkGuestSignInLink)
        return try await call.write { act in
            try .json(
                await SignInLink.letIn(guest, at: park, because: request.reason, act),
                .created
            )
        }
    }

    private static func searchGuests(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkGuests)
        var query = QueryReader(call)
        let text = query.text("q", length: 1...100)
        let cursor = query.optional("cursor", as: Guest.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        query.require(text != nil, "q", "is missing")
        try query.finish()
        let page = try await call.read {
            try await DeskSearch.guests(text ?? "", at: park, after: cursor, limit: limit, $0)
        }
        return try .json(page)
    }

    private static func paging(_ query: inout QueryReader) -> (Booking.ID?, Int) {
        (
            query.optional("cursor", as: Booking.ID.self, "must be a cursor of this list"),
            query.int("limit", 1...500, default: 100)
        )
    }
}
