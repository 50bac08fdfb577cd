import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Stock and room: extras by date, cottages by type and readiness, beds, and holds that give way.
@Suite struct StockAndRoomTests {
    private struct Stage {
        let api: GuestAPITestService
        let world: Given.World
        let organiser: Given.Person
        let group: TravelGroup
        let office: Given.Person

        func extra(stock: Int) async throws -> Extra {
            try await api.post(
                "/v1/admin/parks/\(world.park.id)/extras",
                ExtraRequest(code: "sledge", names: ["en": "Sledge"], isDaily: true, price: 500, stock: stock),
                as: office
            ).decode(Extra.self)
        }

        func order(_ extra: Extra, _ quantity: Int, for booking: Booking) async throws -> GuestAPITestService.Response {
            let order = ExtraOrderRequest(extraId: extra.id, from: booking.stay.arrival, quantity: quantity)
            return try await api.post("/v1/bookings/\(booking.id)/extras", order, as: organiser, key: UUID().uuidString)
        }
    }

    private func stage(_ api: GuestAPITestService, cottages: Int = 3) async throws -> Stage {
        let world = try await api.given.park(cottages: cottages)
        let organiser = try await api.given.guest()
        return Stage(
            api: api,
            world: world,
            organiser: organiser,
            group: try await api.given.group(of: organiser),
            office: try await api.given.headOffice()
        )
    }

    @Test func `An extra's stock for a date overrides its usual stock of zero`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let sledge = try await stage.extra(stock: 0)
            #expect(try await stage.order(sledge, 1, for: booking).code == "extra_sold_out")
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let stock = StockRequest(date: booking.stay.arrival, stock: 10)
            #expect(
                try await api.change("PUT", "/v1/admin/extras/\(sledge.id)/stock", stock, as: reception).status == 204
            )
            #expect(try await stage.order(sledge, 10, for: booking).status == 201)
            #expect(try await stage.order(sledge, 1, for: booking).code == "extra_sold_out")
            let less = StockRequest(date: booking.stay.arrival, stock: 9)
            #expect(
                try await api.change("PUT", "/v1/admin/extras/\(sledge.id)/stock", less, as: reception).code
                    == "stock_promised"
            )
        }
    }

    @Test func `Changing an extra's usual stock also applies to dates with orders`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            var sledge = try await stage.extra(stock: 5)
            #expect(try await stage.order(sledge, 2, for: booking).status == 201)
            func usual(_ stock: Int) async throws {
                let request = ExtraRequest(
                    code: "sledge",
                    names: ["en": "Sledge"],
                    isDaily: true,
                    price: 500,
                    stock: stock
                )
                sledge = try await api.change(
                    "PUT",
                    "/v1/admin/extras/\(sledge.id)",
                    request,
                    as: stage.office,
                    match: sledge.version
                ).decode(Extra.self)
            }
            try await usual(1)
            #expect(try await stage.order(sledge, 1, for: booking).code == "extra_sold_out")
            try await usual(3)
            #expect(try await stage.order(sledge, 1, for: booking).status == 201)
            #expect(try await stage.order(sledge, 1, for: booking).code == "extra_sold_out")
        }
    }

    @Test func `A booked cottage that gets another type keeps its price`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let booking = try await api.given.booking(of: stage.group, by: stage.organiser, in: stage.world)
            let dear = try await api.post(
                "/v1/admin/parks/\(stage.world.park.id)/cottage-types",
                CottageTypeRequest(
                    code: "Z",
                    name: "Villa",
                    capacity: 4,
                    bedrooms: 2,
                    pets: 1,
                    isStepFree: false,
                    cleaningFee: 9000
                ),
                as: stage.office
            ).decode(CottageType.self)
            let season = RateRequest(
                season: try TestKit.stay("2020-01-01", "2035-01-01"),
                night: 50_000,
                weekendNight: 60_000
            )
            _ = try await api.post("/v1/admin/cottage-types/\(dear.id)/rates", season, as: stage.office)
            let cottage = stage.world.cottages[0]
            let request = CottageRequest(
                typeId: dear.id,
                number: cottage.number,
                longitude: cottage.longitude,
                latitude: cottage.latitude
            )
            let changed = try await api.change(
                "PUT",
                "/v1/admin/cottages/\(cottage.id)",
                request,
                as: stage.office,
                match: cottage.version
            )
            #expect(changed.status == 200)
            let quote = try await api.post("/v1/bookings/\(booking.id)/quotes", BookingChange(), as: stage.organiser)
                .decode(Quote.self)
            #expect(quote.lines.isEmpty)
        }
    }

    /// Books a stay for the group with one baby for each birth date.
    private func place(_ births: [String], in stage: Stage) async throws -> GuestAPITestService.Response {
        let api = stage.api
        var request = try api.given.request(stage.group, stage.world)
        for birth in births {
            let baby = try await api.post(
                "/v1/groups/\(stage.group.id)/travellers",
                TravellerRequest(name: "Baby", birthDate: try day(birth)),
                as: stage.organiser
            ).decode(Traveller.self)
            request.travellerIds.append(baby.id)
        }
        return try await api.post("/v1/bookings", request, as: stage.organiser, key: UUID().uuidString)
    }

    @Test func `A cottage takes two babies beside its capacity`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let births = Array(repeating: "2026-05-01", count: 3)
            #expect(try await place(births, in: stage).code == "party_too_large")
            #expect(try await place(Array(births.dropLast()), in: stage).status == 201)
        }
    }

    @Test func `A birth date after the stay is refused`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api)
            let request = TravellerRequest(name: "Baby", birthDate: try day("2199-01-01"))
            let path = "/v1/groups/\(stage.group.id)/travellers"
            let unborn = try await api.post(path, request, as: stage.organiser)
            #expect(unborn.status == 400 && unborn.pointers == ["/birthDate"])
            // The group cannot book with a birth date that was stored before this rule.
            let known = try await api.post(path, TravellerRequest(name: "Baby"), as: stage.organiser)
                .decode(Traveller.self)
            try await api.transaction {
                try await $0.run(Command("UPDATE traveller SET birth_date = '2199-01-01' WHERE id = \(known.id)"))
            }
            var booking = try api.given.request(stage.group, stage.world)
            booking.travellerIds.append(known.id)
            let placed = try await api.post("/v1/bookings", booking, as: stage.organiser, key: "b")
            #expect(placed.code == "age_impossible")
        }
    }

    @Test func `A check-out does not change a cottage that the next guests occupy`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            func stay(_ from: String, _ to: String) async throws -> String {
                let booking = try await api.given.booking(
                    of: stage.group,
                    by: stage.organiser,
                    in: stage.world,
                    from: from,
                    to: to
                )
                let path = "/v1/bookings/\(booking.id)"
                #expect(
                    try await api.post("\(path)/confirm", as: stage.organiser, key: UUID().uuidString).status == 200
                )
                return path
            }
            let first = try await stay("2026-11-21", "2026-11-23")
            let second = try await stay("2026-11-23", "2026-11-25")
            #expect(try await api.post("\(first)/check-in", as: reception, key: "1").status == 200)
            api.clock.advance(by: 2 * 86400)
            #expect(try await api.post("\(second)/check-in", as: reception, key: "2").status == 200)
            #expect(try await api.post("\(first)/check-out", as: stage.organiser, key: "3").status == 200)
            let cottage = stage.world.cottages[0].id
            #expect(
                try await api.count("SELECT count(*) FROM cottage WHERE id = \(cottage) AND readiness = 'occupied'")
                    == 1
            )
            #expect(try await api.post("\(second)/check-out", as: stage.organiser, key: "4").status == 200)
            #expect(
                try await api.count("SELECT count(*) FROM cottage WHERE id = \(cottage) AND readiness = 'toClean'") == 1
            )
        }
    }

    /// Two guests each want one of the two cottages of a hold that has just ended.
    @Test func `Parallel bookings that replace an ended hold cause no deadlock`() async throws {
        let rounds = ProcessInfo.processInfo.environment["VOORPRET_ROUNDS"].flatMap { Int($0) } ?? 8
        try await withGuestAPI { api in
            let stage = try await stage(api, cottages: 2)
            for round in 0..<rounds {
                let arrival = try day("2027-01-04").adding(days: round % 300)
                let departure = arrival.adding(days: 1)
                let held = try await api.given.booking(
                    of: stage.group,
                    by: stage.organiser,
                    in: stage.world,
                    cottages: stage.world.cottages,
                    from: arrival.description,
                    to: departure.description
                )
                api.clock.advance(by: 21 * 60)
                let codes = try await withThrowingTaskGroup(of: String.self) { group in
                    for number in 0..<4 {
                        let guest = try await api.given.guest()
                        let friends = try await api.given.group(of: guest)
                        group.addTask {
                            let wanted = number % 2 == 0 ? stage.world.cottages : stage.world.cottages.reversed()
                            let request = try api.given.request(
                                friends,
                                stage.world,
                                cottages: number < 2 ? [wanted[0]] : wanted,
                                from: arrival.description,
                                to: departure.description
                            )
                            // Each request is sent once: these few guests must never hear that the service is busy.
                            let raw = Data(try ResponseEncoder.encode(JSONFragment(request)))
                            let answer = try await api.send("POST", "/v1/bookings", raw: raw, as: guest, key: "k")
                            return answer.code ?? "held"
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(Set(codes).isSubset(of: ["held", "cottage_taken"]), "\(codes)")
                #expect(codes.contains("held"))
                #expect(
                    try await api.get("/v1/bookings/\(held.id)", as: stage.organiser).decode(Booking.self).state
                        == .expired
                )
                api.clock.advance(by: 21 * 60)
                try await api.work()
            }
        }
    }

    @Test func `A guest's parallel requests hold at most twenty stays`() async throws {
        let requests = ProcessInfo.processInfo.environment["VOORPRET_HOLDS"].flatMap { Int($0) } ?? 30
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<requests {
                    group.addTask {
                        let arrival = try day("2027-01-04").adding(days: number * 2)
                        let request = try api.given.request(
                            stage.group,
                            stage.world,
                            from: arrival.description,
                            to: arrival.adding(days: 1).description
                        )
                        return try await api.post("/v1/bookings", request, as: stage.organiser, key: "h\(number)")
                            .status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.filter { $0 == 201 }.count == 20, "\(statuses)")
            let own = try await api.count("SELECT count(*) FROM booking WHERE state = 'held'")
            #expect(own == 20)
        }
    }

    @Test func `A firm stay without deposit counts towards a guest's limit of holds`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            func hold(_ number: Int) async throws -> GuestAPITestService.Response {
                let arrival = try day("2027-01-04").adding(days: number * 2)
                let request = try api.given.request(
                    stage.group,
                    stage.world,
                    from: arrival.description,
                    to: arrival.adding(days: 1).description
                )
                return try await api.post("/v1/bookings", request, as: stage.organiser, key: "h\(number)")
            }
            for number in 0..<Booking.maximumHolds {
                let booking = try await hold(number).decode(Booking.self)
                let path = "/v1/bookings/\(booking.id)/confirm"
                #expect(try await api.post(path, as: stage.organiser, key: "c\(number)").status == 200)
            }
            #expect(try await hold(Booking.maximumHolds).status == 429)
        }
    }
}
