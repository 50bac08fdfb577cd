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
