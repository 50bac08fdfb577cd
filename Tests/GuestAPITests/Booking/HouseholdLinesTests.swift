import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

/// A member sees the state of another household's share, but neither its orders nor its tourist tax.
@Suite struct HouseholdLinesTests {
    @dynamicMemberLookup
    private struct Stage {
        let stay: Given.BookedStay
        /// The member's household.
        let home: Household.ID

        subscript<Value>(dynamicMember path: KeyPath<Given.BookedStay, Value>) -> Value { stay[keyPath: path] }

        func seen(by who: Given.Person) async throws -> Booking { try await stay.seen(by: who) }

        /// The bodies of a scope's rows as phones have them.
        func shown(_ scope: String) async throws -> String {
            try await self.api.transaction { tx in
                try await tx.all(
                    Query("SELECT body FROM scope_row WHERE scope = \(scope) AND kind IN ('booking', 'amount')") {
                        try $0.decode("body", as: String.self)
                    }
                )
            }.joined(separator: "\n")
        }
    }

    /// The organiser has ordered a bicycle for the own household, and everybody owes tourist tax.
    private func stage(_ api: GuestAPITestService) async throws -> Stage {
        var rules = Given.rules
        rules.touristTax = .init(personNight: 210, fromAge: 0)
        let stay = try await api.given.stay(rules: rules)
        let office = try await api.given.headOffice()
        let bicycle = ExtraRequest(code: "bicycle", names: ["en": "Bicycle"], isDaily: false, price: 1250, stock: 9)
        let extra = try await api.post("/v1/admin/parks/\(stay.world.park.id)/extras", bicycle, as: office).decode(
            Extra.self
        )
        let order = ExtraOrderRequest(
            extraId: extra.id,
            from: stay.booking.stay.arrival,
            householdId: stay.homes.first
        )
        #expect(try await api.post("\(stay.path)/extras", order, as: stay.organiser, key: "o").status == 201)
        return Stage(stay: stay, home: try #require(stay.homes.last))
    }

    @Test func `A member sees no charge lines of other households`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let seen = try await stage.seen(by: stage.member)
            #expect(seen.extras.isEmpty)
            #expect(seen.charges.filter { $0.kind == .touristTax }.map(\.amount) == [630])
            #expect(!seen.charges.contains { $0.kind == .extra })
            // The bicycle and the organiser's tax are shown as one sum.
            #expect(seen.othersTotal?.amount == 1880)
            #expect(seen.total.amount == seen.charges.total + 1250 + 630)
        }
    }

    @Test func `The organiser sees the charge lines of all households`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let seen = try await stage.seen(by: stage.organiser)
            #expect(seen.extras.count == 1 && seen.othersTotal == nil)
            #expect(seen.charges.total == seen.total.amount)
        }
    }

    @Test func `The group's page hides other households' extras from a member`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.member).decode(TravelGroup.self)
            #expect(page.bookings.first?.extras.isEmpty == true)
            let time = ArrivalTimeRequest(time: .noon)
            let told = try await api.change("PUT", "\(stage.path)/arrival", time, as: stage.member).decode(Booking.self)
            #expect(told.extras.isEmpty && told.othersTotal?.amount == 1250 + 630)
        }
    }

    @Test func `Only a household's and the organiser's scopes contain the household's charge lines`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let all = try await stage.shown("group:\(stage.group.id)")
            #expect(all.contains("charges"))
            #expect(
                !all.contains("touristTax") && !all.contains(#""kind":"extra""#) && !all.contains(#""kind" : "extra""#)
            )
            let own = try await stage.shown("household:\(stage.home)")
            // The bicycle's amount as a JSON number, because an id may have the same digits.
            let bicycle = #/: ?1250\b/#
            #expect(own.contains("touristTax") && !own.contains(bicycle))
            let everybody = try await stage.shown("organiser:\(stage.group.id)")
            #expect(everybody.contains("touristTax") && everybody.contains(bicycle))
        }
    }

    @Test func `Moving a traveller after a cancellation updates the charge lines on phones`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            #expect(try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "c").status == 200)
            let page = try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).decode(TravelGroup.self)
            let member = try #require(page.travellers.first { $0.role == .member })
            let own = try #require(page.travellers.first { $0.role == .organiser }?.householdId)
            let path = "/v1/groups/\(stage.group.id)/travellers/\(member.id)"
            let change = TravellerChange(householdId: own)
            let moved = try await api.change("PATCH", path, change, as: stage.organiser, match: member.version)
            #expect(moved.status == 200)
            #expect(try await !stage.shown("household:\(stage.home)").contains("touristTax"))
            #expect(try await Office(api.app).checkSync().isEmpty)
        }
    }

    @Test func `A republish job renews scope rows published by an earlier service version`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            func republish() async throws {
                try await api.transaction { tx in
                    try Job.enqueue(Republish(), at: api.now, api.app.act(in: tx, as: .job("test")))
                }
                try await api.work()
            }
            // The version before defines the view differently.
            let now = try await api.transaction { tx in
                try await tx.first(
                    Query("SELECT pg_get_viewdef('shown_booking') AS text") { try $0.decode("text", as: String.self) }
                )
            }
            let view = try #require(now).trimmingCharacters(in: CharacterSet(charactersIn: "; \n"))
            func show(_ definition: String) async throws {
                let text = "CREATE OR REPLACE VIEW shown_booking AS \(definition)"
                try await api.transaction { tx in try await tx.run(Command(SQL(stringLiteral: text))) }
            }
            try await show("SELECT scope, id, replace(body, 'charges', 'lines') AS body FROM (\(view)) AS present")
            try await republish()
            #expect(try await !stage.shown("group:\(stage.group.id)").contains("charges"))
            try await show(view)
            #expect(try await !Office(api.app).checkSync().isEmpty)
            try await republish()
            #expect(try await stage.shown("group:\(stage.group.id)").contains("charges"))
        }
    }
}
