import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct SharesTests {
    /// Two households in one cottage for three nights: 3 × 120 in a weekend and cleaning.
    func stage(_ api: GuestAPITestService, deposit: Int = 0) async throws -> Given.BookedStay {
        var rules = Given.rules
        rules.depositPercent = deposit
        return try await api.given.stay(rules: rules)
    }

    func differences(_ api: GuestAPITestService) async throws -> [String] {
        try await Office(api.app).checkLedger()
    }

    @Test func `A member sees only their own share's amount`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let all = try await stage.shares(as: stage.organiser)
            #expect(all.compactMap(\.amount?.amount).reduce(0, +) == stage.booking.total.amount)
            let seen = try await stage.shares(as: stage.member)
            #expect(seen.count == 2 && seen.filter { $0.amount != nil }.count == 1)
            #expect(seen.first { $0.amount != nil }?.isOwn == true)
            let mine = try await stage.share(of: stage.member)
            let rule = SplitRule(.byWeights, weights: [.init(householdId: mine.householdId, weight: 1)])
            let preview = try await api.post("\(stage.path)/shares/preview", rule, as: stage.organiser)
            #expect(preview.text.contains("\(stage.booking.total.amount)"))
            #expect(try await stage.share(of: stage.member) == mine)
            let put = "\(stage.path)/shares"
            #expect(try await api.change("PUT", put, rule, as: stage.member).status == 403)
            #expect(try await api.change("PUT", put, rule, as: stage.organiser).status == 200)
            // The organiser changes the rule, so the member is asked to agree.
            let asked = try await stage.share(of: stage.member)
            #expect(asked.asked == stage.booking.total && asked.amount == mine.amount)
            let stranger = SplitRule(
                .byWeights,
                weights: [.init(householdId: Household.ID(UUID()), weight: 1)]
            )
            #expect(try await api.change("PUT", put, stranger, as: stage.organiser).code == "split_names_stranger")
            let less = SplitRule(.exactly, amounts: [.init(householdId: mine.householdId, amount: 1)])
            #expect(try await api.change("PUT", put, less, as: stage.organiser).code == "split_differs")
            let other = try await api.given.guest()
            #expect(try await api.get(put, as: other).status == 404)
            #expect(try await differences(api).isEmpty)
        }
    }

    @Test func `The booking is firm when any payers have covered its deposit`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, deposit: 30)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let confirm = "\(stage.path)/confirm"
            #expect(try await api.post(confirm, as: stage.organiser, key: "c1").code == "deposit_open")
            let share = try await stage.share(of: stage.member)
            let deposit = stage.booking.deposit.amount
            let till = "/v1/admin/shares/\(share.id)/till-payments"
            let first = TillPaymentRequest(method: .cash, amount: deposit - 1)
            #expect(try await api.post(till, first, as: reception, key: "p1").status == 201)
            #expect(try await api.get(stage.path, as: stage.organiser).decode(Booking.self).state == .held)
            let last = TillPaymentRequest(method: .terminal, amount: 1, reference: "slip 7")
            // The same tap twice makes one payment.
            for _ in 0..<2 { #expect(try await api.post(till, last, as: reception, key: "p2").status == 201) }
            let firm = try await api.get(stage.path, as: stage.organiser).decode(Booking.self)
            #expect(firm.state == .confirmed && firm.isDepositCovered && !firm.isPaid)
            #expect(try await stage.share(of: stage.member).state == .partlyPaid)
            let rest = try #require(share.amount).amount - deposit
            let tooMuch = TillPaymentRequest(method: .cash, amount: rest + 1)
            #expect(try await api.post(till, tooMuch, as: reception, key: "p3").code == "more_than_open")
            let all = TillPaymentRequest(method: .giftCard, amount: rest, reference: "G-1")
            #expect(try await api.post(till, all, as: reception, key: "p4").status == 201)
            #expect(try await stage.share(of: stage.member).state == .paid)
            #expect(try await differences(api).isEmpty)
        }
    }

    @Test func `A paid share rises only with the household's agreement`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let before = try await stage.share(of: stage.member)
            let amount = try #require(before.amount).amount
            let pay = TillPaymentRequest(method: .cash, amount: amount)
            let till = "/v1/admin/shares/\(before.id)/till-payments"
            #expect(try await api.post(till, pay, as: reception, key: "p").status == 201)
            let booking = try await api.get(stage.path, as: stage.organiser).decode(Booking.self)
            let change = BookingChange(stay: try stay("2027-05-14", "2027-05-19"))
            let quote = try await api.post("\(stage.path)/quotes", change, as: stage.organiser).decode(Quote.self)
            let changed = try await api.change(
                "POST",
                "\(stage.path)/changes",
                QuotedChange(quoteId: quote.id),
                as: stage.organiser,
                match: booking.version,
                key: "ch"
            ).decode(Booking.self)
            let asked = try await stage.share(of: stage.member)
            #expect(asked.amount?.amount == amount && asked.state == .paid)
            #expect(asked.asked?.amount == changed.total.amount / 2)
            let backstop = try await stage.share(of: stage.organiser)
            #expect(backstop.amount?.amount == changed.total.amount - amount)
            // Only the household itself agrees, once.
            let agreement = "/v1/shares/\(asked.id)/agreement"
            func agree(
                _ who: Given.Person,
                _ version: Int,
                _ key: String
            ) async throws
                -> GuestAPITestService.Response
            {
                try await api.send("POST", agreement, as: who, key: key, match: version)
            }
            #expect(try await agree(stage.organiser, asked.version, "a0").status == 403)
            #expect(try await agree(stage.member, asked.version - 1, "a1").status == 412)
            #expect(try await agree(stage.member, asked.version, "a2").status == 200)
            let agreed = try await stage.share(of: stage.member)
            #expect(try await agree(stage.member, agreed.version, "a3").code == "nothing_asked")
            #expect(agreed.amount?.amount == changed.total.amount / 2 && agreed.asked == nil)
            #expect(agreed.state == .partlyPaid)
            // The household ordered the extra itself, so it need not agree again.
            let office = try await api.given.headOffice()
            let extra = try await api.post(
                "/v1/admin/parks/\(stage.world.park.id)/extras",
                ExtraRequest(code: "bike", names: ["en": "Bicycle"], isDaily: true, price: 900, stock: 3),
                as: office
            ).decode(Extra.self)
            let page = try await api.get("/v1/groups/\(try #require(booking.groupId))", as: stage.member)
                .decode(TravelGroup.self)
            let household = try #require(page.households.first { $0.id == agreed.householdId })
            let order = ExtraOrderRequest(
                extraId: extra.id,
                from: try day("2027-05-14"),
                householdId: household.id
            )
            #expect(try await api.post("\(stage.path)/extras", order, as: stage.member, key: "e").status == 201)
            #expect(try await stage.share(of: stage.member).amount?.amount == changed.total.amount / 2 + 900)
            #expect(try await differences(api).isEmpty)
        }
    }

    @Test func `A household with an open share is reminded by mail`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let own = try await stage.share(of: stage.organiser)
            let pay = TillPaymentRequest(method: .cash, amount: try #require(own.amount).amount)
            let till = "/v1/admin/shares/\(own.id)/till-payments"
            #expect(try await api.post(till, pay, as: reception, key: "p").status == 201)
            let due = try await stage.share(of: stage.member).due
            #expect(due == stage.booking.stay.arrival.adding(days: -28))
            /// The mails that came after the scheduler ran at noon of a day.
            func mails(on day: LocalDate) async throws -> [Int] {
                let noon = Double(day.daysSince1970) * 86400 + 12 * 3600
                api.clock.advance(by: noon - api.now.timeIntervalSince1970)
                for _ in 0..<2 {
                    try await Scheduler(app: api.app).tick()
                    try await api.work()
                }
                return try [stage.organiser, stage.member].map { who in
                    try api.mails(to: who.email).filter {
                        $0.contains("open. It is due by") || $0.contains("was due on")
                    }.count
                }
            }
            #expect(try await mails(on: due.adding(days: -8)) == [0, 0])
            #expect(try await mails(on: due.adding(days: -7)) == [0, 1])
            #expect(try await mails(on: due) == [0, 1])
            #expect(try await mails(on: due.adding(days: 1)) == [1, 2])
            #expect(try await mails(on: due.adding(days: 2)) == [1, 2])
            #expect(try await mails(on: due.adding(days: 8)) == [2, 3])
            let letter = try #require(try api.mails(to: stage.organiser.email).last { $0.contains("was due on") })
            #expect(letter.contains(try #require(try await stage.share(of: stage.member).amount).plainText))
            // The fee is half the price, so no money goes back until the member has paid its part of the fee.
            let cancel = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x").decode(Booking.self)
            #expect(cancel.state == .cancelled)
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 0)
            let fee = try await stage.share(of: stage.member)
            let rest = TillPaymentRequest(method: .cash, amount: try #require(fee.amount).amount)
            let ofMember = "/v1/admin/shares/\(fee.id)/till-payments"
            #expect(try await api.post(ofMember, rest, as: reception, key: "r").status == 201)
            // After this the desk gets one task.
            for _ in 0..<2 { _ = try await mails(on: due.adding(days: 9)) }
            _ = try await mails(on: due.adding(days: 10))
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund' AND state = 'open'") == 1)
        }
    }

    @Test func `Exact split amounts end when their hold expires`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let all = try await stage.shares(as: stage.organiser)
            let half = stage.booking.total.amount / 4
            let rule = SplitRule(
                .exactly,
                amounts: [
                    .init(householdId: all[0].householdId, amount: half),
                    .init(householdId: all[1].householdId, amount: stage.booking.total.amount - half),
                ]
            )
            #expect(try await api.change("PUT", "\(stage.path)/shares", rule, as: stage.organiser).status == 200)
            api.clock.advance(by: 21 * 60)
            try await api.work()
            let expired = try await stage.shares(as: stage.organiser)
            #expect(expired.allSatisfy { $0.amount?.amount == 0 && $0.state == .paid })
            let pay = TillPaymentRequest(method: .cash, amount: 1)
            let till = "/v1/admin/shares/\(all[1].id)/till-payments"
            #expect(try await api.post(till, pay, as: reception, key: "p").code == "hold_expired")
            #expect(try await differences(api).isEmpty)
        }
    }

    @Test func `A member cannot move into another household alone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let group = try #require(stage.booking.groupId)
            let page = try await api.get("/v1/groups/\(group)", as: stage.member).decode(TravelGroup.self)
            let organiser = try #require(page.travellers.first { $0.role == .organiser })
            let member = try #require(page.travellers.first { $0.role == .member })
            let path = "/v1/groups/\(group)/travellers/\(member.id)"
            let move = TravellerChange(householdId: organiser.householdId)
            #expect(try await api.change("PATCH", path, move, as: stage.member, match: 1).status == 403)
            let child = try await api.post(
                "/v1/groups/\(group)/travellers",
                TravellerRequest(
                    name: "Kim",
                    birthDate: try day("2019-06-01"),
                    householdId: member.householdId,
                    guardianId: organiser.id
                ),
                as: stage.organiser
            ).decode(Traveller.self)
            let take = TravellerChange(guardianId: member.id)
            let ofChild = "/v1/groups/\(group)/travellers/\(child.id)"
            #expect(try await api.change("PATCH", ofChild, take, as: stage.member, match: 1).status == 403)
            #expect(try await api.change("PATCH", ofChild, take, as: stage.organiser, match: 1).status == 200)
        }
    }

    @Test func `A park can require full payment before check-in`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.paidCheckIn = true
            let world = try await api.given.park(rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(
                of: group,
                by: organiser,
                in: world,
                from: "2026-11-21",
                to: "2026-11-23"
            )
            let path = "/v1/bookings/\(booking.id)"
            _ = try await api.post("\(path)/confirm", as: organiser, key: "c")
            #expect(try await api.post("\(path)/check-in", as: organiser, key: "i1").code == "not_paid")
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let share = try #require(
                try await api.get("\(path)/shares", as: organiser).decode(Listed<ShareView>.self).items.first
            )
            let pay = TillPaymentRequest(method: .cash, amount: booking.total.amount)
            let till = "/v1/admin/shares/\(share.id)/till-payments"
            #expect(try await api.post(till, pay, as: reception, key: "p").status == 201)
            #expect(try await api.post("\(path)/check-in", as: organiser, key: "i2").status == 200)
        }
    }

    @Test func `The schema refuses a journal that does not balance`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            func journal(_ amounts: [Int64]) -> Journal {
                Journal(
                    key: UUID().uuidString,
                    park: world.park.id,
                    reason: "test",
                    day: LocalDate(daysSince1970: 20_000),
                    currency: "EUR",
                    entries: amounts.map { .init(account: .cash, amount: $0) }
                )
            }
            try await api.transaction { journal([5, -5]).post(api.app.act(in: $0, as: .job("test"))) }
            await #expect(throws: PostgresError.self) {
                try await api.transaction { journal([5, -4]).post(api.app.act(in: $0, as: .job("test"))) }
            }
            for change: SQL in ["UPDATE entry SET amount = 6", "DELETE FROM journal", "DELETE FROM entry"] {
                await #expect(throws: PostgresError.self) {
                    try await api.transaction { tx in try await tx.run(Command(change)) }
                }
            }
            #expect(try await api.count("SELECT count(*) FROM journal") == 1)
        }
    }

    @Test func `The ledger check finds shares that contradict the price`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api)
            #expect(try await differences(api).isEmpty)
            try await api.transaction { tx in
                try await tx.run(Command("UPDATE share SET paid = paid + 1 WHERE booking_id = \(stage.booking.id)"))
                try await tx.run(Command("UPDATE share SET amount = amount + 1 WHERE booking_id = \(stage.booking.id)"))
            }
            let found = try await differences(api)
            #expect(found.filter { $0.contains("share is not paid") }.count == 2)
            #expect(found.filter { $0.contains("shares are not the price") }.count == 1)
        }
    }
}
