import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension ExceptionTests {
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
