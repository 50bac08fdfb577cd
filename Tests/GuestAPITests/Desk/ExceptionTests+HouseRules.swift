import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension ExceptionTests {
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
}
