import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// A booking's statement through the service: consent, covers, refunds and the check of the ledger.
@Suite struct StatementTests {
    struct Shares: Decodable {
        let items: [ShareView]
    }

    /// Two households, each with one adult, in one cottage for three nights: 34,000 of nights and 5,000 of cleaning.
    struct Stage: Sendable {
        let api: GuestAPITestService
        let world: Given.World
        let organiser: Given.Person
        let member: Given.Person
        let group: TravelGroup
        let booking: Booking
        let reception: Given.Person
        let bicycle: Extra
        var path: String { "/v1/bookings/\(booking.id)" }

        func own(of who: Given.Person) async throws -> ShareView {
            try #require(try await api.get("\(path)/shares", as: who).decode(Shares.self).items.first { $0.isOwn })
        }

        func owed(of who: Given.Person) async throws -> Int64 { try #require(try await own(of: who).amount).amount }

        func seen() async throws -> Booking { try await api.get(path, as: organiser).decode(Booking.self) }

        @discardableResult
        func pay(_ amount: Int64, for who: Given.Person) async throws -> GuestAPITestService.Response {
            let request = TillPaymentRequest(method: .cash, amount: amount)
            return try await api.post(
                "/v1/admin/shares/\(own(of: who).id)/till-payments",
                request,
                as: reception,
                key: UUID().uuidString
            )
        }

        func order(
            by who: Given.Person,
            for household: Household.ID?
        ) async throws -> GuestAPITestService.Response {
            let order = ExtraOrderRequest(
                extraId: bicycle.id,
                from: try day("2027-05-14"),
                householdId: household
            )
            return try await api.post("\(path)/extras", order, as: who, key: UUID().uuidString)
        }

        /// Changes the booking by a quote, as the given person.
        func change(
            _ change: BookingChange,
            as who: Given.Person,
            reason: String? = nil
        ) async throws
            -> GuestAPITestService.Response
        {
            let quote = try await api.post("\(path)/quotes", change, as: who).decode(Quote.self)
            return try await api.change(
                "POST",
                "\(path)/changes",
                QuotedChange(quoteId: quote.id, reason: reason),
                as: who,
                match: quote.bookingVersion,
                key: UUID().uuidString
            )
        }

        func expectRight() async throws {
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    func stage(
        _ api: GuestAPITestService,
        deposit: Int = 0,
        tax: Bool = false,
        lapse: HouseRules.DepositLapse? = nil
    ) async throws -> Stage {
        var rules = Given.rules
        rules.depositLapse = lapse
        rules.depositPercent = deposit
        rules.cancellation = [.init(days: 28, percent: 30), .init(days: 7, percent: 60)]
        if tax { rules.touristTax = .init(personNight: 168, fromAge: 4) }
        let world = try await api.given.park(rules: rules)
        let organiser = try await api.given.guest("Ada")
        let group = try await api.given.group(of: organiser)
        let member = try await api.given.member(of: group, invitedBy: organiser)
        let page = try await api.get("/v1/groups/\(group.id)", as: organiser).decode(TravelGroup.self)
        var request = try api.given.request(group, world)
        request.travellerIds = page.travellers.map(\.id)
        let booking = try await api.post("/v1/bookings", request, as: organiser, key: "b").decode(Booking.self)
        let office = try await api.given.headOffice()
        let bicycle = try await api.post(
            "/v1/admin/parks/\(world.park.id)/extras",
            ExtraRequest(code: "bike", names: ["en": "Bicycle"], isDaily: true, price: 1250, stock: 30),
            as: office
        ).decode(Extra.self)
        return Stage(
            api: api,
            world: world,
            organiser: organiser,
            member: member,
            group: page,
            booking: booking,
            reception: try await api.given.staff([.reception, .host], at: world.park.id),
            bicycle: bicycle
        )
    }

    // MARK: Consent

    /// A child of the organiser's household moves to the member's household, whose share was paid; returns the share
    /// before.
    private func withMovedChild(_ api: GuestAPITestService) async throws -> (stage: Stage, before: Int64) {
        let stage = try await stage(api)
        let own = try await stage.own(of: stage.member)
        let child = try await api.given.child(of: stage.group, guardian: stage.organiser)
        let change = BookingChange(travellerIds: stage.booking.travellerIds + [child.id])
        #expect(try await stage.change(change, as: stage.organiser).status == 200)
        try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
        let before = try await stage.owed(of: stage.member)
        let moved = try await api.change(
            "PATCH",
            "/v1/groups/\(stage.group.id)/travellers/\(child.id)",
            TravellerChange(householdId: own.householdId),
            as: stage.organiser,
            match: child.version
        )
        #expect(moved.status == 200)
        return (stage, before)
    }

    @Test func `Moving a traveller raises no household's share without its agreement`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withMovedChild(api)
            let own = try await stage.own(of: stage.member)
            #expect(own.amount?.amount == before && (own.asked?.amount ?? 0) > before)
            try await stage.expectRight()
        }
    }

    @Test func `An order of an extra is an agreement to its price only`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withMovedChild(api)
            let own = try await stage.own(of: stage.member)
            #expect(try await stage.order(by: stage.member, for: own.householdId).status == 201)
            #expect(try await stage.owed(of: stage.member) == before + 1250)
            try await stage.expectRight()
        }
    }

    @Test func `A new organiser owes only their part until accepting the backstop`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let half = try await stage.owed(of: stage.member)
            try await stage.pay(half, for: stage.member)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-19"))
            #expect(try await stage.change(longer, as: stage.organiser).status == 200)
            let successor = try #require(stage.group.travellers.first { $0.role == .member })
            let hand = try await api.post(
                "/v1/groups/\(stage.group.id)/organiser",
                HandOver(travellerId: successor.id),
                as: stage.organiser
            )
            #expect(hand.status == 204)
            let total = try await stage.seen().total.amount
            #expect(try await stage.owed(of: stage.member) == half)
            #expect(try await stage.owed(of: stage.organiser) == total - half)
            // A more expensive stay would add to the former organiser's debt, so the new organiser must accept first.
            let one = BookingChange(stay: try stay("2027-05-14", "2027-05-20"))
            #expect(try await stage.change(one, as: stage.member).code == "backing_open")
            #expect(try await stage.order(by: stage.member, for: nil).code == "backing_open")
            #expect(try await stage.order(by: stage.organiser, for: nil).status == 403)
            let statement = try await api.get("\(stage.path)/statement", as: stage.member).decode(StatementView.self)
            #expect(!statement.isOrganiserAnswering && statement.parts.count == 2)
            func accept(_ who: Given.Person, _ version: Int, _ key: String) async throws -> Int {
                try await api.send("POST", "\(stage.path)/backing", as: who, key: key, match: version).status
            }
            let version = try await stage.seen().version
            #expect(try await accept(stage.organiser, version, "1") == 403)
            #expect(try await accept(stage.member, version - 1, "2") == 412)
            #expect(try await accept(stage.member, version, "3") == 200)
            #expect(try await stage.owed(of: stage.organiser) == total / 2)
            #expect(try await stage.owed(of: stage.member) == total - total / 2)
            #expect(try await stage.change(one, as: stage.member).status == 200)
            try await stage.expectRight()
        }
    }

    /// The organiser has lengthened the stay and erased the account; returns the member's share before.
    private func withErasedOrganiser(_ api: GuestAPITestService) async throws -> (stage: Stage, before: Int64) {
        let stage = try await stage(api)
        let before = try await stage.owed(of: stage.member)
        let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-19"))
        #expect(try await stage.change(longer, as: stage.organiser).status == 200)
        #expect(try await api.send("DELETE", "/v1/me", as: stage.organiser).status == 200)
        return (stage, before)
    }

    @Test func `An organiser's erasure raises no other household's share`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withErasedOrganiser(api)
            #expect(try await stage.owed(of: stage.member) == before)
            try await stage.expectRight()
        }
    }

    @Test func `An organiser's erasure leaves a task until a successor accepts the backstop`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withErasedOrganiser(api)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'backstop'") == 1)
            let version = try await api.get(stage.path, as: stage.member).decode(Booking.self).version
            let accepted = try await api.send(
                "POST",
                "\(stage.path)/backing",
                as: stage.member,
                key: "a",
                match: version
            )
            #expect(accepted.status == 200)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'backstop' AND state = 'open'") == 0)
            try await stage.expectRight()
        }
    }

    /// A member has asked a third household to take over its share.
    private struct Cover {
        let stage: Stage
        let taker: Given.Person
        /// The amounts before, minor units.
        let given: Int64
        let takers: Int64
        let request: ReassignmentRequest
        let path: String
    }

    private func withCover(_ api: GuestAPITestService) async throws -> Cover {
        let stage = try await stage(api)
        let taker = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
        let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
        let join = BookingChange(travellerIds: page.travellers.map(\.id))
        #expect(try await stage.change(join, as: stage.organiser).status == 200)
        let (own, third) = (try await stage.own(of: stage.member), try await stage.own(of: taker))
        let cover = Cover(
            stage: stage,
            taker: taker,
            given: try #require(own.amount).amount,
            takers: try #require(third.amount).amount,
            request: ReassignmentRequest(householdId: third.householdId),
            path: "/v1/shares/\(own.id)"
        )
        let given = try await api.post("\(cover.path)/reassignment", cover.request, as: stage.member, key: "g")
        #expect(given.status == 200)
        return cover
    }

    @Test func `The taker of a given-away share is asked to agree`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let asked = try await cover.stage.own(of: cover.taker)
            #expect(asked.amount?.amount == cover.takers && asked.asked?.amount == cover.given + cover.takers)
            #expect(try await cover.stage.owed(of: cover.stage.member) == 0)
            try await cover.stage.expectRight()
        }
    }

    @Test func `Only the two households of a share's takeover can end it`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let (stage, path) = (cover.stage, "\(cover.path)/cover")
            #expect(try await api.send("DELETE", path, as: stage.organiser).status == 403)
            #expect(try await api.send("DELETE", path, as: cover.taker).status == 200)
            #expect(try await api.send("DELETE", path, as: stage.member).code == "not_covered")
            #expect(try await stage.owed(of: stage.member) == cover.given)
            let again = try await api.post("\(cover.path)/reassignment", cover.request, as: stage.member, key: "h")
            #expect(again.status == 200)
            #expect(try await api.send("DELETE", path, as: stage.member).status == 200)
            try await stage.expectRight()
        }
    }

    @Test func `A share's takeover cannot be ended once the taker has paid`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let stage = cover.stage
            // A payment is an agreement; the taker's own part is filled first.
            try await stage.pay(cover.takers, for: cover.taker)
            #expect(try await stage.owed(of: cover.taker) == cover.takers)
            try await stage.pay(cover.given, for: cover.taker)
            #expect(try await stage.own(of: cover.taker).state == .paid)
            #expect(try await api.send("DELETE", "\(cover.path)/cover", as: stage.member).code == "cover_is_paid")
            // The taker cannot avoid the share by giving up its own share.
            let own = try await stage.own(of: cover.taker)
            let out = try await api.post("/v1/shares/\(own.id)/withdrawal", as: cover.taker, key: "w")
            #expect(out.code == "cover_is_paid")
            try await stage.expectRight()
        }
    }

    @Test func `The organiser's household cannot give its share away`() async throws {
        try await withGuestAPI { api in
            let cover = try await withCover(api)
            let own = try await cover.stage.own(of: cover.stage.organiser)
            let path = "/v1/shares/\(own.id)/reassignment"
            let away = try await api.post(path, cover.request, as: cover.stage.organiser, key: "o")
            #expect(away.code == "organiser_answers")
            try await cover.stage.expectRight()
        }
    }

    @Test func `An extra ordered for everybody needs the other households' agreement`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            try await stage.pay(try #require(own.amount).amount, for: stage.member)
            #expect(try await stage.order(by: stage.organiser, for: nil).status == 201)
            let asked = try await stage.own(of: stage.member)
            #expect(asked.amount == own.amount && asked.asked?.amount == (own.amount?.amount ?? 0) + 625)
            try await stage.expectRight()
        }
    }

    @Test func `Taking back an order of an extra leaves the share as before`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            try await stage.pay(try #require(own.amount).amount, for: stage.member)
            // The request to agree to the organiser's order also stays as it is.
            #expect(try await stage.order(by: stage.organiser, for: nil).status == 201)
            let asked = try await stage.own(of: stage.member)
            let ordered = try await stage.order(by: stage.member, for: own.householdId).decode(Booking.self)
            #expect(try await stage.owed(of: stage.member) == (own.amount?.amount ?? 0) + 1250)
            let order = try #require(ordered.extras.last { $0.householdId == own.householdId })
            #expect(try await api.send("DELETE", "\(stage.path)/extras/\(order.id)", as: stage.organiser).status == 403)
            #expect(try await api.send("DELETE", "\(stage.path)/extras/\(order.id)", as: stage.member).status == 200)
            let after = try await stage.own(of: stage.member)
            #expect(after.amount == own.amount && after.asked == asked.asked)
            try await stage.expectRight()
        }
    }

    @Test func `Undoing a booking change revives no agreement that has ended since`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            func split(_ rule: SplitRule) async throws {
                #expect(try await api.change("PUT", "\(stage.path)/shares", rule, as: stage.organiser).status == 200)
            }
            let all = SplitRule(.byWeights, weights: [.init(householdId: own.householdId, weight: 1)])
            try await split(all)
            let asked = try await stage.own(of: stage.member)
            let path = "/v1/shares/\(own.id)/agreement"
            let agreed = try await api.send("POST", path, as: stage.member, key: "a", match: asked.version)
            #expect(agreed.status == 200)
            api.clock.advance(by: 1)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            #expect(try await stage.change(longer, as: stage.organiser).status == 200)
            api.clock.advance(by: 1)
            try await split(SplitRule(.equally))
            api.clock.advance(by: 1)
            try await split(all)
            let before = try await stage.owed(of: stage.member)
            struct Undo: Encodable { let what = "change" }
            #expect(try await api.post("\(stage.path)/undo", Undo(), as: stage.organiser, key: "u").status == 200)
            #expect(try await stage.owed(of: stage.member) <= before)
            try await stage.expectRight()
        }
    }

    @Test func `Only the organiser can order extras for other households`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            try await stage.pay(try #require(own.amount).amount, for: stage.member)
            let organisers = try await stage.own(of: stage.organiser).householdId
            #expect(try await stage.order(by: stage.member, for: organisers).status == 403)
            #expect(try await stage.order(by: stage.member, for: nil).status == 403)
            #expect(try await stage.order(by: stage.organiser, for: own.householdId).status == 201)
            #expect(try await stage.own(of: stage.member).amount == own.amount)
            try await stage.expectRight()
        }
    }

    @Test func `One household's order changes no other household's exact amount`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (first, second) = (try await stage.own(of: stage.organiser), try await stage.own(of: stage.member))
            let half = stage.booking.total.amount / 2
            let rule = SplitRule(
                .exactly,
                amounts: [
                    .init(householdId: first.householdId, amount: half),
                    .init(householdId: second.householdId, amount: half),
                ]
            )
            #expect(try await api.change("PUT", "\(stage.path)/shares", rule, as: stage.organiser).status == 200)
            try await stage.pay(half, for: stage.member)
            #expect(try await stage.order(by: stage.organiser, for: first.householdId).status == 201)
            let after = try await stage.own(of: stage.member)
            #expect(after.amount?.amount == half && after.asked == nil && after.state == .paid)
            #expect(try await stage.owed(of: stage.organiser) == half + 1250)
            try await stage.expectRight()
        }
    }

    /// A guest who has moved in with the organiser.
    private func partner(in stage: Stage) async throws -> Given.Person {
        let api = stage.api
        let partner = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
        let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
        let known = Set(stage.group.travellers.map(\.id))
        let row = try #require(page.travellers.first { !known.contains($0.id) })
        let moved = try await api.change(
            "PATCH",
            "/v1/groups/\(stage.group.id)/travellers/\(row.id)",
            TravellerChange(householdId: try await stage.own(of: stage.organiser).householdId),
            as: stage.organiser,
            match: row.version
        )
        #expect(moved.status == 200)
        return partner
    }

    @Test func `The organiser's partner sees only their household's part`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let partner = try await partner(in: stage)
            let own = try await stage.own(of: stage.organiser).householdId
            let seen = try await api.get("\(stage.path)/statement", as: partner).decode(StatementView.self)
            #expect(seen.parts.map(\.householdId) == [own] && seen.paid == nil)
        }
    }

    @Test func `The organiser's partner acts only for their household`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let partner = try await partner(in: stage)
            let own = try await stage.own(of: stage.organiser).householdId
            #expect(try await stage.order(by: partner, for: nil).status == 403)
            #expect(try await stage.order(by: partner, for: own).status == 201)
            let other = try await stage.own(of: stage.member)
            #expect(try await api.post("/v1/shares/\(other.id)/withdrawal", as: partner, key: "w").status == 403)
            try await stage.expectRight()
        }
    }

    @Test func `Staff waive a deposit that is due again`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, deposit: 30)
            try await stage.pay(stage.booking.deposit.amount, for: stage.organiser)
            let more = BookingChange(stay: try stay("2027-05-14", "2027-05-20"))
            #expect(try await stage.change(more, as: stage.reception, reason: "by phone").status == 200)
            #expect(try await statement(stage).depositDue != nil)
            let waived = ReasonRequest(reason: "regulars")
            #expect(try await api.post("\(stage.path)/confirm", waived, as: stage.reception, key: "w").status == 200)
            #expect(try await statement(stage).depositDue == nil)
            try await stage.expectRight()
        }
    }

    // MARK: A change that asks for a higher deposit

    private func statement(_ stage: Stage) async throws -> StatementView {
        try await stage.api.get("\(stage.path)/statement", as: stage.organiser).decode(StatementView.self)
    }

    /// A stay with its deposit paid, and a larger one that is held; returns the rise of the deposit.
    private func withHeldChange(_ api: GuestAPITestService) async throws -> (stage: Stage, rise: Int64) {
        let stage = try await stage(api, deposit: 30)
        try await stage.pay(stage.booking.deposit.amount, for: stage.organiser)
        let all = BookingChange(
            stay: try stay("2027-05-13", "2027-05-18"),
            cottages: stage.world.cottages.map { .init(cottage: $0.id) }
        )
        #expect(try await stage.change(all, as: stage.organiser).status == 200)
        let told = try await statement(stage)
        #expect(told.heldUntil != nil && told.isDepositCovered)
        return (stage, try #require(told.heldDeposit).amount - told.deposit.amount)
    }

    @Test func `A guest's larger stay is held until its deposit is paid`() async throws {
        try await withGuestAPI { api in
            let (stage, rise) = try await withHeldChange(api)
            let held = try await stage.seen()
            #expect(held.cottages.count == 1 && held.stay == stage.booking.stay && held.total == stage.booking.total)
            #expect(rise > 0)
            try await stage.expectRight()
            #expect(try await stage.pay(rise - 1, for: stage.organiser).status == 201)
            #expect(try await stage.seen().stay == stage.booking.stay)
            // A member's payment covers the deposit as well as the organiser's.
            #expect(try await stage.pay(1, for: stage.member).status == 201)
            let changed = try await stage.seen()
            let wanted = try stay("2027-05-13", "2027-05-18")
            #expect(changed.cottages.count == 3 && changed.stay == wanted)
            #expect(changed.isDepositCovered && changed.state == .confirmed)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE change_of IS NOT NULL") == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A held change keeps its cottages from others`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withHeldChange(api)
            let rival = try await api.given.guest()
            let rivals = try await api.given.group(of: rival)
            func take(_ cottage: Int, _ from: String, _ to: String) async throws -> String? {
                let request = try api.given.request(
                    rivals,
                    stage.world,
                    cottages: [stage.world.cottages[cottage]],
                    from: from,
                    to: to
                )
                return try await api.post("/v1/bookings", request, as: rival, key: UUID().uuidString).code
            }
            #expect(try await take(1, "2027-05-14", "2027-05-15") == "cottage_taken")
            #expect(try await take(0, "2027-05-17", "2027-05-18") == "cottage_taken")
            try await stage.expectRight()
        }
    }

    @Test func `The map shows the cottages of a held change as taken`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withHeldChange(api)

            let map = try await api.get("/v1/parks/\(stage.world.park.id)/map?from=2027-05-14&to=2027-05-15").text

            #expect(map.components(separatedBy: #""state":"taken""#).count - 1 == 3)
        }
    }

    /// A fully paid stay, and a larger one for which the organiser paid 1 euro before its hold ended.
    private func withLapsedChange(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, deposit: 30)
        let total = stage.booking.total.amount
        try await stage.pay(try await stage.owed(of: stage.organiser), for: stage.organiser)
        try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
        let many = BookingChange(
            stay: try stay("2027-05-10", "2027-05-24"),
            cottages: stage.world.cottages.map { .init(cottage: $0.id) }
        )
        #expect(try await stage.change(many, as: stage.organiser).status == 200)
        #expect(try await stage.seen().total.amount == total)
        // Everything is paid, so the organiser pays the rise of the deposit.
        #expect(try await stage.pay(100, for: stage.organiser).status == 201)
        try await api.work()
        #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 0)
        api.clock.advance(by: 21 * 60)
        try await api.work()
        return stage
    }

    @Test func `A held change that nobody pays frees its cottages`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedChange(api)
            #expect(try await statement(stage).heldDeposit == nil)
            let rival = try await api.given.guest()
            let rivals = try await api.given.group(of: rival)
            let request = try api.given.request(rivals, stage.world, cottages: [stage.world.cottages[1]])
            #expect(try await api.post("/v1/bookings", request, as: rival, key: "r").status == 201)
            try await stage.expectRight()
        }
    }

    @Test func `Money paid for a held change goes back when it lapses`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedChange(api)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund' AND state = 'open'") == 1)
            try await stage.expectRight()
        }
    }

    @Test func `A change covered by money already paid is made at once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, deposit: 30)
            try await stage.pay(try await stage.owed(of: stage.organiser), for: stage.organiser)
            let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
            let changed = try await stage.change(longer, as: stage.organiser).decode(Booking.self)
            #expect(changed.stay.nightCount == 4 && changed.isDepositCovered)
            try await stage.expectRight()
        }
    }

    @Test func `The deposit of a stay that staff enlarge gets a due date`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, deposit: 30)
            try await stage.pay(try await stage.owed(of: stage.organiser), for: stage.organiser)
            let much = BookingChange(stay: try stay("2027-05-14", "2027-05-30"))
            #expect(try await stage.change(much, as: stage.reception, reason: "on the phone").status == 200)
            #expect(try await stage.seen().stay.nightCount == 16)
            let told = try await statement(stage)
            #expect(!told.isDepositCovered && told.depositDue != nil)
            try await stage.expectRight()
        }
    }

    // MARK: What households are told, and what is late

    /// Runs the scheduler at noon of a day.
    private func noon(_ stage: Stage, of day: LocalDate) async throws {
        let api = stage.api
        let noon = Double(day.daysSince1970) * 86400 + 12 * 3600
        api.clock.advance(by: noon - api.now.timeIntervalSince1970)
        for _ in 0..<2 {
            try await Scheduler(app: api.app).tick()
            try await api.work()
        }
    }

    private func letters(_ stage: Stage, to who: Given.Person, with text: String) throws -> Int {
        try stage.api.mails(to: who.email).filter { $0.contains(text) }.count
    }

    /// The member has paid, and afterwards the organiser has lengthened the stay.
    private func withDearerStay(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, deposit: 30)
        try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
        let longer = BookingChange(stay: try stay("2027-05-14", "2027-05-18"))
        #expect(try await stage.change(longer, as: stage.organiser).status == 200)
        try await api.work()
        return stage
    }

    @Test func `Only the household that paid hears of its payment`() async throws {
        try await withGuestAPI { api in
            let stage = try await withDearerStay(api)
            #expect(try letters(stage, to: stage.member, with: "has come in for booking") == 1)
            #expect(try letters(stage, to: stage.organiser, with: "has come in for booking") == 0)
        }
    }

    @Test func `Only the household that is asked for more hears of it`() async throws {
        try await withGuestAPI { api in
            let stage = try await withDearerStay(api)
            #expect(try letters(stage, to: stage.member, with: "would make your share") == 1)
            #expect(try letters(stage, to: stage.organiser, with: "would make your share") == 0)
        }
    }

    @Test func `Every household gets a letter about a cancellation`() async throws {
        try await withGuestAPI { api in
            let stage = try await withDearerStay(api)
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
            try await api.work()
            for who in [stage.organiser, stage.member] {
                #expect(try letters(stage, to: who, with: "is cancelled") == 1)
            }
        }
    }

    @Test func `A missed payment reminder is sent once by a later run`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let due = try await stage.own(of: stage.member).due
            try await noon(stage, of: due.adding(days: -4))
            #expect(try letters(stage, to: stage.member, with: "It is due by") == 1)
            try await noon(stage, of: due.adding(days: -3))
            #expect(try letters(stage, to: stage.member, with: "It is due by") == 1)
            try await noon(stage, of: due.adding(days: 3))
            #expect(try letters(stage, to: stage.member, with: "was due on") == 1)
            // Two shares are late; each household gets a reminder of its own share, and the organiser of both.
            #expect(try letters(stage, to: stage.organiser, with: "was due on") == 2)
        }
    }

    @Test func `Reminders of a debt go on after a cancellation`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let due = try await stage.own(of: stage.member).due
            try await noon(stage, of: due.adding(days: 3))
            #expect(try letters(stage, to: stage.member, with: "was due on") == 1)
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
            try await noon(stage, of: due.adding(days: 10))
            #expect(try letters(stage, to: stage.member, with: "was due on") == 2)
        }
    }

    @Test func `Staff see the shares that are late`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let due = try await stage.own(of: stage.member).due
            try await noon(stage, of: due.adding(days: 3))
            struct Debts: Decodable {
                struct Debt: Decodable {
                    let shareId: Share.ID
                    let daysLate: Int
                    let open: Money
                }
                let items: [Debt]
            }
            let path = "/v1/admin/parks/\(stage.world.park.id)/debts"
            let debts = try await api.get(path, as: stage.reception).decode(Debts.self).items
            #expect(debts.map(\.daysLate) == [3, 3])
            #expect(debts.reduce(0) { $0 + $1.open.amount } == stage.booking.total.amount)
        }
    }

    /// A stay on the day after its deposit had to be covered again, in a park with that rule.
    private func withLapsedDeposit(_ api: GuestAPITestService, _ rule: HouseRules.DepositLapse) async throws -> Stage {
        let stage = try await stage(api, deposit: 30, lapse: rule)
        try await stage.pay(stage.booking.deposit.amount, for: stage.organiser)
        let more = BookingChange(stay: try stay("2027-05-14", "2027-05-20"))
        #expect(try await stage.change(more, as: stage.reception, reason: "by phone").status == 200)
        let due = try #require(try await statement(stage).depositDue)
        try await noon(stage, of: due)
        #expect(try await stage.seen().state == .confirmed)
        try await noon(stage, of: due.adding(days: 1))
        return stage
    }

    @Test func `A deposit that is not covered in time becomes a task`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedDeposit(api, .asks)
            #expect(try await stage.seen().state == .confirmed)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'deposit'") == 1)
            try await stage.expectRight()
        }
    }

    @Test func `An uncovered deposit ends the stay where the park says so`() async throws {
        try await withGuestAPI { api in
            let stage = try await withLapsedDeposit(api, .cancels)
            #expect(try await stage.seen().state == .cancelled)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'deposit'") == 0)
            try await stage.expectRight()
        }
    }

    // MARK: Giving back

    /// A cancelled stay whose organiser had paid the deposit, which equals the fee of both households.
    private func withFrontedFee(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, deposit: 30)
        let deposit = stage.booking.deposit.amount
        try await stage.pay(deposit, for: stage.organiser)
        #expect(try await stage.seen().state == .confirmed)
        let cancelled = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x").decode(Booking.self)
        #expect(cancelled.total.amount == deposit)
        try await api.work()
        return stage
    }

    private func refundAtTill(_ stage: Stage, _ key: String) async throws -> GuestAPITestService.Response {
        let share = try await stage.own(of: stage.organiser).id
        let request = TillPaymentRequest(method: .cash, amount: 1)
        return try await stage.api.post(
            "/v1/admin/shares/\(share)/till-refunds",
            request,
            as: stage.reception,
            key: key
        )
    }

    @Test func `A fee paid for other households is held back while they owe`() async throws {
        try await withGuestAPI { api in
            let stage = try await withFrontedFee(api)
            #expect(try await stage.own(of: stage.organiser).state == .paid)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 0)
            #expect(try await refundAtTill(stage, "r").code == "more_than_due")
            try await stage.expectRight()
        }
    }

    @Test func `A fee paid for other households goes back once they pay`() async throws {
        try await withGuestAPI { api in
            let stage = try await withFrontedFee(api)
            try await stage.pay(try await stage.owed(of: stage.member), for: stage.member)
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 1)
            #expect(try await refundAtTill(stage, "s").status == 201)
            try await stage.expectRight()
        }
    }

    /// The member has paid a firm stay's deposit and dropped out; returns the member's share before.
    private func withDropout(_ api: GuestAPITestService) async throws -> (stage: Stage, before: Int64) {
        let stage = try await stage(api, deposit: 30)
        try await stage.pay(stage.booking.deposit.amount, for: stage.member)
        let own = try await stage.own(of: stage.member)
        #expect(try await api.post("/v1/shares/\(own.id)/withdrawal", as: stage.member, key: "w").status == 200)
        try await api.work()
        return (stage, try #require(own.amount).amount)
    }

    @Test func `Dropping out of a firm stay returns none of its deposit`() async throws {
        try await withGuestAPI { api in
            let (stage, _) = try await withDropout(api)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'refund'") == 0)
            #expect(try await stage.seen().isDepositCovered)
            try await stage.expectRight()
        }
    }

    @Test func `A cancellation leaves the fee for dropping out as it was`() async throws {
        try await withGuestAPI { api in
            let (stage, before) = try await withDropout(api)
            let kept = try await stage.owed(of: stage.member)
            #expect(kept == before.percentage(30))
            _ = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
            #expect(try await stage.owed(of: stage.member) == kept)
            try await stage.expectRight()
        }
    }

    @Test func `Goodwill shrinks with the share it was given on`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.member)
            let cover = ReassignmentRequest(householdId: try await stage.own(of: stage.organiser).householdId)
            _ = try await api.post("/v1/shares/\(own.id)/reassignment", cover, as: stage.member, key: "g")
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            var orders: [ExtraOrder] = []
            for _ in 0..<4 {
                orders = try await stage.order(by: stage.member, for: own.householdId).decode(Booking.self).extras
            }
            #expect(try await stage.owed(of: stage.member) == 5_000)
            let goodwill = "/v1/admin/shares/\(own.id)/goodwill"
            let tooMuch = GoodwillRequest(amount: 5_001, reason: "rain")
            #expect(try await api.post(goodwill, tooMuch, as: stage.reception, key: "1").code == "more_than_owed")
            let given = GoodwillRequest(amount: 4_500, reason: "rain")
            #expect(try await api.post(goodwill, given, as: stage.reception, key: "2").status == 201)
            let others = try await stage.owed(of: stage.organiser)
            for order in orders {
                _ = try await api.send("DELETE", "\(stage.path)/extras/\(order.id)", as: stage.member)
                #expect(try await stage.owed(of: stage.member) >= 0)
                #expect(try await stage.owed(of: stage.organiser) == others)
            }
            #expect(try await stage.owed(of: stage.member) == 0)
            try await stage.expectRight()
        }
    }

    @Test func `A household that stays home saves only its tourist tax`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, tax: true)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let alone = BookingChange(
                travellerIds: stage.group.travellers.filter { $0.role == .organiser }.map(\.id)
            )
            let quote = try await api.post("\(stage.path)/quotes", alone, as: stage.organiser).decode(Quote.self)
            #expect(quote.lines.map(\.kind) == [.touristTax])
        }
    }

    @Test func `A cancellation fee leaves out tourist tax`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, tax: true)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            let cancelled = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x").decode(
                Booking.self
            )
            #expect(cancelled.total.amount == Int64(39_000).percentage(30))
        }
    }

    // MARK: Erasure

    @Test func `A guest who erases the account hears which records stay`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, tax: true)
            _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
            struct Remains: Decodable {
                struct Item: Decodable {
                    let kind: String
                    let bookingNumber: String
                    let open: Money?
                }
                let items: [Item]
            }
            let owed = try await stage.owed(of: stage.member)
            let gone = try await api.send("DELETE", "/v1/me", as: stage.member).decode(Remains.self).items
            #expect(Set(gone.map(\.kind)) == ["debt", "stay"])
            #expect(gone.allSatisfy { $0.bookingNumber == stage.booking.number })
            #expect(gone.first { $0.kind == "debt" }?.open?.amount == owed)
            // No traveller of the household is left, so the desk gets a task about the debt.
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'payment' AND state = 'open'") == 1)
            try await stage.expectRight()
        }
    }

    /// A firm stay whose member has erased their account.
    private func withErasedMember(_ api: GuestAPITestService) async throws -> Stage {
        let stage = try await stage(api, tax: true)
        _ = try await api.post("\(stage.path)/confirm", as: stage.organiser, key: "c")
        #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 200)
        return stage
    }

    @Test func `An empty booking change after a member's erasure costs nothing`() async throws {
        try await withGuestAPI { api in
            let stage = try await withErasedMember(api)
            let quote = try await api.post("\(stage.path)/quotes", BookingChange(), as: stage.organiser).decode(
                Quote.self
            )
            #expect(quote.lines.isEmpty)
        }
    }

    @Test func `Staff can move a stay after a member's erasure`() async throws {
        try await withGuestAPI { api in
            let stage = try await withErasedMember(api)
            let move = MoveRequest(from: stage.world.cottages[0].id, to: stage.world.cottages[1].id, reason: "heating")
            let moved = try await api.change(
                "POST",
                "/v1/admin/bookings/\(stage.booking.id)/move",
                move,
                as: stage.reception,
                match: try await stage.seen().version,
                key: "m"
            )
            #expect(moved.status == 200)
            try await stage.expectRight()
        }
    }

    @Test func `A lone parent's erasure also erases the children's rows`() async throws {
        try await withGuestAPI { api in
            let parent = try await api.given.guest("Vera")
            let group = try await api.given.group(of: parent)
            let child = try await api.given.child(of: group, guardian: parent)
            #expect(try await api.send("DELETE", "/v1/me", as: parent).status == 204)
            let kept: SQL = """
                SELECT count(*) FROM traveller
                WHERE group_id = \(group.id) AND (name <> '—' OR birth_date IS NOT NULL OR left_at IS NULL)
                """
            #expect(try await api.count(kept) == 0)
            #expect(
                try await api.count("SELECT count(*) FROM household WHERE group_id = \(group.id) AND name <> '—'") == 0
            )
            let told: SQL = "SELECT count(*) FROM scope_row WHERE position(\(child.name) IN body) > 0"
            #expect(try await api.count(told) == 0)
        }
    }

    @Test func `A child loses its guardian when that guest is erased`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.own(of: stage.organiser)
            let member = try #require(stage.group.travellers.first { $0.role == .member })
            let child = try await api.post(
                "/v1/groups/\(stage.group.id)/travellers",
                TravellerRequest(
                    name: "Kim",
                    birthDate: try day("2019-06-01"),
                    householdId: own.householdId,
                    guardianId: member.id
                ),
                as: stage.organiser
            ).decode(Traveller.self)
            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 200)
            let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
            let left = try #require(page.travellers.first { $0.id == child.id })
            #expect(left.name == "Kim" && left.guardianId == nil)
        }
    }

    @Test func `Travellers without account are forgotten after their last stay`() async throws {
        try await withGuestAPI { api in
            let parent = try await api.given.guest()
            let group = try await api.given.group(of: parent)
            let child = try await api.given.child(of: group, guardian: parent)
            func isKnown() async throws -> Bool {
                try await api.count("SELECT count(*) FROM traveller WHERE id = \(child.id) AND birth_date IS NOT NULL")
                    == 1
            }
            api.clock.advance(by: 399 * 86400)
            try await Scheduler(app: api.app).tick()
            try await api.work()
            #expect(try await isKnown())
            api.clock.advance(by: 3 * 86400)
            try await Scheduler(app: api.app).tick()
            try await api.work()
            #expect(try await !isKnown())
        }
    }

    // MARK: The check

    private struct RolledBack: Error {}

    /// A statement that breaks one rule in the tables by `size`, and the finding that the check must report.
    private struct Plant: Sendable {
        let found: String
        let changes: @Sendable (_ booking: Booking.ID, _ size: Int64) -> SQL
    }

    private static let plants: [Plant] = [
        Plant(found: "shares are not the price") { booking, size in
            """
            UPDATE share SET amount = amount + \(size)
            WHERE id = (SELECT id FROM share WHERE booking_id = \(booking) ORDER BY id LIMIT 1 OFFSET \(size % 2)::bigint)
            """
        },
        Plant(found: "share is below nothing") { booking, size in
            """
            UPDATE share SET amount = CASE WHEN id = (SELECT max(id::text)::uuid FROM share WHERE booking_id = \(booking))
                THEN -\(size)::bigint ELSE amount + \(size) END
            WHERE booking_id = \(booking)
            """
        },
        Plant(found: "more goodwill is taken back than was given") { booking, size in
            """
            INSERT INTO charge_line (id, booking_id, kind, household_id, quantity, unit_amount, amount, at)
            SELECT gen_random_uuid(), booking_id, 'goodwill', household_id, 1, \(size)::bigint, \(size)::bigint, now()
            FROM share WHERE booking_id = \(booking) ORDER BY id LIMIT 1 OFFSET \(size % 2)::bigint
            """
        },
        Plant(found: "share owes more than its household has agreed to") { booking, size in
            "UPDATE share SET agreed = agreed - \(size) WHERE booking_id = \(booking)"
        },
        Plant(found: "share has agreed to what no agreement says") { booking, size in
            "UPDATE share SET agreed = agreed + \(size) WHERE booking_id = \(booking)"
        },
        Plant(found: "share is asked no more than it owes") { booking, size in
            "UPDATE share SET asked = amount - \(size) + 1 WHERE booking_id = \(booking)"
        },
        Plant(found: "the park gives back what it may keep") { booking, size in
            "UPDATE share SET refundable = \(size) WHERE booking_id = \(booking)"
        },
        Plant(found: "firm stay without deposit, reason or date") { booking, size in
            "UPDATE booking SET deposit = deposit + \(size) WHERE id = \(booking)"
        },
        Plant(found: "deposit is due although it is covered") { booking, size in
            "UPDATE booking SET deposit_due = current_date + \(Int(size % 50))::int WHERE id = \(booking)"
        },
    ]

    @Test func `The ledger check finds every broken invariant`() async throws {
        let count = ProcessInfo.processInfo.environment["VOORPRET_PLANTS"].flatMap { Int($0) } ?? 2
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api, deposit: 30)
            try await stage.pay(stage.booking.deposit.amount, for: stage.member)
            try await stage.expectRight()
            var random = SeededGenerator(seed: 1)
            for plant in Self.plants {
                for _ in 0..<count {
                    let size = Int64.random(in: 1...20_000, using: &random)
                    await #expect(throws: RolledBack.self) {
                        try await api.transaction { tx in
                            try await tx.run(Command(plant.changes(stage.booking.id, size)))
                            let found = try await CheckLedger.all(withProvider: false, in: tx).map(\.what)
                            #expect(found.contains(plant.found), "\(plant.found) by \(size): \(found)")
                            throw RolledBack()
                        }
                    }
                }
            }
            try await stage.expectRight()
        }
    }
}
