import Foundation
import GuestModels
import Postgres
import Synchronization
import TestKit
import Testing

@testable import GuestAPI

/// Many people use the same few cottages over New Year at once; afterwards all records must agree.
@Suite struct WholeStayTests {
    private static let rules = HouseRules(
        checkInFrom: LocalTime(constant: "15:00"),
        checkOutBy: LocalTime(constant: "10:30"),
        maximumNights: 60,
        depositPercent: 0,
        chosenCottageFee: 1500,
        petNight: 400,
        earlyBooking: .init(days: 20, percent: 10),
        touristTax: .init(personNight: 215, fromAge: 4),
        cancellation: [.init(days: 28, percent: 10), .init(days: 7, percent: 50)]
    )

    /// Counts what was tried and how it ended, so that the test proves nothing about acts that never happened.
    private final class Tally: Sendable {
        private let counts = Mutex<[String: [Int: Int]]>([:])

        func add(_ what: String, _ status: Int) {
            counts.withLock { $0[what, default: [:]][status, default: 0] += 1 }
        }

        var all: [String: [Int: Int]] { counts.withLock { $0 } }

        private let over = Mutex(false)
        var isOver: Bool {
            get { over.withLock { $0 } }
            set { over.withLock { $0 = newValue } }
        }
    }

    private struct Stage: Sendable {
        let api: GuestAPITestService
        let world: Given.World
        let extra: Extra
        let reception: Given.Person
        let tally: Tally
        /// The first night that is asked for.
        let start: LocalDate

        func span(_ random: inout SeededGenerator) throws -> Stay {
            let arrival = start.adding(days: Int(random.next() % 45))
            return try #require(Stay(from: arrival, to: arrival.adding(days: 1 + Int(random.next() % 9))))
        }

        func cottages(_ random: inout SeededGenerator) -> [BookingRequest.Choice] {
            let count = 1 + Int(random.next() % 2)
            if random.next() % 3 == 0 { return Array(repeating: .init(anyOf: world.type.id), count: count) }
            let first = Int(random.next() % UInt64(world.cottages.count))
            return (0..<count).map { .init(cottage: world.cottages[(first + $0) % world.cottages.count].id) }
        }
    }

    private func actor(_ stage: Stage, seed: UInt64, steps: Int) async throws -> (Given.Person, [Booking.ID]) {
        let api = stage.api
        var random = SeededGenerator(seed: seed)
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        var bookings: [Booking.ID] = []
        for step in 0..<steps {
            func tell(_ what: String, _ response: GuestAPITestService.Response) {
                stage.tally.add(what, response.status)
            }
            let key = "\(seed)-\(step)"
            guard random.next() % 4 > 0, let id = bookings.randomElement(using: &random) else {
                let request = BookingRequest(
                    parkId: stage.world.park.id,
                    groupId: group.id,
                    stay: try stage.span(&random),
                    cottages: stage.cottages(&random),
                    travellerIds: group.travellers.map(\.id),
                    pets: Int(random.next() % 2)
                )
                let response = try await api.post("/v1/bookings", request, as: organiser, key: key)
                tell("hold", response)
                if response.status == 201 { bookings.append(try response.decode(Booking.self).id) }
                continue
            }
            let path = "/v1/bookings/\(id)"
            let seen = try await api.get(path, as: organiser)
            // A client that is refused for a moment tries again.
            guard seen.status == 200 else {
                tell("look", seen)
                continue
            }
            let booking = try seen.decode(Booking.self)
            switch random.next() % 13 {
            case 0: tell("confirm", try await api.post("\(path)/confirm", as: organiser, key: key))
            case 1...3:
                var change = BookingChange()
                if random.next() % 2 == 0 { change.stay = try stage.span(&random) }
                if random.next() % 2 == 0 { change.cottages = stage.cottages(&random) }
                if random.next() % 3 == 0 { change.pets = Int(random.next() % 2) }
                let quote = try await api.post("\(path)/quotes", change, as: organiser)
                tell("quote", quote)
                guard quote.status == 201 else { continue }
                let told = try quote.decode(Quote.self)
                let response = try await api.change(
                    "POST",
                    "\(path)/changes",
                    QuotedChange(quoteId: told.id),
                    as: organiser,
                    match: told.bookingVersion,
                    key: key
                )
                tell("change", response)
                if response.status == 200 {
                    let changed = try response.decode(Booking.self)
                    #expect(changed.total == told.total, "\(key): \(told)")
                }
            case 4...5,
                6 where booking.extras.isEmpty, 12 where booking.extras.isEmpty:
                let day = booking.stay.nights.randomElement(using: &random) ?? booking.stay.arrival
                let order = ExtraOrderRequest(extraId: stage.extra.id, from: day, quantity: 1 + Int(random.next() % 2))
                tell("order", try await api.post("\(path)/extras", order, as: organiser, key: key))
            case 6, 12:
                guard let order = booking.extras.first else { continue }
                tell("take back", try await api.send("DELETE", "\(path)/extras/\(order.id)", as: organiser))
            case 9:
                let rules: [SplitRule] = [
                    SplitRule(.equally), SplitRule(.byHousehold), SplitRule(.byCottage, freeBelowAge: 4),
                ]
                let rule = rules.randomElement(using: &random) ?? SplitRule(.equally)
                tell("split", try await api.change("PUT", "\(path)/shares", rule, as: organiser))
            case 10, 11:
                struct Shares: Decodable {
                    let items: [ShareView]
                }
                let listed = try await api.get("\(path)/shares", as: organiser)
                tell("shares", listed)
                guard listed.status == 200, let share = try listed.decode(Shares.self).items.first,
                    let owed = share.amount, let paid = share.paid,
                    owed.amount > paid.amount
                else { continue }
                let part = max(1, (owed.amount - paid.amount) / Int64(1 + random.next() % 3))
                tell(
                    "pay",
                    try await api.post(
                        "/v1/admin/shares/\(share.id)/till-payments",
                        TillPaymentRequest(method: .cash, amount: part),
                        as: stage.reception,
                        key: key
                    )
                )
            case 7 where random.next() % 2 == 0:
                tell("cancel", try await api.post("\(path)/cancel", as: organiser, key: key))
            default:
                guard let own = booking.cottages.first,
                    let to = stage.world.cottages.randomElement(using: &random), to.id != own.id
                else { continue }
                let move = MoveRequest(from: own.id, to: to.id, reason: "noise")
                tell(
                    "move",
                    try await api.change(
                        "POST",
                        "/v1/admin/bookings/\(id)/move",
                        move,
                        as: stage.reception,
                        match: booking.version,
                        key: key
                    )
                )
                if booking.stay.arrival == stage.start {
                    tell("check-in", try await api.post("\(path)/check-in", as: stage.reception, key: "i\(key)"))
                }
            }
        }
        return (organiser, bookings)
    }

    private func otherSystem(_ stage: Stage, seed: UInt64, steps: Int) async throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<steps {
            let path = "/v1/admin/parks/\(stage.world.park.id)/reservations/R\(random.next() % 8)"
            if random.next() % 4 == 0 {
                let response = try await stage.api.send("DELETE", path, as: stage.reception)
                stage.tally.add("withdraw", response.status)
            } else {
                let report = ReservationReport(
                    stay: try stage.span(&random),
                    type: "A",
                    adults: 2,
                    nightlyRate: 7000 + Int64(random.next() % 10) * 100
                )
                let response = try await stage.api.change("PUT", path, report, as: stage.reception)
                stage.tally.add("report", response.status)
            }
        }
    }

    private func importer(_ stage: Stage, seed: UInt64, files: Int) async throws {
        var random = SeededGenerator(seed: seed)
        let states = ["confirmed", "confirmed", "cancelled"]
        let map = ColumnMap(
            reservationNumber: "number",
            arrivalDate: "arrival",
            arrivalYear: nil,
            arrivalMonth: nil,
            arrivalDay: nil,
            nights: ["nights"],
            adults: "adults",
            children: nil,
            babies: nil,
            type: ["type"],
            nightlyRate: "rate",
            status: "status",
            states: Dictionary(uniqueKeysWithValues: Set(states).map { ($0, $0) })
        )
        for file in 0..<files {
            var text = "number,arrival,nights,adults,type,rate,status\n"
            for number in 0..<12 where random.next() % 2 == 0 {
                let span = try stage.span(&random)
                let state = states.randomElement(using: &random) ?? "confirmed"
                text += "R\(number),\(span.arrival),\(span.nightCount),2,A,\(60 + file),\(state)\n"
            }
            let work = try await ImportReservations(
                Data(text.utf8),
                name: "\(file).csv",
                map: map,
                parkSlug: stage.world.park.slug,
                stage.api.app
            )
            let outcome = try await work.run { _ in }
            stage.tally.add("import", outcome.imported > 0 ? 200 : 204)
        }
    }

    @Test(arguments: [3, 4]) func `Allocations, ledger, stock and feed agree after random parallel actions`(
        seed: UInt64
    ) async throws {
        try await withGuestAPI(turn: .alone) { api in
            let world = try await api.given.park(cottages: 6, rules: Self.rules)
            let office = try await api.given.headOffice()
            let extra = try await api.post(
                "/v1/admin/parks/\(world.park.id)/extras",
                ExtraRequest(code: "bike", names: ["en": "Bicycle"], isDaily: true, price: 900, stock: 3),
                as: office
            ).decode(Extra.self)
            let stage = Stage(
                api: api,
                world: world,
                extra: extra,
                reception: try await api.given.staff([.reception], at: world.park.id),
                tally: Tally(),
                start: try day("2026-12-08")
            )
            api.clock.advance(by: 17 * 86400)
            let accountant = try await api.given.staff([.finance], at: world.park.id)
            let feed = FeedReader(api, world.park.id, as: accountant)
            let everybody = try await withThrowingTaskGroup(of: [(Given.Person, [Booking.ID])].self) { group in
                for number in 0..<5 {
                    group.addTask { try await [actor(stage, seed: seed * 100 + UInt64(number), steps: 50)] }
                }
                group.addTask {
                    try await otherSystem(stage, seed: seed * 100 + 50, steps: 50)
                    return []
                }
                group.addTask {
                    try await importer(stage, seed: seed * 100 + 60, files: 8)
                    return []
                }
                group.addTask {
                    // Meanwhile time passes, holds end, and a rate changes.
                    for _ in 0..<10 {
                        try await Task.sleep(for: .milliseconds(150))
                        api.clock.advance(by: 130)
                        try await api.work()
                    }
                    return []
                }
                let reading = Task {
                    while !stage.tally.isOver { try await feed.catchUp(limit: 7) }
                }
                let all = try await group.reduce(into: []) { $0 += $1 }
                stage.tally.isOver = true
                try await reading.value
                return all
            }
            try await check(stage, everybody, feed)
            let tally = stage.tally.all
            let happened = tally.filter { $0.value.keys.contains { $0 < 300 } }.keys.sorted()
            let wanted = [
                "cancel", "change", "confirm", "hold", "import", "move", "order", "pay", "quote", "report", "split",
                "take back", "withdraw",
            ]
            // The order of the actors decides which actions succeed. The check proves little if few kinds succeed.
            #expect(Set(happened).intersection(wanted).count * 2 > wanted.count, "\(tally)")
            #expect(tally.values.allSatisfy { $0.keys.allSatisfy { $0 < 500 || $0 == 503 } }, "\(tally)")
        }
    }

    private func check(
        _ stage: Stage,
        _ everybody: [(Given.Person, [Booking.ID])],
        _ feed: FeedReader
    ) async throws {
        let api = stage.api
        // No cottage is allocated twice, and the bits of the search agree.
        let twice: SQL = """
            SELECT count(*) FROM allocation AS a JOIN allocation AS b
                ON a.cottage_id = b.cottage_id AND a.id < b.id AND a.stay && b.stay WHERE a.is_live AND b.is_live
            """
        #expect(try await api.count(twice) == 0)
        let wrong = try await api.app.database.read(as: "test") {
            try await $0.all(AvailabilitySQL.wrongOccupancy(of: nil))
        }
        #expect(wrong.isEmpty)
        let contradictions = try await Office(api.app).checkLedger()
        #expect(contradictions.isEmpty, "\(contradictions)")
        // The price equals a new quote for the present state.
        var quoted = 0
        for (organiser, bookings) in everybody {
            for id in bookings {
                let booking = try await api.get("/v1/bookings/\(id)", as: organiser).decode(Booking.self)
                #expect(booking.total.amount == booking.charges.total && booking.total.amount >= 0)
                let fresh = try await api.post("/v1/bookings/\(id)/quotes", BookingChange(), as: organiser)
                guard [.held, .confirmed, .checkedIn].contains(booking.state) else {
                    #expect(fresh.status == 409)
                    continue
                }
                quoted += 1
                let lines = try fresh.decode(Quote.self).lines
                #expect(lines.isEmpty, "\(booking.number) \(booking.stay): \(lines.map { "\($0.kind) \($0.amount)" })")
            }
        }
        #expect(quoted > 5)
        // The taken stock equals the ordered stock.
        let stock: SQL = """
            SELECT count(*) FROM extra_stock WHERE taken < 0 OR taken > stock OR taken <> (
                SELECT coalesce(sum(quantity), 0) FROM extra_order
                WHERE extra_order.extra_id = extra_stock.extra_id AND cancelled_at IS NULL
                    AND dates @> date AND extra_order.slot = extra_stock.slot
            )
            """
        #expect(try await api.count(stock) == 0)
        // A reader that followed the feed missed nothing, and a reader from the start ends with the tables' state.
        try await feed.catchUp()
        let seen = await feed.seen
        #expect(seen.map(\.number) == Array(1...seen.count))
        for kind in ["booking", "cottage"] {
            let rows = try await api.app.database.read(as: "test") { reader in
                let ofPark: SQL =
                    kind == "booking" ? "fed_booking JOIN booking USING (id)" : "fed_cottage JOIN cottage USING (id)"
                return try await reader.all(
                    Query("SELECT id, body FROM \(ofPark) WHERE park_id = \(stage.world.park.id)") { row in
                        (try row.decode("id", as: UUID.self), try row.decodeJSON("body", as: JSONValue.self))
                    }
                )
            }
            let replayed = await feed.replayed(kind)
            #expect(replayed.count == rows.count)
            for (id, body) in rows { #expect(replayed[id] == body, "\(kind) \(id)") }
        }
        // The versions of each booking come in order.
        var versions: [UUID: Double] = [:]
        for change in seen where change.kind == "booking" {
            guard case .object(let body) = change.body, case .number(let version) = body["version"] else { continue }
            #expect(version >= versions[change.id] ?? 0)
            versions[change.id] = version
        }
    }
}
