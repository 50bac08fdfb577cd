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
    private struct Stage {
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

    private func stage(
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

    private static let lateCheckOut = ExtraRequest(
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

    // MARK: Beside the rules

    @Test func `The desk needs a reason to book outside the arrival days`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.arrivals = [.init(.monday, nights: [])]
            let stage = try await stage(api, rules)
            _ = try await stage.firmStay(from: "2027-05-10", to: "2027-05-14")
            var request = try api.given.request(stage.group, stage.world)
            #expect(try await stage.onBehalf("/v1/bookings", request).code == "arrival_day_not_allowed")
            request.reason = "The wedding is on Saturday."
            let direct = try await api.post("/v1/bookings", request, as: stage.organiser, key: "direct")
            #expect(direct.code == "forbidden")
            #expect(direct.text.contains("/reason"))
            #expect(try await stage.onBehalf("/v1/bookings", request).status == 201)
            let audited =
                "SELECT count(*) FROM audit WHERE action = 'booking.placeOutsideRules' AND reason LIKE 'The wed%'"
            #expect(try await api.count(SQL(stringLiteral: audited)) == 1)
        }
    }

    @Test func `The desk can move a stay booked outside the house rules`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.arrivals = [.init(.monday, nights: [])]
            let stage = try await stage(api, rules)
            _ = try await stage.firmStay(from: "2027-05-10", to: "2027-05-14")
            var request = try api.given.request(stage.group, stage.world)
            request.reason = "The wedding is on Saturday."
            let booking = try await stage.onBehalf("/v1/bookings", request).decode(Booking.self)

            #expect(try await stage.move(booking, to: stage.world.cottages[1]).status == 200)
        }
    }

    @Test func `The desk needs a reason for a walk-in outside the arrival days`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.arrivals = [.init(.monday, nights: [])]
            let stage = try await stage(api, rules)
            try stage.wait(until: "2027-05-14 17:00")
            var request = WalkInRequest(
                guest: DeskGuestRequest(name: "Jansen"),
                stay: try stay("2027-05-14", "2027-05-15"),
                cottages: [.init(cottage: stage.world.cottages[1].id)],
                checkIn: true
            )
            let path = "/v1/admin/parks/\(stage.world.park.id)/walk-ins"
            #expect(try await api.post(path, request, as: stage.reception, key: "1").code == "arrival_day_not_allowed")
            request.reason = "The park is empty."
            #expect(try await api.post(path, request, as: stage.reception, key: "2").status == 201)
        }
    }

    @Test func `A walk-in is entered in the guest register with the check-in`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.register = .init(documents: false, keepDays: 30)
            let stage = try await stage(api, rules)
            try stage.wait(until: "2027-05-14 17:00")
            var request = WalkInRequest(
                guest: DeskGuestRequest(name: "Jansen"),
                stay: try stay("2027-05-14", "2027-05-15"),
                cottages: [.init(cottage: stage.world.cottages[1].id)],
                companions: [.init(name: "Smit")],
                checkIn: true,
                register: RegisterEntry(fullName: "J. Jansen", birthDate: try day("1980-01-02"), nationality: "NL")
            )
            let path = "/v1/admin/parks/\(stage.world.park.id)/walk-ins"
            #expect(try await api.post(path, request, as: stage.reception, key: "1").code == "register_incomplete")
            request.companions?[0].register = RegisterEntry(
                fullName: "S. Smit",
                birthDate: try day("1981-01-02"),
                nationality: "DE"
            )
            let booking = try await api.post(path, request, as: stage.reception, key: "2").decode(Booking.self)
            #expect(booking.state == .checkedIn)
            #expect(try await api.count("SELECT count(*) FROM register_entry") == 2)
        }
    }

    @Test func `The desk changes a stay to a length that guests cannot book`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.arrivals = [.init(.friday, nights: [3])]
            let stage = try await stage(api, rules)
            let booking = try await stage.firmStay()
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            #expect(try await stage.change(booking, longer, as: stage.organiser).code == "length_not_allowed")
            #expect(try await stage.change(booking, longer, as: stage.reception).status == 200)
        }
    }

    @Test func `The member who placed a hold extends and cancels it`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let placer = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            let other = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            let booking = try await api.given.booking(of: stage.group, by: placer, in: stage.world)
            let path = stage.path(booking)
            #expect(try await api.post("\(path)/extend", as: other, key: "1").status == 403)
            #expect(try await api.post("\(path)/extend", as: placer, key: "2").status == 200)
            #expect(try await api.post("\(path)/extend", as: placer, key: "3").code == "already_extended")
            #expect(try await api.post("\(path)/cancel", as: other, key: "4").status == 403)
            #expect(try await api.post("\(path)/cancel", as: placer, key: "5").status == 200)
        }
    }

    @Test func `The member who placed a hold cannot cancel the firm stay`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let placer = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            let booking = try await api.given.booking(of: stage.group, by: placer, in: stage.world)
            let path = stage.path(booking)
            #expect(try await api.post("\(path)/confirm", as: stage.organiser, key: "1").status == 200)
            #expect(try await api.post("\(path)/cancel", as: placer, key: "2").status == 403)
        }
    }

    @Test func `Staff extend a hold to a week from now at most`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let path = "\(stage.path(booking))/extend"
            #expect(try await api.post(path, as: stage.reception, key: "1").code == "reason_needed")
            let day = ExtensionRequest(reason: "They decide tonight.", minutes: 1440)
            #expect(try await api.post(path, day, as: stage.organiser, key: "2").status == 403)
            let held = try await api.post(path, day, as: stage.reception, key: "3").decode(Booking.self)
            #expect(held.holdUntil == booking.holdUntil?.addingTimeInterval(86400))
            let week = ExtensionRequest(reason: "and more", minutes: 10_080)
            #expect(try await api.post(path, week, as: stage.reception, key: "4").code == "hold_too_long")
            // The guests can still use their own extension.
            #expect(try await api.post(path, as: stage.organiser, key: "5").status == 200)
        }
    }

    // MARK: In the middle of a stay

    @Test func `A family moves into a cottage that was let until this morning`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay(from: "2027-05-14", to: "2027-05-21")
            let other = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                cottages: [stage.world.cottages[1]],
                from: "2027-05-14",
                to: "2027-05-16"
            )
            _ = try await api.post("\(stage.path(other))/confirm", as: stage.organiser, key: "other")
            try stage.wait(until: "2027-05-14 16:00")
            try await stage.begin(booking)
            try stage.wait(until: "2027-05-16 11:00")
            let moved = try await stage.move(booking, to: stage.world.cottages[1]).decode(Booking.self)
            #expect(moved.total == booking.total)
            #expect(moved.cottages.map(\.since) == [try day("2027-05-16")])
            // An empty change still costs nothing, and the cottage that was left is free from today on.
            let quote = try await api.post("\(stage.path(booking))/quotes", BookingChange(), as: stage.organiser)
            #expect(try quote.decode(Quote.self).lines.isEmpty)
            let next = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                from: "2027-05-16",
                to: "2027-05-18"
            )
            #expect(next.cottages.map(\.id) == [stage.world.cottages[0].id])
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    @Test func `A cottage added during a stay is paid from that day`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay(from: "2027-05-17", to: "2027-05-21")
            try stage.wait(until: "2027-05-17 16:00")
            try await stage.begin(booking)
            try stage.wait(until: "2027-05-19 11:00")
            let more = BookingChange(cottages: stage.world.cottages.prefix(2).map { .init(cottage: $0.id) })
            let changed = try await stage.change(booking, more, as: stage.organiser).decode(Booking.self)
            // The change adds two nights and the cleaning.
            #expect(changed.total.amount == booking.total.amount + 2 * 10_000 + 5000)
            let quote = try await api.post("\(stage.path(booking))/quotes", BookingChange(), as: stage.organiser)
            #expect(try quote.decode(Quote.self).lines.isEmpty)
        }
    }

    @Test func `A stay that ends today gets no other cottage`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay(from: "2027-05-17", to: "2027-05-21")
            try stage.wait(until: "2027-05-17 16:00")
            try await stage.begin(booking)
            try stage.wait(until: "2027-05-20 11:00")
            let early = BookingChange(stay: try stay("2027-05-17", "2027-05-20"))
            #expect(try await stage.change(booking, early, as: stage.organiser).status == 200)
            #expect(try await stage.move(booking, to: stage.world.cottages[1]).code == "not_changeable")
            let type = stage.world.type.id
            let more = BookingChange(cottages: [.init(cottage: stage.world.cottages[0].id), .init(anyOf: type)])
            #expect(try await stage.change(booking, more, as: stage.organiser).code == "not_changeable")
        }
    }

    @Test func `The late check-out extra keeps the door code valid until its hour`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let late = try await stage.extra(Self.lateCheckOut)
            let booking = try await stage.firmStay()
            let last = try day("2027-05-17")
            #expect(try await stage.order(.init(extraId: late.id, from: last), for: booking).status == 201)
            try stage.wait(until: "2027-05-14 16:00")
            try await stage.begin(booking)
            try stage.wait(until: "2027-05-17 13:59")
            let path = "\(stage.path(booking))/access"
            #expect(try await api.get(path, as: stage.organiser).status == 200)
            let calendar = try await api.post("/v1/groups/\(stage.group.id)/calendar", as: stage.organiser)
            let address = try #require(calendar.text.split(separator: "/v1/calendars/").last?.prefix { $0 != "\"" })
            // 12:00 in UTC is 14:00 in Amsterdam's summer.
            #expect(try await api.get("/v1/calendars/\(address)").text.contains("DTEND:20270517T120000Z"))
            let departures = "/v1/admin/parks/\(stage.world.park.id)/departures"
            #expect(try await api.get(departures, as: stage.reception).text.contains(#""checkOutBy":"14:00""#))
            try stage.wait(until: "2027-05-17 14:00")
            #expect(try await api.get(path, as: stage.organiser).code == "stay_over")
        }
    }

    @Test func `A late check-out is ordered once, for the last day`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let late = try await stage.extra(Self.lateCheckOut)
            let booking = try await stage.firmStay()
            let middle = ExtraOrderRequest(extraId: late.id, from: try day("2027-05-15"))
            #expect(try await stage.order(middle, for: booking).code == "outside_stay")
            let twice = ExtraOrderRequest(extraId: late.id, from: try day("2027-05-17"), quantity: 2)
            #expect(try await stage.order(twice, for: booking).code == "one_late_check_out")
            let last = ExtraOrderRequest(extraId: late.id, from: try day("2027-05-17"))
            #expect(try await stage.order(last, for: booking).status == 201)
            #expect(try await stage.order(last, for: booking).code == "one_late_check_out")
            // A late check-out is useless on another last day, so the change removes it.
            let shorter = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            let changed = try await stage.change(booking, shorter, as: stage.organiser).decode(Booking.self)
            #expect(changed.extras.isEmpty)
        }
    }

    @Test func `An extra follows its guests into another cottage`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let cot = try await stage.extra(
                ExtraRequest(code: "cot", names: ["en": "Cot"], isDaily: false, price: 500, stock: 5)
            )
            let booking = try await stage.firmStay()
            let foreign = ExtraOrderRequest(
                extraId: cot.id,
                from: try day("2027-05-14"),
                cottageId: stage.world.cottages[2].id
            )
            #expect(try await stage.order(foreign, for: booking).code == "unknown_cottage")
            let own = ExtraOrderRequest(
                extraId: cot.id,
                from: try day("2027-05-14"),
                cottageId: stage.world.cottages[0].id
            )
            #expect(try await stage.order(own, for: booking).status == 201)
            let moved = try await stage.move(booking, to: stage.world.cottages[1]).decode(Booking.self)
            #expect(moved.extras.map(\.cottageId) == [stage.world.cottages[1].id])
        }
    }

    // MARK: What the desk sees

    @Test func `The arrivals list shows organiser, open amount and cottage readiness`() async throws {
        try await withGuestAPI { api in
            struct Row: Decodable {
                let lead: String
                let open: Money?
                let isReady: Bool
            }
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            let path = "/v1/admin/parks/\(stage.world.park.id)/arrivals?date=2027-05-14"
            let rows = try await api.get(path, as: stage.reception).decode(Listed<Row>.self).items
            #expect(rows.map(\.lead) == ["Organiser"])
            #expect(rows.map(\.open) == [booking.total])
            #expect(rows.map(\.isReady) == [true])
            let cleaner = try await api.given.staff([.housekeeping], at: stage.world.park.id)
            #expect(try await api.get(path, as: cleaner).decode(Listed<Row>.self).items.map(\.open) == [nil])
        }
    }

    @Test func `A cottage that is out of order is not let tonight`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, cottages: 1)
            let cottage = stage.world.cottages[0]
            try stage.wait(until: "2027-05-14 12:00")
            let broken = ReadinessRequest(readiness: .outOfOrder, note: "no water")
            let path = "/v1/admin/cottages/\(cottage.id)/readiness"
            #expect(try await api.change("PUT", path, broken, as: stage.reception).status == 204)
            let park = "/v1/parks/\(stage.world.park.id)"
            let tonight = "from=2027-05-14&to=2027-05-17"
            #expect(try await api.get("\(park)/map?\(tonight)").text.contains(#""state":"closed""#))
            #expect(try await !api.get("\(park)/availability?\(tonight)&adults=2").text.contains("free"))
            let request = try api.given.request(stage.group, stage.world)
            let refused = try await api.post("/v1/bookings", request, as: stage.organiser, key: "now")
            #expect(refused.code == "out_of_order")
            // The cottage will be repaired next week.
            let later = try api.given.request(stage.group, stage.world, from: "2027-05-21", to: "2027-05-24")
            #expect(try await api.post("/v1/bookings", later, as: stage.organiser, key: "later").status == 201)
        }
    }

    @Test func `A closure names the bookings that are in its way`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            let request = ClosureRequest(stay: try stay("2027-05-15", "2027-05-20"), reason: "new roof")
            let path = "/v1/admin/cottages/\(stage.world.cottages[0].id)/closures"
            let refused = try await api.post(path, request, as: stage.reception)
            #expect(refused.code == "cottage_booked")
            #expect(refused.text.contains(booking.number))
        }
    }

    @Test func `An invoice from the desk is in the household's language`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.seller = .init(name: "Park BV", address: "Heide 1, Ede, NL", vatNumber: "NL001")
            let stage = try await stage(api, rules)
            let booking = try await stage.firmStay()
            try await api.transaction { tx in
                let guest = try stage.organiser.id()
                try await tx.run(Command("UPDATE guest SET language = 'nl' WHERE id = \(guest)"))
                tx.publish(guest, .guest, to: .guest(guest))
            }
            let share = try await api.get("\(stage.path(booking))/shares", as: stage.organiser)
                .decode(Listed<ShareView>.self).items[0]
            let invoice = try await api.post(
                "/v1/shares/\(share.id)/invoices",
                InvoiceRequest(),
                as: stage.reception,
                key: "invoice"
            )
            #expect(invoice.text.contains(#""language":"nl""#))
        }
    }

    @Test func `A check-out with an unpaid amount opens a task for the desk`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            try stage.wait(until: "2027-05-14 16:00")
            try await stage.begin(booking)
            _ = try await api.post("\(stage.path(booking))/check-out", as: stage.reception, key: "out")
            try await api.work()
            let tasks = "SELECT count(*) FROM task WHERE title LIKE '%has left and has EUR 390.00 to pay'"
            #expect(try await api.count(SQL(stringLiteral: tasks)) == 1)
        }
    }

    // MARK: Near arrival, and late

    @Test func `A stay booked close to arrival has the whole price as deposit`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.depositPercent = 30
            rules.fullPriceDays = 28
            let stage = try await stage(api, rules)
            let early = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            #expect(early.deposit.amount == early.total.amount * 30 / 100)
            try stage.wait(until: "2027-05-01 12:00")
            let late = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                cottages: [stage.world.cottages[1]]
            )
            #expect(late.deposit == late.total)
        }
    }

    private func remind(_ stage: Stage, on text: String) async throws {
        try stage.wait(until: "\(text) 09:00")
        let work = RemindPayers(parkId: stage.world.park.id, day: try day(text))
        try await stage.api.transaction { tx in try await work.finish(stage.api.app.act(in: tx, as: .job("test"))) }
        try await stage.api.work()
    }

    @Test func `A stay with long overdue shares is cancelled automatically`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.balanceDays = 60
            rules.overdue = .init(askAfterDays: 7, cancelAfterDays: 21)
            let stage = try await stage(api, rules)
            let booking = try await stage.firmStay()
            // The shares are due on 15 March.
            try await remind(stage, on: "2027-03-21")
            #expect(try await api.count("SELECT count(*) FROM task") == 0)
            try await remind(stage, on: "2027-03-22")
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'payment'") == 1)
            try await remind(stage, on: "2027-04-04")
            #expect(try await stage.seen(booking).state == .confirmed)
            try await remind(stage, on: "2027-04-05")
            #expect(try await stage.seen(booking).state == .cancelled)
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    @Test func `A small order before arrival makes no stay overdue`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.balanceDays = 60
            rules.overdue = .init(askAfterDays: 7, cancelAfterDays: 21)
            let stage = try await stage(api, rules)
            let cot = try await stage.extra(
                ExtraRequest(code: "cot", names: ["en": "Cot"], isDaily: false, price: 500, stock: 5)
            )
            let booking = try await stage.firmStay()
            let share = try await api.get("\(stage.path(booking))/shares", as: stage.organiser)
                .decode(Listed<ShareView>.self).items[0]
            let paid = TillPaymentRequest(method: .cash, amount: booking.total.amount)
            let path = "/v1/admin/shares/\(share.id)/till-payments"
            #expect(try await api.post(path, paid, as: stage.reception, key: "pay").status == 201)
            try stage.wait(until: "2027-05-03 12:00")
            #expect(
                try await stage.order(.init(extraId: cot.id, from: booking.stay.arrival), for: booking).status == 201
            )
            try await remind(stage, on: "2027-05-04")
            #expect(try await stage.seen(booking).state == .confirmed)
            #expect(try await api.count("SELECT count(*) FROM task") == 0)
        }
    }

    @Test func `A cottage cannot be given up in the middle of a stay`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay(from: "2027-05-17", to: "2027-05-21")
            try stage.wait(until: "2027-05-17 16:00")
            try await stage.begin(booking)
            try stage.wait(until: "2027-05-19 11:00")
            let other = BookingChange(cottages: [.init(cottage: stage.world.cottages[1].id)])
            #expect(try await stage.change(booking, other, as: stage.organiser).code == "not_changeable")
        }
    }

    @Test func `A guest cannot undo a change made by the desk`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            #expect(try await stage.change(booking, longer, as: stage.reception).status == 200)
            #expect(try await stage.undo(.change, on: booking, as: stage.organiser).status == 403)
            #expect(try await stage.undo(.change, on: booking, as: stage.reception).status == 200)
        }
    }

    @Test func `A booking change cannot be undone once the desk moved the guests`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await stage.firmStay()
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            #expect(try await stage.change(booking, longer, as: stage.organiser).status == 200)
            #expect(try await stage.move(booking, to: stage.world.cottages[1]).status == 200)
            #expect(try await stage.undo(.change, on: booking, as: stage.organiser).code == "too_late_to_undo")
        }
    }

    @Test func `A shortening cannot be undone while the longer stay's deposit is open`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.depositPercent = 100
            let stage = try await stage(api, rules)
            let booking = try await api.given.booking(
                of: stage.group,
                by: stage.organiser,
                in: stage.world,
                from: "2027-05-14",
                to: "2027-05-21"
            )
            let small = BookingChange(stay: try stay("2027-05-14", "2027-05-15"))
            let held = try await stage.change(booking, small, as: stage.organiser).decode(Booking.self)
            let share = try await api.get("\(stage.path(booking))/shares", as: stage.organiser)
                .decode(Listed<ShareView>.self).items[0]
            let paid = TillPaymentRequest(method: .cash, amount: held.total.amount)
            let path = "/v1/admin/shares/\(share.id)/till-payments"
            #expect(try await api.post(path, paid, as: stage.reception, key: "pay").status == 201)
            #expect(try await stage.seen(booking).state == .confirmed)
            #expect(try await stage.undo(.change, on: booking, as: stage.organiser).code == "deposit_open")
        }
    }

    @Test func `Another park's reception cannot set rules aside`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.arrivals = [.init(.monday, nights: [])]
            let stage = try await stage(api, rules)
            _ = try await stage.firmStay(from: "2027-05-10", to: "2027-05-14")
            let elsewhere = try await api.given.park(rules: rules)
            var request = try api.given.request(stage.group, elsewhere)
            request.reason = "The wedding is on Saturday."
            let refused = try await stage.onBehalf("/v1/bookings", request)
            // The colleague may act for the group, but not at a park of others.
            #expect(refused.code == "not_found")
        }
    }
}
