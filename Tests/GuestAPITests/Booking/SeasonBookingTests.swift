import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

/// Rules for some days and types, tourist tax and taxes of extras, through the service.
@Suite struct SeasonBookingTests {
    private struct Report: Decodable {
        let municipality: String
        let people: Int
        let nights: Int
        let taxed: Int
        let amount: Money
    }

    private func firm(_ booking: Booking, by who: Given.Person, _ api: GuestAPITestService) async throws {
        let path = "/v1/bookings/\(booking.id)/confirm"
        #expect(try await api.post(path, as: who, key: UUID().uuidString).status == 200)
    }

    @Test func `Search, booking and quote refuse stay lengths that the season forbids`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.seasons = [
                .init(
                    arriving: try stay("2027-07-01", "2027-09-01"),
                    arrivals: [.init(.saturday, nights: [7])],
                    minimumNights: 7
                )
            ]
            let world = try await api.given.park(rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let path = "/v1/parks/\(world.park.id)/availability"
            let friday = try await api.get("\(path)?from=2027-07-02&to=2027-07-05&adults=1")
            #expect(friday.code == "length_not_allowed")
            let all = try await api.get("/v1/availability?from=2027-07-02&to=2027-07-05&adults=1")
            #expect(!all.text.contains("\(world.park.id)"))
            let week = try await api.get("\(path)?from=2027-07-03&to=2027-07-10&adults=1").decode(Availability.self)
            #expect(week.offers.count == 1)
            var request = try api.given.request(group, world, from: "2027-07-02", to: "2027-07-05")
            #expect(try await api.post("/v1/bookings", request, as: organiser, key: "1").code == "length_not_allowed")
            request.stay = try stay("2027-07-03", "2027-07-10")
            let booking = try await api.post("/v1/bookings", request, as: organiser, key: "2").decode(Booking.self)
            try await firm(booking, by: organiser, api)
            let longer = BookingChange(stay: try stay("2027-07-03", "2027-07-12"))
            let quoted = try await api.post("/v1/bookings/\(booking.id)/quotes", longer, as: organiser)
            #expect(quoted.code == "length_not_allowed")
        }
    }

    @Test func `An early check-out lowers tourist tax to the nights slept`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.touristTax = .init(personNight: 200, fromAge: 0, municipality: "Ede")
            let world = try await api.given.park(rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let finance = try await api.given.staff([.finance], at: world.park.id)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            try await firm(booking, by: organiser, api)
            try api.wait(until: "2027-05-14 16:00", at: world.park)
            let path = "/v1/bookings/\(booking.id)"
            _ = try await api.post("\(path)/check-in", as: reception, key: "in")
            try api.wait(until: "2027-05-15 09:00", at: world.park)
            _ = try await api.post("\(path)/check-out", as: reception, key: "out")
            let left = try await api.get(path, as: organiser).decode(Booking.self)
            #expect(left.total.amount == booking.total.amount - 2 * 200)
            let address = "/v1/admin/parks/\(world.park.id)/tourist-tax?from=2027-05-01&to=2027-06-01"
            #expect(try await api.get(address, as: reception).status == 403)
            let report = try await api.get(address, as: finance).decode(Listed<Report>.self).items
            #expect(report.map(\.municipality) == ["Ede"])
            #expect(report.map(\.amount.amount) == [200])
            #expect(report.map(\.nights) == [1])
            #expect(report.map(\.taxed) == [1])
            let mistake = MistakeRequest(.checkOut, reason: "the neighbours left")
            let back = try await api.post("\(path)/undo", mistake, as: reception, key: "undo").decode(Booking.self)
            #expect(back.total == booking.total)
            #expect(try await Office(api.app).checkLedger(withProvider: false) == [])
        }
    }

    @Test func `An extra is taxed at the rate of its tax class`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.vat = [.init(from: try day("2020-01-01"), lodging: 900, extras: 2100)]
            let world = try await api.given.park(rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let office = try await api.given.headOffice()
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            try await firm(booking, by: organiser, api)
            for (code, taxed) in [("linen", Extra.Taxed.lodging), ("sitter", .extras), ("voucher", .none)] {
                let request = ExtraRequest(
                    code: code,
                    names: ["en": code],
                    isDaily: false,
                    price: 1000,
                    stock: 9,
                    taxedAs: taxed
                )
                let extra = try await api.post("/v1/admin/parks/\(world.park.id)/extras", request, as: office)
                    .decode(Extra.self)
                let order = ExtraOrderRequest(extraId: extra.id, from: try day("2027-05-14"))
                let path = "/v1/bookings/\(booking.id)/extras"
                #expect(try await api.post(path, order, as: organiser, key: code).status == 201)
            }
            let earnings = try await api.transaction { try await $0.all(EarnSQL.earnings(of: [booking.id])) }
            let earned = earnings.map(\.earning).earned(through: try day("2027-06-01"), rules.vat ?? [])
            #expect(earned.gross == [0: 1000, 900: booking.total.amount + 1000, 2100: 1000])
        }
    }

    @Test func `A household is not put into a cottage without beds for it`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(capacity: 3)
            let organiser = try await api.given.guest()
            var group = try await api.given.group(of: organiser)
            for number in 1...3 {
                let friend = TravellerRequest(
                    name: "Friend \(number)",
                    birthDate: nil,
                    householdId: group.travellers[0].householdId
                )
                group.travellers.append(
                    try await api.post("/v1/groups/\(group.id)/travellers", friend, as: organiser)
                        .decode(Traveller.self)
                )
            }
            let member = try await api.given.member(of: group, invitedBy: organiser)
            let home = group.travellers[0].householdId
            let own = try #require(
                try await api.get("/v1/groups/\(group.id)", as: member).decode(TravelGroup.self).travellers
                    .first { $0.householdId != home }
            )
            group.travellers.append(own)
            let booking = try await api.given.booking(
                of: group,
                by: organiser,
                in: world,
                cottages: Array(world.cottages.prefix(2))
            )
            let path = "/v1/bookings/\(booking.id)/cottages"
            let second = "\(path)/\(world.cottages[1].id)/households"
            let theirs = HouseholdsRequest(householdIds: [own.householdId])
            #expect(try await api.change("PUT", second, theirs, as: organiser).status == 204)
            // The other cottage is another household's, so four people would have three beds.
            let household = HouseholdsRequest(householdIds: [group.travellers[0].householdId])
            let first = "\(path)/\(world.cottages[0].id)/households"
            let refused = try await api.change("PUT", first, household, as: organiser)
            #expect(refused.code == "party_too_large")
        }
    }

    @Test func `A quote for another cottage type applies that type's season rules`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let office = try await api.given.headOffice()
            let villa = try await api.post(
                "/v1/admin/parks/\(world.park.id)/cottage-types",
                CottageTypeRequest(
                    code: "V",
                    name: "Villa",
                    capacity: 4,
                    bedrooms: 2,
                    pets: 0,
                    isStepFree: false,
                    cleaningFee: 0
                ),
                as: office
            ).decode(CottageType.self)
            let season = RateRequest(season: try stay("2020-01-01", "2035-01-01"), night: 20_000, weekendNight: 20_000)
            _ = try await api.post("/v1/admin/cottage-types/\(villa.id)/rates", season, as: office)
            let home = CottageRequest(typeId: villa.id, number: "V1", longitude: 5.8, latitude: 52.2)
            _ = try await api.post("/v1/admin/parks/\(world.park.id)/cottages", home, as: office)
            let weekly = HouseRules.Season(
                arriving: try stay("2027-05-01", "2027-09-01"),
                typeIds: [villa.id],
                minimumNights: 7
            )
            try await api.transaction { tx in
                let rules = try JSONText(encoding: ["seasons": [weekly]])
                try await tx.run(Command("UPDATE park SET rules = rules || \(rules) WHERE id = \(world.park.id)"))
                tx.publish(world.park.id, .park, to: .park(world.park.id))
            }
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            let swap = BookingChange(cottages: [.init(anyOf: villa.id)])
            let quoted = try await api.post("/v1/bookings/\(booking.id)/quotes", swap, as: organiser)
            #expect(quoted.code == "length_not_allowed")
        }
    }
}
