import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension ExceptionTests {
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
}
