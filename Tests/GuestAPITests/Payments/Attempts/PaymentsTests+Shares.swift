import Crypto
import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

extension PaymentsTests {
    /// The member of a firm stay has paid in full and dropped out, when a cancellation costs 10 %.
    private struct Dropout {
        let stage: Stage
        /// The member's and the organiser's shares before.
        let member: ShareView
        let organiser: ShareView
        /// The member's amount before, minor units.
        let amount: Int64

        /// The sum that the provider has refunded.
        func returned() async throws -> Int64 {
            try await stage.account.list("refunds").compactMap { $0["amount"] as? Int64 }.reduce(0, +)
        }
    }

    private func withDropout(_ api: GuestAPITestService) async throws -> Dropout {
        let stage = try await Self.stage(api)
        let share = try await stage.own(of: stage.member)
        let own = try await stage.own(of: stage.organiser)
        let (_, secret) = try await stage.secret(share.id, as: stage.member)
        #expect(try await stage.account.pay(secret) == "succeeded")
        try await stage.catchUp()
        #expect(try await stage.state() == .confirmed)
        #expect(try await api.post("/v1/shares/\(share.id)/withdrawal", as: stage.member, key: "w").status == 200)
        try await api.work()
        return Dropout(stage: stage, member: share, organiser: own, amount: try #require(share.amount).amount)
    }

    @Test func `The organiser's household takes over the share of a dropout`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let (stage, fee) = (dropout.stage, dropout.amount.percentage(10))
            let left = try await stage.own(of: stage.member)
            #expect(left.amount?.amount == fee && left.coveredBy == dropout.organiser.householdId)
            let total = stage.booking.total.amount
            #expect(try await stage.own(of: stage.organiser).amount?.amount == total - fee)
            try await stage.expectRight()
        }
    }

    @Test func `Dropping out returns money above the deposit`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let stage = dropout.stage
            #expect(try await dropout.returned() == dropout.amount - stage.booking.deposit.amount)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    @Test func `A dropout gets the rest back once others pay`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let stage = dropout.stage
            let (_, rest) = try await stage.secret(dropout.organiser.id, as: stage.organiser)
            #expect(try await stage.account.pay(rest) == "succeeded")
            try await stage.catchUp()
            try await api.work()
            #expect(try await dropout.returned() == dropout.amount - dropout.amount.percentage(10))
            #expect(try await stage.state() == .confirmed)
            try await stage.expectRight()
        }
    }

    @Test func `Money paid twice does not pay for a dearer change`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api, deposit: 50)
            let own = try await stage.own(of: stage.organiser)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let (_, secret) = try await stage.secret(own.id, as: stage.organiser)
            #expect(try await stage.account.pay(secret) == "succeeded")
            // Before the service hears of the payment, the desk takes the same money in cash.
            let cash = TillPaymentRequest(method: .cash, amount: try #require(own.amount).amount)
            let path = "/v1/admin/shares/\(own.id)/till-payments"
            #expect(try await api.post(path, cash, as: reception, key: "t").status == 201)
            api.clock.advance(by: 6)
            _ = try await Worker(app: api.app, queue: .payments).round()
            #expect(try await stage.own(of: stage.organiser).paid?.amount == 2 * cash.amount)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            let quote = try await api.post("\(stage.path)/quotes", longer, as: stage.organiser).decode(Quote.self)
            let changed = try await api.change(
                "POST",
                "\(stage.path)/changes",
                QuotedChange(quoteId: quote.id),
                as: stage.organiser,
                match: quote.bookingVersion,
                key: "c"
            )
            .decode(Booking.self)
            #expect(changed.stay.nightCount == 3)
            try await stage.catchUp()
            #expect(try await stage.account.list("refunds").compactMap { $0["amount"] as? Int64 } == [cash.amount])
            try await stage.expectRight()
        }
    }

    @Test func `The organiser's household cannot drop out`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let own = try await stage.own(of: stage.organiser)
            let answer = try await api.post("/v1/shares/\(own.id)/withdrawal", as: stage.organiser, key: "o")
            #expect(answer.code == "organiser_answers")
        }
    }

    @Test func `A dropout cannot give a share away`() async throws {
        try await withGuestAPI(payments: true) { api in
            let dropout = try await withDropout(api)
            let stage = dropout.stage
            let give = ReassignmentRequest(householdId: dropout.member.householdId)
            func code(_ share: ShareView, _ key: String) async throws -> String? {
                try await api.post("/v1/shares/\(share.id)/reassignment", give, as: stage.member, key: key).code
            }
            #expect(try await code(dropout.organiser, "r1") == "forbidden")
            #expect(try await code(dropout.member, "r2") == "covers_itself")
            try await stage.expectRight()
        }
    }

    @Test func `Goodwill above the limit needs a second person`() async throws {
        try await withGuestAPI(payments: true) { api in
            let stage = try await Self.stage(api)
            let share = try await stage.own(of: stage.member)
            let amount = try #require(share.amount).amount
            for who in [stage.member, stage.organiser] {
                let (_, secret) = try await stage.secret(stage.own(of: who).id, as: who)
                #expect(try await stage.account.pay(secret) == "succeeded")
                try await stage.catchUp()
            }
            let park = stage.world.park.id
            let reception = try await api.given.staff([.reception, .finance], at: park)
            let finance = try await api.given.staff([.finance], at: park)
            let path = "/v1/admin/shares/\(share.id)/goodwill"
            func give(_ amount: Int64, as who: Given.Person) async throws -> GuestAPITestService.Response {
                try await api.post(
                    path,
                    GoodwillRequest(amount: amount, reason: "cold"),
                    as: who,
                    key: UUID().uuidString
                )
            }
            #expect(try await give(amount + 1, as: reception).code == "more_than_owed")
            #expect(try await give(1, as: stage.member).status == 403)
            #expect(try await give(5000, as: reception).status == 201)
            #expect(try await stage.own(of: stage.member).amount?.amount == amount - 5000)
            let asked = try await give(5001, as: reception)
            #expect(asked.status == 202)
            let goodwill = try asked.decode(Goodwill.self)
            let approval = "/v1/admin/goodwill/\(goodwill.id)/approval"
            #expect(try await api.post(approval, as: reception, key: "a1").code == "second_person_needed")
            #expect(try await stage.own(of: stage.member).amount?.amount == amount - 5000)
            for key in ["a2", "a3"] { #expect(try await api.post(approval, as: finance, key: key).status == 200) }
            #expect(try await stage.own(of: stage.member).amount?.amount == amount - 10001)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'goodwill' AND state = 'open'") == 0)
            try await api.work()
            let back = try await stage.account.list("refunds").compactMap { $0["amount"] as? Int64 }
            #expect(back.reduce(0, +) == 10001)
            #expect(try await stage.own(of: stage.member).state == .paid)
            try await stage.expectRight()
        }
    }

    /// A hold ends at the instant its payer pays: the stay becomes firm, or the money goes back exactly once.
    @Test func `A payment at the deadline either confirms the stay or goes back`() async throws {
        let rounds = ProcessInfo.processInfo.environment["VOORPRET_INSTANTS"].flatMap { Int($0) } ?? 30
        try await withGuestAPI(payments: true) { api in
            var rules = Given.rules
            rules.depositPercent = 30
            let world = try await api.given.park(cottages: 3, rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let account = try #require(api.account)
            var (firm, back) = (0, 0)
            for round in 0..<rounds {
                let arrival = try day("2027-01-04").adding(days: round % 200 * 2)
                let booking = try await api.given.booking(
                    of: group,
                    by: organiser,
                    in: world,
                    cottages: [world.cottages[round / 200 % 3]],
                    from: arrival.description,
                    to: arrival.adding(days: 2).description
                )
                let stage = Stage(
                    api: api,
                    account: account,
                    world: world,
                    organiser: organiser,
                    member: organiser,
                    booking: booking
                )
                let share = try await stage.own(of: organiser)
                let (id, secret) = try await stage.secret(share.id, as: organiser)
                api.clock.advance(by: 20 * 60 - 0.001)
                async let paid = account.pay(secret)
                async let worked: Void = {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...20)))
                    api.clock.advance(by: 0.001)
                    try await api.work()
                }()
                let status = try await paid
                try await worked
                for _ in 0..<20 where try await stage.state() == .held { try await stage.catchUp(after: 3) }
                try await stage.catchUp(after: 61)
                let state = try await stage.state()
                let attempt = try await stage.show(id, as: organiser).state
                if status == "succeeded" {
                    #expect(attempt == .succeeded)
                    firm += state == .confirmed ? 1 : 0
                    back += state == .confirmed ? 0 : 1
                } else {
                    #expect(attempt == .cancelled && state == .expired)
                }
            }
            let returned = try await account.list("refunds").count
            #expect(returned == min(back, 100))
            #expect(firm + back > 0)
            #expect(try await Office(api.app).checkLedger(withProvider: true) == [])
        }
    }
}
