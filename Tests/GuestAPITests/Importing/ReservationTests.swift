import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct ReservationTests {
    private struct Stage {
        let api: GuestAPITestService
        let world: Given.World
        let reception: Given.Person

        func report(_ number: String, _ report: ReservationReport) async throws -> GuestAPITestService.Response {
            try await api.change(
                "PUT",
                "/v1/admin/parks/\(world.park.id)/reservations/\(number)",
                report,
                as: reception
            )
        }

        func tasks() async throws -> [StaffTask] {
            struct Tasks: Decodable {
                let items: [StaffTask]
            }
            return try await api.get("/v1/admin/parks/\(world.park.id)/tasks", as: reception).decode(Tasks.self).items
        }
    }

    private func stage(_ api: GuestAPITestService, cottages: Int = 2) async throws -> Stage {
        let world = try await api.given.park(cottages: cottages)
        let reception = try await api.given.staff([.reception], at: world.park.id)
        return Stage(api: api, world: world, reception: reception)
    }

    private func report(
        _ arrival: String = "2027-05-14",
        _ departure: String = "2027-05-17",
        cottage: String? = nil,
        rate: Int64 = 8000,
        at instant: Date? = nil
    ) throws -> ReservationReport {
        ReservationReport(
            stay: try stay(arrival, departure),
            type: "A",
            cottage: cottage,
            adults: 2,
            nightlyRate: rate,
            reportedAt: instant
        )
    }

    @Test func `A reservation is created, changed and cancelled by its number`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let made = try await stage.report("R-1", report()).decode(Booking.self)
            #expect(made.state == .confirmed && made.cottages.count == 1 && made.total.amount == 24000)
            let same = try await stage.report("R-1", report()).decode(Booking.self)
            #expect(same == made)
            let longer = try await stage.report("R-1", report("2027-05-14", "2027-05-20", cottage: "2"))
                .decode(Booking.self)
            #expect(longer.cottages.map(\.number) == ["2"] && longer.total.amount == 48000)
            let path = "/v1/admin/parks/\(stage.world.park.id)/reservations/R-1"
            for _ in 0..<2 { #expect(try await api.send("DELETE", path, as: stage.reception).status == 204) }
            let gone = try await api.get("/v1/bookings/\(made.id)", as: stage.reception).decode(Booking.self)
            #expect(gone.state == .cancelled && gone.total.amount == 0)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 0)
            // A cancelled reservation may be confirmed again.
            #expect(try await stage.report("R-1", report()).decode(Booking.self).state == .confirmed)
            #expect(try await stage.tasks().isEmpty)
            let unknown = path.replacing("R-1", with: "R-2")
            #expect(try await api.send("DELETE", unknown, as: stage.reception).status == 404)
            var wrong = try report()
            wrong.type = "Z"
            #expect(try await stage.report("R-3", wrong).code == "unknown_cottage")
        }
    }

    @Test func `A cancellation that arrives before its reservation still counts`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let path = "/v1/admin/parks/\(stage.world.park.id)/reservations/R-1"
            let (before, then) = (api.now.addingTimeInterval(-7200), api.now.addingTimeInterval(-3600))
            let gone = try await api.send("DELETE", "\(path)?reportedAt=\(then.rfc3339)", as: stage.reception)
            #expect(gone.status == 204)
            let late = try await stage.report("R-1", report(at: before)).decode(Booking.self)
            #expect(late.state == .cancelled && late.cottages.isEmpty && late.total.amount == 0)
            #expect(try await stage.report("R-1", report(at: before)).decode(Booking.self).state == .cancelled)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 0)
            // A report that is newer than the withdrawal counts.
            #expect(try await stage.report("R-1", report(at: api.now)).decode(Booking.self).state == .confirmed)
            #expect(try await api.count("SELECT count(*) FROM withdrawn_reservation") == 0)
            // A report from the future is refused, because it would make all later reports old.
            let wrong = try await stage.report("R-1", report(at: api.now.addingTimeInterval(3 * 86400)))
            #expect(wrong.status == 400)
            var nobody = try report()
            nobody.adults = 0
            #expect(try await stage.report("R-2", nobody).status == 400)
        }
    }

    @Test func `A reservation of a changed type moves to a matching cottage`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let office = try await api.given.headOffice()
            let admin = "/v1/admin/parks/\(stage.world.park.id)"
            let villa = CottageTypeRequest(
                code: "V",
                name: "Villa",
                capacity: 8,
                bedrooms: 4,
                pets: 2,
                isStepFree: true,
                cleaningFee: 20_000
            )
            let type = try await api.post("\(admin)/cottage-types", villa, as: office).decode(CottageType.self)
            let place = CottageRequest(typeId: type.id, number: "V1", longitude: 5.8, latitude: 52.2)
            _ = try await api.post("\(admin)/cottages", place, as: office).decode(Cottage.self)
            for number in ["R-1", "R-2"] {
                let made = try await stage.report(number, report()).decode(Booking.self)
                #expect(["1", "2"].contains(made.cottages.first?.number))
            }
            var wish = try report(rate: 15900)
            wish.type = "V"
            let moved = try await stage.report("R-1", wish).decode(Booking.self)
            #expect(moved.cottages.map(\.number) == ["V1"] && moved.total.amount == 3 * 15900)
            #expect(try await stage.tasks().isEmpty)
            // Every villa is taken: the booking keeps the reported price without a cottage, and the staff get a task.
            let homeless = try await stage.report("R-2", wish).decode(Booking.self)
            #expect(homeless.cottages.isEmpty && homeless.total.amount == 3 * 15900)
            #expect(try await stage.tasks().map(\.title) == ["Reservation R-2"])
        }
    }

    @Test func `A reservation without a free cottage becomes a task`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api, cottages: 1)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let rival = try await api.given.booking(of: group, by: organiser, in: stage.world)
            let made = try await stage.report("R-1", report()).decode(Booking.self)
            #expect(made.state == .confirmed && made.cottages.isEmpty && made.total.amount == 24000)
            _ = try await stage.report("R-1", report())
            let task = try #require(try await stage.tasks().first)
            #expect(try await stage.tasks().count == 1 && task.title.contains("R-1"))
            // The desk chooses a cottage by hand.
            let move = "/v1/admin/bookings/\(made.id)/move"
            let to = MoveRequest(from: nil, to: stage.world.cottages[0].id, reason: "swapped")
            let full = try await api.change("POST", move, to, as: stage.reception, match: 2, key: "m1")
            #expect(full.code == "cottage_taken")
            _ = try await api.post("/v1/bookings/\(rival.id)/cancel", as: organiser, key: "c")
            let moved = try await api.change("POST", move, to, as: stage.reception, match: 2, key: "m2")
            #expect(try moved.decode(Booking.self).cottages.map(\.id) == [stage.world.cottages[0].id])
            #expect(try await stage.tasks().isEmpty)
        }
    }

    @Test func `An older report of a reservation changes nothing`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api, cottages: 1)
            let now = api.now
            let made = try await stage.report("R-1", report("2026-11-21", "2026-11-24", at: now)).decode(Booking.self)
            let old = try report("2026-11-21", "2026-11-29", at: now.addingTimeInterval(-1))
            #expect(try await stage.report("R-1", old).decode(Booking.self) == made)
            let path = "/v1/bookings/\(made.id)"
            #expect(try await api.post("\(path)/check-in", as: stage.reception, key: "i").status == 200)
            let longer = try await stage.report("R-1", report("2026-11-21", "2026-11-26")).decode(Booking.self)
            #expect(longer.state == .checkedIn && longer.stay.nightCount == 5)
            #expect(try await stage.tasks().isEmpty)
            let number = "/v1/admin/parks/\(stage.world.park.id)/reservations/R-1"
            #expect(try await api.send("DELETE", number, as: stage.reception).status == 204)
            #expect(try await api.get(path, as: stage.reception).decode(Booking.self).state == .checkedIn)
            #expect(try await stage.tasks().count == 1)
            // The other system reports a new state; this state counts, and the task is closed.
            #expect(try await stage.report("R-1", report("2026-11-21", "2026-11-26")).status == 200)
            #expect(try await stage.tasks().isEmpty)
            #expect(try await api.post("\(path)/check-out", as: stage.reception, key: "o").status == 200)
            _ = try await stage.report("R-1", report("2026-12-21", "2026-12-26"))
            #expect(try await api.get(path, as: stage.reception).decode(Booking.self).stay == longer.stay)
            #expect(try await stage.tasks().count == 1)
        }
    }

    @Test func `A reservation's later report keeps the cottage that the desk chose`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api, cottages: 3)
            let now = api.now
            let made = try await stage.report("R-1", report(at: now)).decode(Booking.self)
            let own = try #require(made.cottages.first)
            let to = try #require(stage.world.cottages.last { $0.id != own.id })
            let move = MoveRequest(from: own.id, to: to.id, reason: "near the lake")
            let path = "/v1/admin/bookings/\(made.id)/move"
            let moved = try await api.change("POST", path, move, as: stage.reception, match: made.version, key: "m")
            #expect(moved.status == 200)
            let longer = try await stage.report("R-1", report("2027-05-14", "2027-05-19", at: now)).decode(Booking.self)
            #expect(longer.cottages.map(\.id) == [to.id] && longer.stay.nightCount == 5)
            let number = "/v1/admin/parks/\(stage.world.park.id)/reservations/R-1"
            let later = now.addingTimeInterval(60).rfc3339
            #expect(try await api.send("DELETE", "\(number)?reportedAt=\(later)", as: stage.reception).status == 204)
            let late = try await stage.report("R-1", report(at: now.addingTimeInterval(30))).decode(Booking.self)
            #expect(late.state == .cancelled)
            #expect(try await api.send("DELETE", "\(number)?reportedAt=soon", as: stage.reception).status == 400)
        }
    }

    @Test func `Parallel reports of one reservation make one booking`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<10 { group.addTask { try await stage.report("R-1", report()).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // The requests queue; a request that would wait too long is refused with 503.
            #expect(statuses.contains(200) && Set(statuses).isSubset(of: [200, 503]))
            #expect(try await api.count("SELECT count(*) FROM booking") == 1)
            #expect(try await api.count("SELECT count(*) FROM allocation") == 1)
        }
    }

    @Test func `A refused walk-in leaves no guest and no group behind`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let path = "/v1/admin/parks/\(stage.world.park.id)/walk-ins"
            var request = WalkInRequest(
                guest: DeskGuestRequest(name: "Wanda"),
                stay: try stay("2026-11-21", "2026-11-23"),
                cottages: [.init(anyOf: stage.world.type.id)],
                companions: [.init(name: "Wim"), .init(name: "Wieke", birthDate: try day("2020-02-01"))],
                checkIn: true
            )
            let booking = try await api.post(path, request, as: stage.reception, key: "w1").decode(Booking.self)
            #expect(booking.state == .checkedIn)
            #expect(booking.adults == 2 && booking.children == 1)
            let named: SQL = "SELECT count(*) FROM audit WHERE action = 'desk.walkIn' AND on_behalf_of IS NOT NULL"
            #expect(try await api.count(named) == 1)
            #expect(try await api.count("SELECT count(*) FROM traveller WHERE guardian_id IS NOT NULL") == 1)
            // The same request repeated gives the same booking.
            #expect(try await api.post(path, request, as: stage.reception, key: "w1").status == 201)
            #expect(try await api.count("SELECT count(*) FROM booking") == 1)
            // A walk-in that cannot begin creates no guest and no group.
            request.stay = try stay("2026-11-25", "2026-11-27")
            #expect(try await api.post(path, request, as: stage.reception, key: "w2").status == 409)
            #expect(try await api.count("SELECT count(*) FROM guest WHERE name = 'Wanda'") == 1)
            #expect(try await api.count("SELECT count(*) FROM travel_group") == 1)
            // A guest whom the desk already knows.
            let known = try await api.count("SELECT count(*) FROM guest WHERE desk_park_id IS NOT NULL")
            #expect(known == 1)
            let foreign = try await api.given.guest()
            request.guest = nil
            request.guestId = try foreign.id()
            #expect(try await api.post(path, request, as: stage.reception, key: "w3").status == 404)
            let host = try await api.given.staff([.host], at: stage.world.park.id)
            #expect(try await api.post(path, request, as: host, key: "w4").status == 403)
        }
    }
}
