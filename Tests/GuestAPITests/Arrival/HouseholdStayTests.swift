import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// One of several households arrives, leaves or stays away by itself; the others' stay does not change.
@Suite struct HouseholdStayTests {
    @dynamicMemberLookup
    private struct Stage {
        let stay: Given.BookedStay

        subscript<Value>(dynamicMember path: KeyPath<Given.BookedStay, Value>) -> Value { stay[keyPath: path] }

        func seen() async throws -> Booking { try await stay.seen(by: stay.organiser) }

        func states() async throws -> [HouseholdStay.State?] {
            let stays = try await seen().households ?? []
            return self.homes.map { home in stays.first { $0.householdId == home }?.state }
        }

        func come(_ home: Int?, as who: Given.Person) async throws -> GuestAPITestService.Response {
            let request = StayRequest(householdId: home.map { self.homes[$0] })
            return try await self.api.post("\(self.path)/check-in", request, as: who, key: UUID().uuidString)
        }

        func go(_ home: Int?, as who: Given.Person) async throws -> GuestAPITestService.Response {
            let request = StayRequest(householdId: home.map { self.homes[$0] })
            return try await self.api.post("\(self.path)/check-out", request, as: who, key: UUID().uuidString)
        }

        func owed(of who: Given.Person) async throws -> Int64 {
            let shares = try await self.api.get("\(self.path)/shares", as: who).decode(Listed<ShareView>.self).items
            return try #require(shares.first { $0.isOwn }?.amount?.amount)
        }

        func readiness() async throws -> [String] {
            try await self.api.transaction { tx in
                try await tx.all(
                    Query("SELECT readiness FROM cottage WHERE park_id = \(self.world.park.id) ORDER BY number") {
                        try $0.decode("readiness", as: String.self)
                    }
                )
            }
        }

        func wait(until text: String) throws { try stay.wait(until: text) }
    }

    /// Two households with a cottage each, for three nights, with tourist tax of 2.00 per person and night.
    private func stage(
        _ api: GuestAPITestService,
        _ adjust: (inout HouseRules) -> Void = { _ in }
    ) async throws -> Stage {
        var rules = Given.rules
        rules.touristTax = .init(personNight: 200, fromAge: 0)
        rules.selfCheckIn = .anyone
        adjust(&rules)
        let stay = try await api.given.stay(in: 2, rules: rules)
        _ = try await api.post("\(stay.path)/confirm", as: stay.organiser, key: "firm")
        for (home, cottage) in zip(stay.homes, stay.world.cottages) {
            let path = "\(stay.path)/cottages/\(cottage.id)/households"
            let settled = try await api.change("PUT", path, HouseholdsRequest(householdIds: [home]), as: stay.organiser)
            #expect(settled.status == 204)
        }
        return Stage(stay: stay)
    }

    @Test func `A booking says who lives in which cottage`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let cottages = try await stage.seen().cottages
            let living = stage.world.cottages.prefix(2).map { cottage in
                cottages.first { $0.id == cottage.id }?.householdIds
            }
            #expect(living == [[stage.homes[0]], [stage.homes[1]]])
        }
    }

    @Test func `Each household keeps its own hour of arrival`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            for (who, time) in [(stage.organiser, "17:30"), (stage.member, "14:00")] {
                let request = ArrivalTimeRequest(time: try #require(LocalTime(time)))
                #expect(try await api.change("PUT", "\(stage.path)/arrival", request, as: who).status == 200)
            }
            let seen = try await stage.seen()
            let hours = stage.homes.map { home in
                seen.households?.first { $0.householdId == home }?.arrivalTime?.description
            }
            #expect(hours == ["17:30", "14:00"])
            // The desk plans for the earliest household.
            #expect(seen.arrivalTime?.description == "14:00")
            let other = ArrivalTimeRequest(time: .noon, householdId: stage.homes[0])
            #expect(try await api.change("PUT", "\(stage.path)/arrival", other, as: stage.member).status == 403)
        }
    }

    @Test func `A household's check-in gives door codes to that household only`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            try stage.wait(until: "2027-05-14 16:00")
            #expect(try await stage.come(0, as: stage.member).status == 403)
            let begun = try await stage.come(1, as: stage.member).decode(Booking.self)
            #expect(begun.state == .checkedIn)
            #expect(try await stage.states() == [.expected, .checkedIn])
            #expect(try await api.get("\(stage.path)/access", as: stage.member).status == 200)
            #expect(try await api.get("\(stage.path)/access", as: stage.organiser).code == "not_checked_in")
            #expect(try await stage.readiness() == ["ready", "occupied", "ready"])
            // All other households check in together.
            #expect(try await stage.come(nil, as: stage.organiser).status == 200)
            #expect(try await stage.states() == [.checkedIn, .checkedIn])
            #expect(try await api.get("\(stage.path)/access", as: stage.organiser).status == 200)
        }
    }

    @Test func `A household can check itself in once the organiser has checked in`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api) { $0.selfCheckIn = .lead }
            try stage.wait(until: "2027-05-14 16:00")
            #expect(try await stage.come(1, as: stage.member).status == 403)
            #expect(try await stage.come(0, as: stage.organiser).status == 200)
            #expect(try await stage.come(1, as: stage.member).status == 200)
        }
    }

    @Test func `A household that leaves early lowers only its own tourist tax`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            try stage.wait(until: "2027-05-14 16:00")
            _ = try await stage.come(nil, as: stage.organiser)
            let before = (try await stage.owed(of: stage.organiser), try await stage.owed(of: stage.member))
            try stage.wait(until: "2027-05-15 10:00")
            let left = try await stage.go(1, as: stage.member).decode(Booking.self)
            #expect(left.state == .checkedIn)
            #expect(try await stage.owed(of: stage.organiser) == before.0)
            #expect(try await stage.owed(of: stage.member) == before.1 - 2 * 200)
            #expect(try await stage.readiness() == ["occupied", "toClean", "ready"])
            #expect(try await api.get("\(stage.path)/access", as: stage.member).code == "stay_over")
            #expect(try await api.get("\(stage.path)/access", as: stage.organiser).status == 200)
            // The stay ends when the last household leaves.
            #expect(try await stage.go(0, as: stage.organiser).decode(Booking.self).state == .checkedOut)
            #expect(try await Office(api.app).checkLedger() == [])
        }
    }

    @Test func `A household that did not come owes no tourist tax`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            try stage.wait(until: "2027-05-14 16:00")
            _ = try await stage.come(0, as: stage.organiser)
            let before = (try await stage.owed(of: stage.organiser), try await stage.owed(of: stage.member))
            let path = "/v1/admin/bookings/\(stage.booking.id)/no-show"
            let request = NoShowRequest(reason: "ill", householdId: stage.homes[1])
            #expect(try await api.post(path, request, as: stage.reception, key: "early").code == "too_early")
            try stage.wait(until: "2027-05-15 10:00")
            #expect(try await api.post(path, request, as: stage.reception, key: "no").status == 200)
            #expect(try await stage.states() == [.checkedIn, .noShow])
            #expect(try await stage.owed(of: stage.organiser) == before.0)
            #expect(try await stage.owed(of: stage.member) == before.1 - 3 * 200)
            #expect(try await stage.come(1, as: stage.member).code == "stay_over")
            // The household comes after all.
            let mistake = MistakeRequest(.noShow, of: stage.homes[1], reason: "they were late")
            let undone = try await api.post("\(stage.path)/undo", mistake, as: stage.reception, key: "undo")
            #expect(undone.status == 200)
            #expect(try await stage.owed(of: stage.member) == before.1)
            #expect(try await stage.come(1, as: stage.member).status == 200)
            #expect(try await Office(api.app).checkLedger() == [])
        }
    }

    @Test func `Staff can undo the check-out of a single household`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            try stage.wait(until: "2027-05-14 16:00")
            _ = try await stage.come(nil, as: stage.organiser)
            let before = try await stage.owed(of: stage.member)
            try stage.wait(until: "2027-05-15 10:00")
            _ = try await stage.go(1, as: stage.member)
            let mistake = MistakeRequest(.checkOut, of: stage.homes[1], reason: "the wrong family")
            #expect(try await api.post("\(stage.path)/undo", mistake, as: stage.reception, key: "1").status == 200)
            #expect(try await stage.states() == [.checkedIn, .checkedIn])
            #expect(try await stage.owed(of: stage.member) == before)
            #expect(try await stage.readiness() == ["occupied", "occupied", "ready"])
            #expect(
                try await api.post("\(stage.path)/undo", mistake, as: stage.reception, key: "2").code
                    == "too_late_to_undo"
            )
        }
    }

    @Test func `A household's check-in needs only its own register entries`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api) { $0.register = .init(documents: false, keepDays: 30) }
            try stage.wait(until: "2027-05-14 16:00")
            #expect(try await stage.come(1, as: stage.member).code == "register_incomplete")
            let page = try await api.get("/v1/groups/\(try #require(stage.booking.groupId))", as: stage.member)
            let own = try #require(
                page.decode(TravelGroup.self).travellers.first { $0.householdId == stage.homes[1] }
            )
            let entry = RegisterEntry(fullName: "M. Ember", birthDate: try day("1990-01-01"), nationality: "NL")
            let path = "\(stage.path)/register/\(own.id)"
            #expect(try await api.change("PUT", path, entry, as: stage.member).status == 204)
            #expect(try await stage.come(1, as: stage.member).status == 200)
        }
    }

    @Test func `Undoing a whole check-out opens the doors of every household`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let time = ArrivalTimeRequest(time: .noon)
            _ = try await api.change("PUT", "\(stage.path)/arrival", time, as: stage.organiser)
            try stage.wait(until: "2027-05-14 16:00")
            _ = try await stage.come(nil, as: stage.organiser)
            _ = try await stage.go(nil, as: stage.organiser)
            let mistake = MistakeRequest(.checkOut, reason: "the neighbours left")
            #expect(try await api.post("\(stage.path)/undo", mistake, as: stage.reception, key: "undo").status == 200)
            #expect(try await stage.states() == [.checkedIn, .checkedIn])
            #expect(try await api.get("\(stage.path)/access", as: stage.organiser).status == 200)
            #expect(try await api.get("\(stage.path)/access", as: stage.member).status == 200)
        }
    }

    @Test func `One household's arrival hour does not prevent another household's check-out`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let time = ArrivalTimeRequest(time: .noon)
            _ = try await api.change("PUT", "\(stage.path)/arrival", time, as: stage.organiser)
            try stage.wait(until: "2027-05-14 16:00")
            _ = try await stage.come(nil, as: stage.organiser)
            #expect(try await stage.states() == [.checkedIn, .checkedIn])
            #expect(try await stage.go(1, as: stage.member).status == 200)
            #expect(try await stage.states() == [.checkedIn, .checkedOut])
        }
    }

    @Test func `A no-show household still owes no tourist tax after a cottage move`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            try stage.wait(until: "2027-05-14 16:00")
            _ = try await stage.come(0, as: stage.organiser)
            try stage.wait(until: "2027-05-15 10:00")
            let before = try await stage.owed(of: stage.member)
            let path = "/v1/admin/bookings/\(stage.booking.id)/no-show"
            let request = NoShowRequest(reason: "ill", householdId: stage.homes[1])
            #expect(try await api.post(path, request, as: stage.reception, key: "no").status == 200)
            let quote = try await api.post("\(stage.path)/quotes", BookingChange(), as: stage.organiser)
            #expect(try quote.decode(Quote.self).lines.isEmpty)
            let move = MoveRequest(
                from: stage.world.cottages[0].id,
                to: stage.world.cottages[2].id,
                reason: "The heating is broken."
            )
            let version = try await stage.seen().version
            let address = "/v1/admin/bookings/\(stage.booking.id)/move"
            #expect(
                try await api.change("POST", address, move, as: stage.reception, match: version, key: "m").status == 200
            )
            #expect(try await stage.owed(of: stage.member) == before - 3 * 200)
            let mistake = MistakeRequest(.noShow, of: stage.homes[1], reason: "they were late")
            _ = try await api.post("\(stage.path)/undo", mistake, as: stage.reception, key: "undo")
            #expect(try await stage.owed(of: stage.member) == before)
            #expect(try await Office(api.app).checkLedger() == [])
        }
    }

    @Test func `A no-show after the others have left ends the stay`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            try stage.wait(until: "2027-05-14 16:00")
            _ = try await stage.come(0, as: stage.organiser)
            try stage.wait(until: "2027-05-15 10:00")
            _ = try await stage.go(0, as: stage.organiser)
            #expect(try await stage.seen().state == .checkedIn)
            let path = "/v1/admin/bookings/\(stage.booking.id)/no-show"
            let request = NoShowRequest(reason: "ill", householdId: stage.homes[1])
            let ended = try await api.post(path, request, as: stage.reception, key: "no").decode(Booking.self)
            #expect(ended.state == .checkedOut)
            #expect(try await Office(api.app).checkLedger() == [])
        }
    }
}
