import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct DeskTests {
    private struct Tasks: Decodable {
        let items: [StaffTask]
    }

    private struct Told: Decodable {
        let task: StaffTask
        let history: [StaffTaskEvent]
    }

    /// The service writes instants as RFC 3339, which `Response.decode` reads.
    @Test func `A task keeps a history of its changes`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let elsewhere = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let mender = try await api.given.staff([.maintenance], at: world.park.id)
            let foreign = try await api.given.staff([.reception], at: elsewhere.park.id)
            let path = "/v1/admin/parks/\(world.park.id)/tasks"
            let owner = try #require(mender.staff)
            var request = StaffTaskRequest(title: "Boiler of 12", due: try day("2027-05-14"))
            request.ownerId = foreign.staff
            #expect(try await api.post(path, request, as: reception).code == "not_of_the_park")
            request.ownerId = owner
            let made = try await api.post(path, request, as: reception).decode(StaffTask.self)
            let mine = try await api.get("\(path)?owner=\(owner)", as: mender).decode(Tasks.self).items
            #expect(mine.map(\.id) == [made.id])
            let one = "/v1/admin/tasks/\(made.id)"
            #expect(try await api.get(one, as: foreign).status == 404)
            let done = StaffTaskChange(state: .done, note: "new valve")
            #expect(try await api.change("PATCH", one, done, as: foreign, match: 1).status == 404)
            #expect(try await api.change("PATCH", one, done, as: mender, match: 1).status == 200)
            #expect(try await api.change("PATCH", one, done, as: reception, match: 1).status == 412)
            let reopened = StaffTaskChange(state: .open)
            #expect(try await api.change("PATCH", one, reopened, as: reception, match: 2).status == 200)
            let told = try await api.get(one, as: reception).decode(Told.self)
            #expect(told.task.state == .open)
            #expect(told.history.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [.created, .done, .reopened])
            #expect(told.history.first { $0.kind == .done }?.principal == "staff:\(owner)")
            #expect(try await api.get("\(path)?state=done", as: mender).decode(Tasks.self).items.isEmpty)
        }
    }

    @Test func `Repeated reports of one subject open only one task`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let tasks = try await withThrowingTaskGroup(of: StaffTask.ID.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await api.transaction { tx in
                            try await StaffTask.open(
                                StaffTaskRequest(title: "No cottage for 4711", detail: "try \(number)"),
                                source: .reservation,
                                subject: "4711",
                                in: world.park.id,
                                api.app.act(in: tx, as: .job("test"))
                            ).id
                        }
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(tasks.count == 1)
            #expect(try await api.count("SELECT count(*) FROM task") == 1)
            #expect(try await api.count("SELECT count(*) FROM task_event") == 8)
        }
    }

    @Test func `The desk's day page lists arrivals by hour`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(cottages: 4)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            for (index, time) in ["16:10", "16:50", nil].enumerated() {
                let booking = try await api.given.booking(
                    of: group,
                    by: organiser,
                    in: world,
                    cottages: [world.cottages[index]]
                )
                _ = try await api.post("/v1/bookings/\(booking.id)/confirm", as: organiser, key: "c\(index)")
                guard let time = time.flatMap({ LocalTime($0) }) else { continue }
                let arrival = ArrivalTimeRequest(time: time)
                _ = try await api.change("PUT", "/v1/bookings/\(booking.id)/arrival", arrival, as: organiser)
            }
            let note = HouseNoteRequest(
                from: try day("2027-05-13"),
                through: try day("2027-05-15"),
                note: "Pool closed"
            )
            let notes = "/v1/admin/parks/\(world.park.id)/notes"
            #expect(try await api.post(notes, note, as: reception).status == 201)
            struct Day: Decodable {
                struct Hour: Decodable, Equatable {
                    let hour: Int?
                    let bookings: Int
                    let people: Int
                }
                struct Note: Decodable {
                    let id: UUID
                    let note: String
                }
                struct Departures: Decodable {
                    let bookings: Int
                }
                let arrivals: [Hour]
                let departures: Departures
                let readiness: [String: Int]
                let notes: [Note]
            }
            let path = "/v1/admin/parks/\(world.park.id)/day?date="
            let arriving = try await api.get(path + "2027-05-14", as: reception).decode(Day.self)
            #expect(
                arriving.arrivals == [
                    .init(hour: 16, bookings: 2, people: 2), .init(hour: nil, bookings: 1, people: 1),
                ]
            )
            #expect(arriving.readiness == ["ready": 4])
            #expect(arriving.notes.map(\.note) == ["Pool closed"])
            let leaving = try await api.get(path + "2027-05-17", as: reception).decode(Day.self)
            #expect(leaving.departures.bookings == 3)
            #expect(leaving.notes.isEmpty)
            let id = try #require(arriving.notes.first?.id)
            #expect(try await api.send("DELETE", "\(notes)/\(id)", as: reception).status == 204)
            #expect(try await api.send("DELETE", "\(notes)/\(id)", as: reception).status == 404)
        }
    }

    @Test func `A move by the desk removes only the fee for choosing cottages`() async throws {
        try await withGuestAPI { api in
            var rules = Given.rules
            rules.chosenCottageFee = 1500
            let world = try await api.given.park(cottages: 3, rules: rules)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let office = try await api.given.headOffice()
            // A cottage of a more expensive type.
            let villa = CottageTypeRequest(
                code: "V",
                name: "Villa",
                capacity: 8,
                bedrooms: 4,
                pets: 2,
                isStepFree: true,
                cleaningFee: 20_000
            )
            let admin = "/v1/admin/parks/\(world.park.id)"
            let type = try await api.post("\(admin)/cottage-types", villa, as: office).decode(CottageType.self)
            let place = CottageRequest(typeId: type.id, number: "V1", longitude: 5.8, latitude: 52.2)
            let better = try await api.post("\(admin)/cottages", place, as: office).decode(Cottage.self)

            let booking = try await api.given.booking(of: group, by: organiser, in: world)
            let path = "/v1/admin/bookings/\(booking.id)/move"
            func move(_ from: Cottage.ID, _ to: Cottage.ID, version: Int) async throws -> GuestAPITestService.Response {
                let request = MoveRequest(from: from, to: to, reason: "leaking roof")
                return try await api.change(
                    "POST",
                    path,
                    request,
                    as: reception,
                    match: version,
                    key: UUID().uuidString
                )
            }
            let moved = try await move(world.cottages[0].id, better.id, version: 1).decode(Booking.self)
            #expect(moved.total.amount == booking.total.amount - 1500)
            #expect(moved.cottages.map(\.id) == [better.id])
            #expect(moved.cottages.map(\.pricedAs) == [world.type.id])
            // A new quote agrees with the unchanged price.
            let quote = try await api.post("/v1/bookings/\(booking.id)/quotes", BookingChange(), as: organiser)
                .decode(Quote.self)
            #expect(quote.lines.isEmpty)
            #expect(try await move(better.id, world.cottages[1].id, version: 1).status == 412)
            let back = try await move(better.id, world.cottages[1].id, version: 2).decode(Booking.self)
            #expect(back.cottages.map(\.pricedAs) == [nil])
            #expect(back.total == moved.total)
            // The booking cannot move into an occupied cottage.
            _ = try await api.given.booking(of: group, by: organiser, in: world, cottages: [world.cottages[2]])
            #expect(try await move(world.cottages[1].id, world.cottages[2].id, version: 3).code == "cottage_taken")
            #expect(try await api.count("SELECT count(*) FROM audit WHERE action = 'booking.move'") == 2)
        }
    }

    @Test func `The desk's search ignores case, accents and spaces in names`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let organiser = try await api.given.guest("Zoe\u{308} de Vries-Bos")
            let group = try await api.given.group(of: organiser, name: "Caf\u{E9} Zo\u{EB}")
            _ = try await api.given.booking(of: group, by: organiser, in: world)
            let path = "/v1/admin/parks/\(world.park.id)"
            for typed in ["Zo%C3%AB", "Zoe%CC%88", "zoe", "CAFE", "cafezo", "Caf%C3%A9%20Zo%C3%AB"] {
                let found = try await api.get("\(path)/bookings?q=\(typed)", as: reception)
                #expect(found.text.contains("\(group.name)"), "\(typed)")
            }
            for typed in ["devries", "vriesbos", "ZO%C3%8B", "zoe%20de"] {
                let found = try await api.get("\(path)/guests?q=\(typed)", as: reception)
                #expect(found.text.contains(try organiser.id().description), "\(typed)")
            }
            for typed in ["%25", "_", "%E2%80%8B", "caffe"] {
                #expect(try await !api.get("\(path)/bookings?q=\(typed)", as: reception).text.contains("\(group.name)"))
            }
        }
    }

    @Test func `Reception can act for a guest without mail`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let elsewhere = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let host = try await api.given.staff([.host], at: world.park.id)
            let foreign = try await api.given.staff([.reception], at: elsewhere.park.id)
            let path = "/v1/admin/parks/\(world.park.id)/guests"
            let guest = try await api.post(path, DeskGuestRequest(name: "Mevrouw Bos"), as: reception)
                .decode(DeskGuest.self)
            #expect(try await api.get("\(path)?q=bos", as: reception).text.contains("\(guest.id)"))
            #expect(try await api.get("\(path)?q=bos", as: foreign).status == 404)
            func act(
                _ method: String,
                _ path: String,
                _ body: String?,
                as who: Given.Person
            ) async throws
                -> GuestAPITestService.Response
            {
                try await api.send(
                    method,
                    path,
                    raw: body.map { Data($0.utf8) },
                    as: who,
                    key: method == "POST" ? UUID().uuidString : nil,
                    headers: ["on-behalf-of": "\(guest.id)"]
                )
            }
            let group = #"{"name": "Bos", "myName": "Mevrouw Bos"}"#
            let nobody = try await api.send(
                "POST",
                "/v1/groups",
                raw: Data(group.utf8),
                headers: ["on-behalf-of": "\(guest.id)"]
            )
            #expect(nobody.status == 401)
            #expect(try await act("POST", "/v1/groups", group, as: foreign).status == 404)
            #expect(try await act("POST", "/v1/groups", group, as: host).status == 403)
            #expect(try await act("POST", "/v1/groups", group, as: try await api.given.guest()).status == 403)
            let made = try await act("POST", "/v1/groups", group, as: reception).decode(TravelGroup.self)
            let request = try api.given.request(made, world)
            let text = String(decoding: try ResponseEncoder.encode(request), as: UTF8.self)
            let booking = try await act("POST", "/v1/bookings", text, as: reception).decode(Booking.self)
            let confirmed = try await act("POST", "/v1/bookings/\(booking.id)/confirm", nil, as: reception)
            #expect(try confirmed.decode(Booking.self).state == .confirmed)
            // Reception cannot end the sessions of the guest's own devices.
            #expect(try await act("DELETE", "/v1/auth/sessions/current", nil, as: reception).status == 404)
            // Without the header reception does not act for a guest.
            #expect(try await api.get("/v1/groups", as: reception).status == 403)
            #expect(try await act("GET", "/v1/bookings/\(booking.id)", nil, as: reception).status == 200)
            // The guest sees what the desk did and looked at; the desk cannot see this list.
            #expect(try await act("GET", "/v1/me/desk-actions", nil, as: reception).status == 404)
            let seen = try await api.app.database.read(as: "test") { reader in
                try await reader.all(DeskGuestSQL.deskActions(for: guest.id, limit: 500))
            }
            #expect(
                Set(seen.map(\.action)) == [
                    "guest.create", "desk.createGroup", "desk.placeBooking", "desk.confirmBooking",
                    "look.showBooking",
                ]
            )
            let both = try await api.count(
                """
                SELECT count(*) FROM audit WHERE on_behalf_of = \(guest.id)
                    AND principal = \("staff:\(try #require(reception.staff))")
                """
            )
            #expect(both == 5)
            // Reception books again for a group whose stay was cancelled.
            #expect(try await act("POST", "/v1/bookings/\(booking.id)/cancel", nil, as: reception).status == 200)
            let again = try await act("POST", "/v1/bookings", text, as: reception)
            #expect(again.status == 201)
        }
    }
}
