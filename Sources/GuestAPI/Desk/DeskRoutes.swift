import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// What reception asks every day.
enum DeskRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listArrivals": arrivals, "listDepartures": departures, "searchBookings": search,
        "moveBooking": move, "createDeskGuest": createGuest, "searchGuests": searchGuests,
        "changeDeskGuest": changeGuest, "eraseDeskGuest": eraseGuest, "letGuestIn": letGuestIn, "walkIn": walkIn,
        "listChanges": changes,
    ]

    private static func arrivals(_ call: Call) async throws -> Answer {
        try await day(call, DeskSQL.arrivals)
    }

    private static func departures(_ call: Call) async throws -> Answer {
        try await day(call, DeskSQL.departures)
    }

    private typealias DayList = @Sendable (Park.ID, LocalDate, Booking.ID?, Int) -> Query<DeskSQL.DeskRow>

    private static func day(_ call: Call, _ list: DayList) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception, .host, .housekeeping], at: park) else { throw Refusal.notFound }
        var query = QueryReader(call)
        let date = query.date("date")
        let (cursor, limit) = paging(&query)
        try query.finish()
        let zone = try await call.read { try await $0.reader.first(ParkSQL.park(park)) }?.timeZone
        guard let zone else { throw Refusal.notFound }
        let clock = try ParkClock(stored: zone)
        let wanted = list(park, date ?? clock.date(at: call.now), cursor, limit + 1)
        var rows = try await call.read { try await $0.reader.all(wanted) }
        if !call.principal.has([.reception, .host], at: park) {
            for index in rows.indices { rows[index].open = nil }
        }
        return try page(rows, limit)
    }

    private static func search(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception, .host], at: park) else { throw Refusal.notFound }
        var query = QueryReader(call)
        let text = query.text("q", length: 1...100)
        let (cursor, limit) = paging(&query)
        query.require(text != nil, "q", "is missing")
        try query.finish()
        return try page(
            await call.read {
                try await $0.reader.all(DeskSQL.search(park, text ?? "", after: cursor, limit: limit + 1))
            },
            limit
        )
    }

    private static func move(_ call: Call) async throws -> Answer {
        let request = try call.body(MoveRequest.self)
        let version = try call.expectedVersion()
        return try await BookingRoutes.change(call) { id, act in
            try await Booking.move(id, request, expecting: version, act)
        }
    }

    private static func walkIn(_ call: Call) async throws -> Answer {
        let request = try call.body(WalkInRequest.self)
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception], at: park) else { throw Refusal.notFound }
        return try await call.write { act in
            let booking = try await Booking.walkIn(request, at: park, by: call.principal, act)
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
        guard let park, call.principal.has([.finance], or: .feed, at: park) else { throw Refusal.notFound }
        let page = try await call.read { try await ChangesFeed.show(park, since: since, limit: limit, $0) }
        return .json(page)
    }

    private static func createGuest(_ call: Call) async throws -> Answer {
        let request = try call.body(DeskGuestRequest.self)
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception], at: park) else { throw Refusal.notFound }
        return try await call.write { act in
            try .json(await DeskGuests.create(request, at: park, act), .created)
        }
    }

    private static func changeGuest(_ call: Call) async throws -> Answer {
        let request = try call.body(DeskGuestChange.self)
        let (park, guest) = try deskGuest(call)
        return try await call.write { act in
            try .json(await DeskGuests.change(guest, at: park, to: request, act))
        }
    }

    private static func eraseGuest(_ call: Call) async throws -> Answer {
        let request = try call.body(DeskGuestErasure.self)
        let (park, guest) = try deskGuest(call)
        return try await call.write { act in
            let remains = try await DeskGuests.erase(guest, at: park, because: request.reason, act)
            return try remains.isEmpty ? .noContent : .json(Page(items: remains, next: nil))
        }
    }

    private static func letGuestIn(_ call: Call) async throws -> Answer {
        let request = call.bytes.isEmpty ? LetInRequest() : try call.body(LetInRequest.self)
        let (park, guest) = try deskGuest(call)
        return try await call.write { act in
            try .json(
                await SignInLink.letIn(guest, at: park, because: request.reason, act),
                .created
            )
        }
    }

    /// The park and the guest in the path, for reception of that park.
    private static func deskGuest(_ call: Call) throws(Refusal) -> (Park.ID, Guest.ID) {
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception], at: park) else { throw .notFound }
        return (park, try call.id("guest"))
    }

    private static func searchGuests(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception], at: park) else { throw Refusal.notFound }
        var query = QueryReader(call)
        let text = query.text("q", length: 1...100)
        let cursor = query.optional("cursor", as: Guest.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        query.require(text != nil, "q", "is missing")
        try query.finish()
        let guests = IdentitySQL.searchGuests(text ?? "", at: park, after: cursor, limit: limit + 1)
        let rows = try await call.read { try await $0.reader.all(guests) }
        let items = Array(rows.prefix(limit))
        return try .json(Page(items: items, next: rows.count > limit ? items.last?.id.description : nil))
    }

    private static func paging(_ query: inout QueryReader) -> (Booking.ID?, Int) {
        (
            query.optional("cursor", as: Booking.ID.self, "must be a cursor of this list"),
            query.int("limit", 1...500, default: 100)
        )
    }

    private static func page(_ rows: [DeskSQL.DeskRow], _ limit: Int) throws -> Answer {
        let items = Array(rows.prefix(limit))
        return try .json(Page(items: items, next: rows.count > limit ? items.last?.id.description : nil))
    }
}
