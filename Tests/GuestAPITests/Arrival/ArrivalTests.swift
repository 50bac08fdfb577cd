import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct ArrivalTests {
    private static func rules(
        _ who: HouseRules.SelfCheckIn?,
        accessFor: HouseRules.AccessFor? = nil,
        register: HouseRules.Register? = nil
    ) throws -> HouseRules {
        HouseRules(
            checkInFrom: try #require(LocalTime("15:00")),
            checkOutBy: try #require(LocalTime("10:30")),
            depositPercent: 0,
            selfCheckIn: who,
            accessFor: accessFor,
            register: register
        )
    }

    @dynamicMemberLookup
    private struct Stage {
        let stay: Given.BookedStay
        let maintenance: Given.Person

        subscript<Value>(dynamicMember path: KeyPath<Given.BookedStay, Value>) -> Value { stay[keyPath: path] }

        func checkIn(as who: Given.Person) async throws -> GuestAPITestService.Response {
            try await stay.checkIn(as: who)
        }

        func wait(until text: String) throws { try stay.wait(until: text) }
    }

    private func stage(
        _ api: GuestAPITestService,
        _ rules: HouseRules,
        from arrival: String = "2027-05-14",
        to departure: String = "2027-05-17"
    ) async throws -> Stage {
        let stay = try await api.given.stay(in: 2, rules: rules, everybody: false, from: arrival, to: departure)
        let world = stay.world
        _ = try await api.post("\(stay.path)/confirm", as: stay.organiser, key: "confirm")
        let maintenance = try await api.given.staff([.maintenance], at: world.park.id)
        for cottage in world.cottages {
            let access = CottageAccess(
                route: "Left at the oak",
                doorCode: "zq81\(cottage.number)",
                wifiName: "Heide",
                wifiPassword: "wachtwoordje"
            )
            let path = "/v1/admin/cottages/\(cottage.id)/access"
            #expect(try await api.change("PUT", path, access, as: maintenance).status == 204)
        }
        return Stage(stay: stay, maintenance: maintenance)
    }

    @Test func `The organiser can check in from the check-in hour on`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, try Self.rules(nil))
            #expect(try await api.get("\(stage.path)/access", as: stage.organiser).code == "not_checked_in")
            let cleaner = try await api.given.staff([.housekeeping], at: stage.world.park.id)
            let readiness = "/v1/admin/cottages/\(stage.world.cottages[0].id)/readiness"
            _ = try await api.change("PUT", readiness, ReadinessRequest(readiness: .toClean), as: cleaner)
            try stage.wait(until: "2027-05-13 18:00")
            #expect(try await stage.checkIn(as: stage.organiser).code == "too_early")
            try stage.wait(until: "2027-05-14 15:00")
            api.clock.advance(by: -1)
            #expect(try await stage.checkIn(as: stage.organiser).code == "too_early")
            #expect(try await stage.checkIn(as: stage.member).status == 403)
            api.clock.advance(by: 1)
            let booking = try await stage.checkIn(as: stage.organiser).decode(Booking.self)
            #expect(booking.state == .checkedIn)
            #expect(try await stage.checkIn(as: stage.organiser).status == 200)
            let shown = try await api.get("\(stage.path)/access", as: stage.member)
            #expect(shown.text.contains("zq811") && shown.text.contains("zq812") && !shown.text.contains("zq813"))
            #expect(try await api.get("\(stage.path)/access", as: try await api.given.guest()).status == 404)
            #expect(try await api.count("SELECT count(*) FROM cottage WHERE readiness = 'occupied'") == 2)
            // After check-out the guests have no access.
            let out = try await api.post("\(stage.path)/check-out", as: stage.organiser, key: "out").decode(
                Booking.self
            )
            #expect(out.state == .checkedOut)
            #expect(try await api.get("\(stage.path)/access", as: stage.organiser).code == "stay_over")
            #expect(try await api.count("SELECT count(*) FROM cottage WHERE readiness = 'toClean'") == 2)
            // Every look is audited, and the code is in no table and no log in plain text.
            #expect(try await api.count("SELECT count(*) FROM audit WHERE action = 'access.show'") == 1)
            #expect(try await !isKnownAnywhere("zq81", api))
            #expect(try await !isKnownAnywhere("wachtwoordje", api))
        }
    }

    /// Whether the word is in a table, as text or as bytes, or in a log line.
    private func isKnownAnywhere(_ word: String, _ api: GuestAPITestService) async throws -> Bool {
        let names = Query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename") {
            try $0.decode("tablename", as: String.self)
        }
        let hex = word.utf8.map { String($0, radix: 16) }.joined()
        for table in try await api.app.database.read(as: "test", { try await $0.all(names) }) {
            var bytes: [UInt8] = []
            try await api.transaction { tx in try await tx.copyOut("COPY \(table) TO STDOUT") { bytes += $0 } }
            let dump = String(decoding: bytes, as: UTF8.self)
            if dump.contains(word) || dump.contains(hex) { return true }
        }
        return api.log.lines.contains { $0.contains(word) }
    }

    @Test func `Guests can check in early when their cottage is ready`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, try Self.rules(.anyone))
            try stage.wait(until: "2027-05-14 11:00")
            let readiness = "/v1/admin/cottages/\(stage.world.cottages[0].id)/readiness"
            let broken = ReadinessRequest(readiness: .outOfOrder, note: "boiler")
            _ = try await api.change("PUT", readiness, broken, as: stage.maintenance)
            #expect(try await stage.checkIn(as: stage.member).code == "out_of_order")
            _ = try await api.change("PUT", readiness, ReadinessRequest(readiness: .ready), as: stage.maintenance)
            #expect(try await stage.checkIn(as: stage.member).status == 200)
            // A guest who forgets to check out loses access at the check-out time.
            try stage.wait(until: "2027-05-17 10:29")
            #expect(try await api.get("\(stage.path)/access", as: stage.member).status == 200)
            try stage.wait(until: "2027-05-17 10:30")
            #expect(try await api.get("\(stage.path)/access", as: stage.member).code == "stay_over")
        }
    }

    @Test func `The check-in hour follows the park's clock when summer time begins`() async throws {
        try await withGuestAPI { api in
            // Summer time begins in the night before arrival: 15:00 is 13:00 in UTC, not 14:00.
            let stage = try await stage(api, try Self.rules(nil), from: "2027-03-28", to: "2027-03-30")
            let cleaner = try await api.given.staff([.housekeeping], at: stage.world.park.id)
            let readiness = "/v1/admin/cottages/\(stage.world.cottages[0].id)/readiness"
            _ = try await api.change("PUT", readiness, ReadinessRequest(readiness: .toClean), as: cleaner)
            let hour = try #require(ISO8601DateFormatter().date(from: "2027-03-28T13:00:00Z"))
            api.clock.advance(by: hour.timeIntervalSince(api.now) - 1)
            #expect(try await stage.checkIn(as: stage.organiser).code == "too_early")
            api.clock.advance(by: 1)
            #expect(try await stage.checkIn(as: stage.organiser).status == 200)
        }
    }

    @Test func `A park can show each household only its own door code`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, try Self.rules(.anyone, accessFor: .household))
            let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.member).decode(TravelGroup.self)
            let theirs = try #require(page.travellers.first { $0.role == .member }?.householdId)
            let second = "\(stage.path)/cottages/\(stage.world.cottages[1].id)/households"
            let settled = HouseholdsRequest(householdIds: [theirs])
            #expect(try await api.change("PUT", second, settled, as: stage.member).status == 403)
            #expect(try await api.change("PUT", second, settled, as: stage.organiser).status == 204)
            try stage.wait(until: "2027-05-14 15:00")
            _ = try await stage.checkIn(as: stage.member)
            let seen = try await api.get("\(stage.path)/access", as: stage.member).text
            #expect(seen.contains("zq812") && !seen.contains("zq811"))
            let lead = try await api.get("\(stage.path)/access", as: stage.organiser).text
            #expect(lead.contains("zq811") && !lead.contains("zq812"))
        }
    }

    @Test func `A check-in needs the complete guest register`() async throws {
        try await withGuestAPI { api in
            let rule = HouseRules.Register(documents: true, keepDays: 10)
            let stage = try await stage(api, try Self.rules(.anyone, register: rule))
            let lead = try #require(stage.booking.travellerIds.first)
            let path = "\(stage.path)/register/\(lead)"
            var entry = RegisterEntry(fullName: "Qvist Zanzibar", birthDate: try day("1980-02-29"), nationality: "SE")
            #expect(try await api.change("PUT", path, entry, as: stage.member).status == 204)
            try stage.wait(until: "2027-05-14 16:00")
            #expect(try await stage.checkIn(as: stage.organiser).code == "register_incomplete")
            entry.documentType = "passport"
            entry.documentNumber = "XK9921"
            #expect(try await api.change("PUT", path, entry, as: stage.organiser).status == 204)
            #expect(try await stage.checkIn(as: stage.organiser).status == 200)
            #expect(try await !isKnownAnywhere("Zanzibar", api))
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let register = "/v1/admin/bookings/\(stage.booking.id)/register"
            #expect(try await api.get(register, as: reception).text.contains("XK9921"))
            #expect(try await api.get(register, as: stage.maintenance).status == 403)
            #expect(try await api.get("/v1/me/export", as: stage.organiser).text.contains("XK9921"))
            try stage.wait(until: "2027-05-29 12:00")
            try await api.transaction { tx in try await ForgetRegister().finish(api.app.act(in: tx, as: .job("test"))) }
            #expect(try await api.count("SELECT count(*) FROM register_entry") == 0)
        }
    }

    @Test func `Staff can report a no-show from the day after arrival`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, try Self.rules(nil))
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let path = "/v1/admin/bookings/\(stage.booking.id)/no-show"
            let reason = ReasonRequest(reason: "nobody answered the phone")
            try stage.wait(until: "2027-05-14 23:59")
            let early = try await api.change("POST", path, reason, as: reception, key: "a")
            #expect(early.code == "too_early", "\(early.text)")
            try stage.wait(until: "2027-05-15 00:00")
            let gone = try await api.change("POST", path, reason, as: reception, key: "b").decode(Booking.self)
            #expect(gone.state == .noShow)
            #expect(gone.total == stage.booking.total)
            #expect(try await stage.checkIn(as: stage.organiser).code == "stay_over")
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 0)
        }
    }

    @Test func `A calendar address shows no stays after its owner leaves the group`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, try Self.rules(nil))
            struct Address: Decodable { let url: String }
            let made = try await api.post("/v1/groups/\(stage.group.id)/calendar", as: stage.member)
            let url = try made.decode(Address.self).url
            let path = try #require(url.range(of: "/v1/calendars/").map { String(url[$0.lowerBound...]) })
            let calendar = try await api.get(path)
            #expect(calendar.headers["content-type"]?.hasPrefix("text/calendar") == true)
            #expect(calendar.text.contains("DTSTART:20270514T130000Z\r\n"))
            #expect(calendar.text.contains("DTEND:20270517T083000Z\r\n"))
            #expect(calendar.text.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 75 })
            // Without a change the calendar stays the same; a change appears in it.
            api.clock.advance(by: 2)
            #expect(try await api.get(path).text == calendar.text)
            let time = ArrivalTimeRequest(time: try #require(LocalTime("16:15")))
            #expect(try await api.change("PUT", "\(stage.path)/arrival", time, as: stage.member).status == 200)
            #expect(try await api.get(path).text != calendar.text)
            #expect(try await api.get(path.replacing("a", with: "b").replacing("1", with: "2")).status == 404)
            _ = try await api.post("/v1/groups/\(stage.group.id)/leave", as: stage.member)
            #expect(try await !api.get(path).text.contains("VEVENT"))
        }
    }

    @Test func `The readiness list begins with the earliest arrivals`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, try Self.rules(nil))
            let time = ArrivalTimeRequest(time: try #require(LocalTime("13:15")))
            #expect(try await api.change("PUT", "\(stage.path)/arrival", time, as: stage.member).status == 200)
            let cleaner = try await api.given.staff([.housekeeping], at: stage.world.park.id)
            struct Rows: Decodable {
                struct Row: Decodable {
                    let number: String
                    let arrivalTime: LocalTime?
                    let departing: Bool
                }
                let items: [Row]
            }
            let list = "/v1/admin/parks/\(stage.world.park.id)/readiness?date="
            let arrivals = try await api.get(list + "2027-05-14", as: cleaner).decode(Rows.self).items
            #expect(arrivals.map(\.number) == ["1", "2", "3"])
            #expect(arrivals.map(\.arrivalTime) == [time.time, time.time, nil])
            let departures = try await api.get(list + "2027-05-17", as: cleaner).decode(Rows.self).items
            #expect(departures.count(where: \.departing) == 2)
        }
    }
}
