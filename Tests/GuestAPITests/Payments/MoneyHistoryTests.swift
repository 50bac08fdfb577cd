import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Random groups do everything that moves money, through the service and the payment sandbox.
///
/// Afterwards the check of the ledger looks at each booking.
@Suite struct MoneyHistoryTests {
    /// The number of histories; `make check` sets a larger one.
    private static var histories: Int {
        ProcessInfo.processInfo.environment["VOORPRET_STAYS"].flatMap { Int($0) } ?? 20
    }

    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["VOORPRET_SEED"].flatMap { UInt64($0) } ?? 1
    }

    private enum Deed: String, CaseIterable {
        case pay, payWithDispute, debitComesBack, payAtTill, refundAtTill, order, takeBack, goodwill, agree, reassign
        case withdraw, endCover, moveTraveller, addTraveller, change, split, cancel, cancelByPark, decideDispute
        case refundInDashboard, handOver, back, undo, confirm, wait
    }

    private struct Shares: Decodable {
        let items: [ShareView]
    }

    /// One group with its stay.
    private struct History {
        let api: GuestAPITestService
        let account: SandboxAccount
        let world: Given.World
        let reception: Given.Person
        let finance: Given.Person
        let extra: Extra
        var people: [Given.Person]
        let group: TravelGroup.ID
        let booking: Booking.ID
        var random: SeededGenerator
        var keys = 0

        var path: String { "/v1/bookings/\(booking)" }

        mutating func key() -> String {
            keys += 1
            return "\(booking)-\(keys)"
        }

        mutating func pick<Item>(_ items: [Item]) -> Item? { items.randomElement(using: &random) }

        mutating func amount(upTo most: Int64) -> Int64 { most <= 1 ? 1 : 1 + Int64(random.next() % UInt64(most)) }

        func page() async throws -> TravelGroup {
            try await api.get("/v1/groups/\(group)", as: people[0]).decode(TravelGroup.self)
        }

        /// The present organiser, who may have changed.
        func organiser() async throws -> Given.Person {
            for person in people {
                let seen = try await api.get("/v1/groups/\(group)/invitations", as: person)
                if seen.status == 200 { return person }
            }
            return people[0]
        }

        func shares(as who: Given.Person) async throws -> [ShareView] {
            try await api.get("\(path)/shares", as: who).decode(Shares.self).items
        }

        func seen() async throws -> Booking { try await api.get(path, as: people[0]).decode(Booking.self) }

        func catchUp() async throws {
            api.clock.advance(by: 6)
            try await api.work()
        }
    }

    private func begin(_ seed: UInt64, _ api: GuestAPITestService) async throws -> History {
        var random = SeededGenerator(seed: seed)
        var rules = Given.rules
        rules.depositPercent = random.next() % 3 == 0 ? 0 : 30
        rules.touristTax = .init(personNight: 210, fromAge: 4)
        rules.goodwillLimit = 20_000
        rules.depositLapse = random.next() % 2 == 0 ? .asks : .cancels
        let world = try await api.given.park(cottages: 4, capacity: 12, rules: rules)
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        var people = [organiser]
        for _ in 0..<Int(random.next() % 6) {
            people.append(try await api.given.member(of: group, invitedBy: organiser))
        }
        if random.next() % 2 == 0 { _ = try await api.given.child(of: group, guardian: organiser) }
        let page = try await api.get("/v1/groups/\(group.id)", as: organiser).decode(TravelGroup.self)
        var request = try api.given.request(
            group,
            world,
            cottages: Array(world.cottages.prefix(1 + Int(random.next() % 2)))
        )
        request.travellerIds = page.travellers.map(\.id)
        let office = try await api.given.headOffice()
        let extra = try await api.post(
            "/v1/admin/parks/\(world.park.id)/extras",
            ExtraRequest(code: "bicycle", names: ["en": "Bicycle"], isDaily: false, price: 1250, stock: 1000),
            as: office
        ).decode(Extra.self)
        let placed = try await api.post("/v1/bookings", request, as: organiser, key: "place-\(group.id)")
        return History(
            api: api,
            account: try #require(api.account),
            world: world,
            reception: try await api.given.staff([.reception, .host], at: world.park.id),
            finance: try await api.given.staff([.finance], at: world.park.id),
            extra: extra,
            people: people,
            group: group.id,
            booking: try placed.decode(Booking.self).id,
            random: random
        )
    }

    /// Does the deed and returns the status; nil when there was nothing to do.
    private func act(_ deed: Deed, _ history: inout History) async throws -> Int? {
        let api = history.api
        guard let who = history.pick(history.people) else { return nil }
        let shares = try await history.shares(as: who)
        let own = shares.first(where: \.isOwn)
        switch deed {
        case .pay, .payWithDispute, .debitComesBack:
            guard let own else { return nil }
            let isDebit = deed == .debitComesBack
            let request = PaymentRequest(method: isDebit ? .sepaDebit : .card)
            let started = try await api.post("/v1/shares/\(own.id)/payments", request, as: who, key: history.key())
            guard started.status == 202 else { return started.status }
            try await api.work()
            let view = try await api.get("/v1/payments/\(started.decode(AttemptView.self).id)", as: who)
            guard let secret = try view.decode(AttemptView.self).clientSecret else { return nil }
            let method =
                switch deed {
                case .payWithDispute: "pm_card_createDispute"
                case .debitComesBack: "pm_sepa_debit_comes_back"
                default: history.random.next() % 4 == 0 ? "pm_card_refundFail" : "pm_card_visa"
                }
            _ = try await history.account.pay(secret, with: method)
            try await history.catchUp()
            return 202
        case .payAtTill:
            guard let share = history.pick(shares) else { return nil }
            let request = TillPaymentRequest(method: .cash, amount: history.amount(upTo: 20_000))
            let path = "/v1/admin/shares/\(share.id)/till-payments"
            return try await api.post(path, request, as: history.reception, key: history.key()).status
        case .refundAtTill:
            let all = try await history.shares(as: history.reception)
            let over = all.filter { $0.paid?.amount ?? 0 > $0.amount?.amount ?? 0 }
            guard let share = history.pick(over) ?? history.pick(all) else { return nil }
            let most = (share.paid?.amount ?? 0) - (share.amount?.amount ?? 0)
            let request = TillPaymentRequest(method: .cash, amount: history.amount(upTo: most))
            let path = "/v1/admin/shares/\(share.id)/till-refunds"
            return try await api.post(path, request, as: history.reception, key: history.key()).status
        case .order:
            let order = ExtraOrderRequest(
                extraId: history.extra.id,
                from: try await history.seen().stay.arrival,
                quantity: 1 + Int(history.random.next() % 4),
                householdId: history.random.next() % 3 == 0 ? nil : own?.householdId
            )
            return try await api.post("\(history.path)/extras", order, as: who, key: history.key()).status
        case .takeBack:
            guard let order = history.pick(try await history.seen().extras) else { return nil }
            return try await api.send("DELETE", "\(history.path)/extras/\(order.id)", as: who).status
        case .goodwill:
            guard let share = history.pick(shares) else { return nil }
            let gift = GoodwillRequest(amount: history.amount(upTo: 9000), reason: "cold water")
            let path = "/v1/admin/shares/\(share.id)/goodwill"
            return try await api.post(path, gift, as: history.reception, key: history.key()).status
        case .agree:
            guard let own else { return nil }
            return try await api.change(
                "POST",
                "/v1/shares/\(own.id)/agreement",
                [String: String](),
                as: who,
                match: own.version,
                key: history.key()
            ).status
        case .reassign:
            guard let own, let other = history.pick(shares) else { return nil }
            let request = ReassignmentRequest(householdId: other.householdId)
            return try await api.post("/v1/shares/\(own.id)/reassignment", request, as: who, key: history.key()).status
        case .withdraw:
            guard let own else { return nil }
            return try await api.post("/v1/shares/\(own.id)/withdrawal", as: who, key: history.key()).status
        case .endCover:
            guard let share = history.pick(shares.filter { $0.coveredBy != nil }) else { return nil }
            for person in history.people {
                let status = try await api.send("DELETE", "/v1/shares/\(share.id)/cover", as: person).status
                if status < 300 { return status }
            }
            return 409
        case .moveTraveller:
            let page = try await history.page()
            guard let traveller = history.pick(page.travellers), let home = history.pick(page.households) else {
                return nil
            }
            let path = "/v1/groups/\(history.group)/travellers/\(traveller.id)"
            let change = ["householdId": home.id.description]
            return try await api.change("PATCH", path, change, as: history.organiser(), match: traveller.version).status
        case .addTraveller:
            let friend = TravellerRequest(name: "Friend", birthDate: nil)
            let added = try await api.post("/v1/groups/\(history.group)/travellers", friend, as: who)
            guard added.status == 201 else { return added.status }
            var change = BookingChange()
            change.travellerIds = try await history.seen().travellerIds + [added.decode(Traveller.self).id]
            return try await make(change, &history)
        case .change:
            var change = BookingChange()
            let stay = try await history.seen().stay
            let nights = 1 + Int(history.random.next() % 6)
            change.stay = Stay(from: stay.arrival, to: stay.arrival.adding(days: nights))
            if history.random.next() % 2 == 0 {
                let count = 1 + Int(history.random.next() % 3)
                change.cottages = history.world.cottages.prefix(count).map { .init(cottage: $0.id) }
            }
            return try await make(change, &history)
        case .split:
            let ways: [SplitRule] = [
                SplitRule(.equally), SplitRule(.byHousehold), SplitRule(.byNights),
                SplitRule(.byCottage, freeBelowAge: 4),
                SplitRule(
                    .byWeights,
                    weights: shares.enumerated().map { .init(householdId: $1.householdId, weight: Int64($0 % 3 + 1)) }
                ),
            ]
            guard let rule = history.pick(ways) else { return nil }
            return try await api.change("PUT", "\(history.path)/shares", rule, as: history.organiser()).status
        case .cancel:
            return try await api.post("\(history.path)/cancel", as: history.organiser(), key: history.key()).status
        case .cancelByPark:
            let request = CancellationRequest(reason: "The roof is gone.", isByPark: true)
            return try await api.post("\(history.path)/cancel", request, as: history.reception, key: history.key())
                .status
        case .decideDispute:
            guard let id = history.pick(try await history.account.list("disputes").compactMap { $0["id"] as? String })
            else {
                return nil
            }
            let words = history.random.next() % 2 == 0 ? "winning_evidence" : "losing_evidence"
            let answer = try await history.account.ask(
                "POST",
                "/v1/disputes/\(id)",
                ["evidence[uncategorized_text]": words]
            )
            try await ReadBooks.read(api.app)
            try await history.catchUp()
            return answer.status == 200 ? 200 : 409
        case .refundInDashboard:
            let paid = try await history.account.list("payment_intents").filter {
                $0["status"] as? String == "succeeded"
            }
            guard let intent = history.pick(paid)?["id"] as? String else { return nil }
            let form = ["payment_intent": intent, "amount": "\(history.amount(upTo: 3000))"]
            let answer = try await history.account.ask("POST", "/v1/refunds", form)
            try await ReadBooks.read(api.app)
            try await history.catchUp()
            return answer.status == 200 ? 200 : 409
        case .handOver:
            let travellers = try await history.page().travellers.filter { $0.role == .member }
            guard let next = history.pick(travellers) else { return nil }
            let path = "/v1/groups/\(history.group)/organiser"
            return try await api.post(path, HandOver(travellerId: next.id), as: history.organiser()).status
        case .back:
            return try await api.change(
                "POST",
                "\(history.path)/backing",
                [String: String](),
                as: history.organiser(),
                match: history.seen().version,
                key: history.key()
            ).status
        case .undo:
            let request = MistakeRequest(.change, reason: "typed wrong")
            return try await api.post("\(history.path)/undo", request, as: history.reception, key: history.key()).status
        case .confirm:
            let request = ReasonRequest(reason: "regulars")
            return try await api.post("\(history.path)/confirm", request, as: history.reception, key: history.key())
                .status
        case .wait:
            try await history.catchUp()
            return 200
        }
    }

    private func make(_ change: BookingChange, _ history: inout History) async throws -> Int {
        let isDesk = history.random.next() % 3 == 0
        let who = isDesk ? history.reception : try await history.organiser()
        let quoted = try await history.api.post("\(history.path)/quotes", change, as: who)
        guard quoted.status == 201 else { return quoted.status }
        let quote = try quoted.decode(Quote.self)
        return try await history.api.change(
            "POST",
            "\(history.path)/changes",
            QuotedChange(quoteId: quote.id, reason: isDesk ? "by telephone" : nil),
            as: who,
            match: quote.bookingVersion,
            key: history.key()
        ).status
    }

    /// The findings of a check after all open work has finished.
    ///
    /// The service repeats an unanswered question to the provider later, so the clock advances until the check is
    /// right. A real contradiction stays.
    private static func remaining<Finding>(
        _ api: GuestAPITestService,
        _ check: () async throws -> [Finding]
    ) async throws -> [Finding] {
        var found = try await check()
        for _ in 0..<20 where !found.isEmpty {
            api.clock.advance(by: 60)
            try await api.work()
            try await ReadBooks.read(api.app)
            found = try await check()
        }
        return found
    }

    @Test func `The ledger is right after random histories of a booking's money`() async throws {
        var done: [Deed: Int] = [:]
        try await withGuestAPI(payments: true) { api in
            for number in 0..<UInt64(Self.histories) {
                let seed = Self.seed &+ number
                var history = try await begin(seed, api)
                var told: [String] = []
                for _ in 0..<30 {
                    // A cancellation comes late, so that other things happen before it.
                    let isLate = told.count > 20
                    let deeds = Deed.allCases.filter { isLate || ($0 != .cancel && $0 != .cancelByPark) }
                    guard let deed = history.pick(deeds) else { continue }
                    let status = try await act(deed, &history)
                    told.append("\(deed) \(status ?? 0)")
                    if let status, (200..<300).contains(status) { done[deed, default: 0] += 1 }
                    #expect((status ?? 0) < 500 && status != 400, "seed \(seed): \(told)")
                    let total = try await history.seen().total.amount
                    let owed = try await history.shares(as: history.organiser()).reduce(0) {
                        $0 + ($1.amount?.amount ?? 0)
                    }
                    #expect(owed == total, "seed \(seed): \(told)")
                }
                // All open work finishes.
                for _ in 0..<3 { try await history.catchUp() }
                try await ReadBooks.read(api.app)
                for _ in 0..<3 { try await history.catchUp() }
                let booking = history.booking
                let found = try await Self.remaining(api) {
                    try await api.transaction { tx in
                        try await tx.all(CheckSQL.contradictions(in: [booking]))
                            + tx.all(CheckSQL.missing(atProvider: [booking]))
                    }
                }
                #expect(found.isEmpty, "seed \(seed): \(found), after \(told)")
                guard found.isEmpty else { return }
            }
            let differences = try await Self.remaining(api) {
                try await Office(api.app).checkLedger(withProvider: true)
            }
            #expect(differences == [])
        }
        // Every deed must have happened, because a deed that never happened proves nothing.
        for deed in Deed.allCases { #expect(done[deed, default: 0] > 0, "\(deed) never happened: \(done)") }
    }
}
