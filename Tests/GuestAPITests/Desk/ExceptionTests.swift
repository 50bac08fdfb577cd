import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

/// The desk books and changes stays outside the house rules for guests, and undoes mistakes.
@Suite struct ExceptionTests {
    struct Stage {
        let api: GuestAPITestService
        let world: Given.World
        let organiser: Given.Person
        let group: TravelGroup
        let reception: Given.Person

        func path(_ booking: Booking) -> String { "/v1/bookings/\(booking.id)" }

        func seen(_ booking: Booking) async throws -> Booking {
            try await api.get(path(booking), as: organiser).decode(Booking.self)
        }

        /// A firm stay in the first cottage.
        func firmStay(
            from arrival: String = "2027-05-14",
            to departure: String = "2027-05-17"
        ) async throws -> Booking {
            let booking = try await api.given.booking(
                of: group,
                by: organiser,
                in: world,
                from: arrival,
                to: departure
            )
            let path = "\(path(booking))/confirm"
            return try await api.post(path, ReasonRequest(reason: "regulars"), as: reception, key: UUID().uuidString)
                .decode(Booking.self)
        }

        func undo(
            _ what: MistakeRequest.What,
            on booking: Booking,
            as who: Given.Person
        ) async throws -> GuestAPITestService.Response {
            let reason = who.staff == nil ? nil : "the wrong line"
            let request = MistakeRequest(what, reason: reason)
            return try await api.post("\(path(booking))/undo", request, as: who, key: UUID().uuidString)
        }

        func change(
            _ booking: Booking,
            _ change: BookingChange,
            as who: Given.Person
        ) async throws -> GuestAPITestService.Response {
            let quoted = try await api.post("\(path(booking))/quotes", change, as: who)
            guard quoted.status == 201 else { return quoted }
            let quote = try quoted.decode(Quote.self)
            let reason = who.staff == nil ? nil : "asked for by telephone"
            return try await api.change(
                "POST",
                "\(path(booking))/changes",
                QuotedChange(quoteId: quote.id, reason: reason),
                as: who,
                match: quote.bookingVersion,
                key: UUID().uuidString
            )
        }

        func move(_ booking: Booking, to cottage: Cottage) async throws -> GuestAPITestService.Response {
            let own = try await seen(booking)
            return try await api.change(
                "POST",
                "/v1/admin/bookings/\(booking.id)/move",
                MoveRequest(from: own.cottages[0].id, to: cottage.id, reason: "The heating is broken."),
                as: reception,
                match: own.version,
                key: UUID().uuidString
            )
        }

        func begin(_ booking: Booking) async throws {
            let path = "\(path(booking))/check-in"
            #expect(try await api.post(path, as: reception, key: UUID().uuidString).status == 200)
        }

        /// Sets the clock to an instant of the park's wall clock, which is Amsterdam's.
        func wait(until text: String) throws { try api.wait(until: text, at: world.park) }

        func extra(_ request: ExtraRequest) async throws -> Extra {
            let office = try await api.given.headOffice()
            return try await api.post("/v1/admin/parks/\(world.park.id)/extras", request, as: office)
                .decode(Extra.self)
        }

        func order(
            _ request: ExtraOrderRequest,
            for booking: Booking
        ) async throws -> GuestAPITestService.Response {
            try await api.post("\(path(booking))/extras", request, as: organiser, key: UUID().uuidString)
        }

        /// Sends a request in the guest's name, as reception does.
        func onBehalf(_ path: String, _ body: some Encodable) async throws -> GuestAPITestService.Response {
            try await api.send(
                "POST",
                path,
                raw: Data(try ResponseEncoder.encode(body)),
                as: reception,
                key: UUID().uuidString,
                headers: ["On-Behalf-Of": "\(organiser.id())"]
            )
        }
    }

    func stage(
        _ api: GuestAPITestService,
        _ rules: HouseRules = Given.rules,
        cottages: Int = 3
    ) async throws -> Stage {
        let world = try await api.given.park(cottages: cottages, rules: rules)
        let organiser = try await api.given.guest()
        return Stage(
            api: api,
            world: world,
            organiser: organiser,
            group: try await api.given.group(of: organiser),
            reception: try await api.given.staff([.reception], at: world.park.id)
        )
    }

    static let lateCheckOut = ExtraRequest(
        code: "late",
        names: ["en": "Late check-out"],
        isDaily: false,
        price: 2500,
        stock: 5,
        checkOutBy: LocalTime("14:00")
    )

    // MARK: Undoing

    @Test func `Undoing a no-show restores cottage and price`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.touristTax = .init(personNight: 210, fromAge: 0)
            let stage = try await stage(api, rules)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-15 10:00")
            let path = "/v1/admin/bookings/\(booking.id)/no-show"
            let reason = ReasonRequest(reason: "nobody came")
            let gone = try await api.post(path, reason, as: stage.reception, key: "no").decode(Booking.self)
            #expect(gone.total.amount == booking.total.amount - 3 * 210)
            #expect(try await stage.undo(.noShow, on: booking, as: stage.organiser).code == "forbidden")
            let back = try await stage.undo(.noShow, on: booking, as: stage.reception).decode(Booking.self)
            #expect(back.state == .confirmed)
            #expect(back.total == booking.total)
            try await stage.begin(booking)
            #expect(try await stage.undo(.noShow, on: booking, as: stage.reception).code == "too_late_to_undo")
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    @Test func `A no-show cannot be undone once its cottage is let again`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-15 10:00")
            let path = "/v1/admin/bookings/\(booking.id)/no-show"
            _ = try await api.post(path, ReasonRequest(reason: "nobody"), as: stage.reception, key: "no")
            _ = try await stage.firmStay(from: "2027-05-15", to: "2027-05-16")
            #expect(try await stage.undo(.noShow, on: booking, as: stage.reception).code == "cottage_taken")
            #expect(try await stage.seen(booking).state == .noShow)
        }
    }

    @Test func `A no-show cannot be undone after the park's undo hours`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.undoHours = 2
            let stage = try await stage(api, rules)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-15 10:00")
            let path = "/v1/admin/bookings/\(booking.id)/no-show"
            _ = try await api.post(path, ReasonRequest(reason: "nobody"), as: stage.reception, key: "no")
            try stage.wait(until: "2027-05-15 12:01")
            #expect(try await stage.undo(.noShow, on: booking, as: stage.reception).code == "too_late_to_undo")
        }
    }

    @Test func `Undoing a check-out opens the doors again`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-14 16:00")
            try await stage.begin(booking)
            _ = try await api.post("\(stage.path(booking))/check-out", as: stage.reception, key: "out")
            let back = try await stage.undo(.checkOut, on: booking, as: stage.reception).decode(Booking.self)
            #expect(back.state == .checkedIn)
            #expect(back.checkedOutAt == nil)
            #expect(try await api.get("\(stage.path(booking))/access", as: stage.organiser).status == 200)
            #expect(try await api.count("SELECT count(*) FROM cottage WHERE readiness = 'occupied'") == 1)
        }
    }

    @Test func `A night added by mistake is taken off again without a fee`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-10 09:00")
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            #expect(try await stage.change(booking, longer, as: stage.organiser).status == 200)
            #expect(try await stage.seen(booking).total.amount == booking.total.amount + 10_000)
            let back = try await stage.undo(.change, on: booking, as: stage.organiser).decode(Booking.self)
            #expect(back.total == booking.total)
            #expect(back.stay == booking.stay)
            #expect(try await stage.undo(.change, on: booking, as: stage.organiser).code == "too_late_to_undo")
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    @Test func `Undoing a shorter stay removes its fee`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-10 09:00")
            let shorter = BookingChange(stay: try stay("2027-05-14", "2027-05-16"))
            #expect(try await stage.change(booking, shorter, as: stage.organiser).status == 200)
            #expect(try await stage.seen(booking).charges.contains { $0.kind == .cancellation })
            // A guest can undo a change within the minutes of a hold, the desk within a day.
            api.clock.advance(by: 21 * 60)
            #expect(try await stage.undo(.change, on: booking, as: stage.organiser).code == "too_late_to_undo")
            let back = try await stage.undo(.change, on: booking, as: stage.reception).decode(Booking.self)
            #expect(back.total == booking.total)
            #expect(back.stay == booking.stay)
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    @Test func `Undoing a postponement restores the cancellation percentage`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-04 09:00")
            let later = BookingChange(stay: try stay("2027-07-16", "2027-07-19"))
            let moved = try await stage.change(booking, later, as: stage.organiser).decode(Booking.self)
            #expect(moved.leastFeePercent == 50)
            let back = try await stage.undo(.change, on: booking, as: stage.organiser).decode(Booking.self)
            #expect(back.leastFeePercent == 0)
        }
    }
}
