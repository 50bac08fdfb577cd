import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes of arrival: from the weeks before arrival to the cottage's door, and out again.
enum ArrivalRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "setArrivalTime": setArrivalTime, "settleCottage": settle, "enterRegister": enterRegister,
        "showRegister": showRegister, "checkIn": checkIn, "checkOut": checkOut, "noShow": noShow,
        "undoMistake": undo,
        "showAccess": showAccess, "setAccess": setAccess, "setReadiness": setReadiness,
        "listReadiness": listReadiness, "createCalendar": createCalendar, "showCalendar": showCalendar,
    ]

    private static func setArrivalTime(_ call: Call) async throws -> Answer {
        let request = try call.body(ArrivalTimeRequest.self)
        return try await BookingRoutes.change(call, Paths.bookingArrival) { id, act in
            try await Booking.setArrivalTime(request, of: id, act)
        }
    }

    private static func settle(_ call: Call) async throws -> Answer {
        let households = try call.body(HouseholdsRequest.self).householdIds
        let (id, cottage) = try call.path(Paths.bookingCottageHouseholds)
        return try await call.write { act in
            try await Booking.assignHouseholds(households, in: cottage, of: id, act)
            return .noContent
        }
    }

    private static func enterRegister(_ call: Call) async throws -> Answer {
        let entry = try call.body(RegisterEntry.self)
        let (id, traveller) = try call.path(Paths.bookingRegister)
        return try await call.write { act in
            try await entry.enter(traveller, of: id, act)
            return .noContent
        }
    }

    private static func showRegister(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminBookingRegister)
        return try await call.write { act in
            let entries = try await RegisterEntry.show(of: id, act)
            return try .json(Page(items: entries, next: nil))
        }
    }

    private static func checkIn(_ call: Call) async throws -> Answer {
        let household = try household(of: call)
        return try await BookingRoutes.change(call, Paths.bookingCheckIn) { id, act in
            try await Booking.checkIn(id, of: household, act)
        }
    }

    private static func checkOut(_ call: Call) async throws -> Answer {
        let household = try household(of: call)
        return try await BookingRoutes.change(call, Paths.bookingCheckOut) { id, act in
            try await Booking.checkOut(id, of: household, act)
        }
    }

    /// The household in the body; the body may be missing.
    private static func household(of call: Call) throws -> Household.ID? {
        try call.bytes.isEmpty ? nil : call.body(StayRequest.self).householdId
    }

    private static func noShow(_ call: Call) async throws -> Answer {
        let request = try call.body(NoShowRequest.self)
        guard let reason = request.reason else { throw Refusal.reasonNeeded.at("/reason") }
        return try await BookingRoutes.change(call, Paths.adminBookingNoShow) { id, act in
            try await Booking.noShow(id, of: request.householdId, reason: reason, act)
        }
    }

    private static func undo(_ call: Call) async throws -> Answer {
        let request = try call.body(MistakeRequest.self)
        return try await BookingRoutes.change(call, Paths.bookingUndo) { id, act in
            try await Booking.undo(request, on: id, act)
        }
    }

    private static func showAccess(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.bookingAccess)
        return try await call.write { act in
            let shown = try await CottageAccess.show(of: id, act)
            return try .json(Page(items: shown, next: nil))
        }
    }

    private static func setAccess(_ call: Call) async throws -> Answer {
        let access = try call.body(CottageAccess.self)
        let cottage = try call.path(Paths.adminCottageAccess)
        return try await call.write { act in
            try await access.set(for: cottage, act)
            return .noContent
        }
    }

    private static func setReadiness(_ call: Call) async throws -> Answer {
        let request = try call.body(ReadinessRequest.self)
        let cottage = try call.path(Paths.adminCottageReadiness)
        return try await call.write { act in
            try await Cottage.setReadiness(cottage, request, act)
            return .noContent
        }
    }

    private static func listReadiness(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkReadiness)
        let date = try QueryReader.date(of: call)
        let rows = try await call.read { try await Cottage.readiness(at: park, on: date, $0) }
        return try .json(Page(items: rows, next: nil))
    }

    private struct CalendarAddress: Encodable, Sendable {
        let url: String
    }

    private static func createCalendar(_ call: Call) async throws -> Answer {
        let group = try call.path(Paths.groupCalendar)
        let token = try await call.read { try await GroupCalendar.token(of: group, $0) }
        return try .json(CalendarAddress(url: call.app.settings.publicURL + Paths.calendar(token)), .created)
    }

    private static func showCalendar(_ call: Call) async throws -> Answer {
        let token = try call.path(Paths.calendar)
        let text = try await call.read { try await GroupCalendar.show(token, $0) }
        let type = HTTPField(name: .contentType, value: "text/calendar; charset=utf-8")
        return Answer(status: .ok, headers: [type], body: Array(text.utf8))
    }
}
