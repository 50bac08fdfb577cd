import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension SharesTests {
    @Test func `Parallel till payments of one share are taken once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let share = try await stage.share(of: stage.organiser)
            let open = try #require(share.amount).amount
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<10 {
                    group.addTask {
                        let pay = TillPaymentRequest(method: .cash, amount: open)
                        let path = "/v1/admin/shares/\(share.id)/till-payments"
                        return try await api.post(path, pay, as: reception, key: "p\(index)").status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 201 }.count == 1)
            #expect(Set(statuses).isSubset(of: [201, 409]))
            #expect(try await stage.share(of: stage.organiser).state == .paid)
            #expect(try await differences(api).isEmpty)
        }
    }

    @Test func `A till payment can be reversed only once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let accountant = try await api.given.staff([.finance], at: stage.world.park.id)
            let share = try await stage.share(of: stage.organiser)
            let till = "/v1/admin/shares/\(share.id)/till-payments"
            func pay(_ amount: Int64, _ key: String) async throws -> TillPayment {
                try await api.post(till, TillPaymentRequest(method: .cash, amount: amount), as: reception, key: key)
                    .decode(TillPayment.self)
            }
            let (kept, wrong) = (try await pay(5000, "1"), try await pay(700, "2"))
            let back = "/v1/admin/till-payments/\(wrong.id)/reversal"
            #expect(try await api.post(back, as: reception, key: "r1").status == 201)
            #expect(try await api.post(back, as: reception, key: "r2").code == "already_reversed")
            #expect(try await stage.share(of: stage.organiser).paid?.amount == 5000)
            let today = kept.day
            let day = "/v1/admin/parks/\(stage.world.park.id)/till?date=\(today)"
            let open = try await api.get(day, as: accountant).decode(TillDay.self)
            #expect(!open.isClosed && open.payments.count == 3)
            #expect(open.lines.first { $0.method == .cash }?.expected.amount == 5000)
            func counts(_ cash: Int64, _ reason: String? = nil) -> TillCloseRequest {
                TillCloseRequest(
                    day: today,
                    counts: TillPayment.Method.allCases.map {
                        .init(method: $0, counted: $0 == .cash ? cash : 0, reason: $0 == .cash ? reason : nil)
                    }
                )
            }
            let close = "/v1/admin/parks/\(stage.world.park.id)/till/close"
            #expect(try await api.post(close, counts(4990), as: reception, key: "x1").code == "till_differs")
            let closed = try await api.post(close, counts(4990, "ten cents on the floor"), as: reception, key: "x2")
            #expect(try closed.decode(TillDay.self).isClosed)
            #expect(try await api.post(close, counts(4990, "again"), as: reception, key: "x3").code == "till_closed")
            let late = TillPaymentRequest(method: .cash, amount: 1)
            // Money that comes in after the count belongs to the next day's till.
            let after = try await api.post(till, late, as: reception, key: "late").decode(TillPayment.self)
            #expect(after.day == today.adding(days: 1))
            api.clock.advance(by: 86400)
            #expect(try await differences(api).isEmpty)
            // Each household sees only its own part of the group's ledger.
            #expect(try await api.get("\(stage.path)/ledger", as: stage.organiser).text.contains("\(share.id)"))
            #expect(try await api.get("\(stage.path)/ledger", as: stage.member).text == #"{"items":[]}"#)
            #expect(try await api.get("\(stage.path)/ledger", as: accountant).text.contains("\(share.id)"))
        }
    }

    @Test func `A till refund never exceeds the refund due`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let share = try await stage.share(of: stage.member)
            let amount = try #require(share.amount).amount
            let path = "/v1/admin/shares/\(share.id)"
            let pay = TillPaymentRequest(method: .cash, amount: amount)
            #expect(try await api.post("\(path)/till-payments", pay, as: reception, key: "p").status == 201)
            func refund(_ amount: Int64, _ key: String) async throws -> GuestAPITestService.Response {
                let request = TillPaymentRequest(method: .cash, amount: amount)
                return try await api.post("\(path)/till-refunds", request, as: reception, key: key)
            }
            #expect(try await refund(1, "r0").code == "more_than_due")
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let cancelled = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x").decode(
                Booking.self
            )
            let due = try await stage.share(of: stage.member)
            #expect(due.state == .refundDue)
            // The fee is divided like the price; the organiser's part of it is kept.
            let fee = try #require(due.amount).amount
            let free = amount - cancelled.total.amount
            #expect(cancelled.total.amount > 0 && abs(fee - cancelled.total.amount / 2) <= 1)
            #expect(try await refund(free - 1, "r1").status == 201)
            #expect(try await refund(2, "r2").code == "more_than_due")
            #expect(try await refund(1, "r3").status == 201)
            #expect(try await refund(1, "r4").code == "more_than_due")
            #expect(try await stage.share(of: stage.member).state == .paid)
            let other = try await stage.share(of: stage.organiser)
            let rest = TillPaymentRequest(method: .cash, amount: try #require(other.amount).amount)
            let till = "/v1/admin/shares/\(other.id)/till-payments"
            #expect(try await api.post(till, rest, as: reception, key: "o").status == 201)
            #expect(try await refund(amount - fee - free + 1, "r5").code == "more_than_due")
            #expect(try await refund(amount - fee - free, "r6").status == 201)
            #expect(try await differences(api).isEmpty)
        }
    }
}
