import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Earnings of each day, and invoices.
@Suite struct BooksTests {
    private struct Shares: Decodable {
        let items: [ShareView]
    }

    struct Shown: Decodable {
        let park: Park
    }

    /// A firm stay, and the finance of its park.
    @dynamicMemberLookup
    struct Stage {
        let stay: Given.BookedStay
        let finance: Given.Person

        subscript<Value>(dynamicMember path: KeyPath<Given.BookedStay, Value>) -> Value { stay[keyPath: path] }

        /// Runs the job of a day, as the park's clock would.
        func earn(through day: String) async throws {
            let work = EarnRevenue(parkId: self.world.park.id, day: try TestKit.day(day))
            try await self.api.transaction { try await work.finish(self.api.app.act(in: $0, as: .job("test"))) }
        }

        func credits(_ account: String) async throws -> Int {
            try await self.api.count(
                "SELECT coalesce(-sum(amount), 0)::int AS count FROM entry WHERE account = \(account)"
            )
        }

        func share(of who: Given.Person) async throws -> ShareView { try await stay.share(of: who) }

        func wait(until text: String) throws { try stay.wait(until: text) }
    }

    func rules(_ change: (inout HouseRules) -> Void = { _ in }) throws -> HouseRules {
        var rules = Given.rules
        rules.touristTax = .init(personNight: 168, fromAge: 12)
        rules.vat = [
            .init(from: try day("2020-01-01"), lodging: 900, extras: 2100),
            .init(from: try day("2027-01-01"), lodging: 2100, extras: 2100),
        ]
        rules.seller = .init(name: "Duinpark B.V.", address: "Duinweg 1, 1234 AB Zee", vatNumber: "NL0001B01")
        change(&rules)
        return rules
    }

    func stage(
        _ api: GuestAPITestService,
        from arrival: String = "2026-12-30",
        to departure: String = "2027-01-02",
        rules: HouseRules? = nil
    ) async throws -> Stage {
        let stay = try await api.given.stay(
            rules: try rules ?? self.rules(),
            from: arrival,
            to: departure,
            confirmed: true
        )
        return Stage(stay: stay, finance: try await api.given.staff([.finance], at: stay.world.park.id))
    }

    func expectRight(_ api: GuestAPITestService, _ comment: Comment? = nil) async throws {
        let wrong = try await Office(api.app).checkLedger()
        #expect(wrong.isEmpty, comment)
    }

    @Test func `Each night is earned on its day at that day's VAT`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let total = Int(stage.booking.total.amount)
            let tax = 2 * 3 * 168
            try await stage.earn(through: "2026-12-29")
            #expect(try await stage.credits("receivable") == 0)
            try await stage.earn(through: "2026-12-30")
            #expect(try await stage.credits("touristTax") == tax / 3)
            let old = try await stage.credits("vat")
            // Two days were skipped; each still gets its own journal with its own day.
            try await stage.earn(through: "2027-01-01")
            #expect(try await api.count("SELECT count(DISTINCT day) FROM journal WHERE key LIKE 'earned:%'") == 3)
            #expect(try await stage.credits("receivable") == -total)
            #expect(try await stage.credits("touristTax") == tax)
            let lodging = total - tax
            let nights = (lodging + 2) / 3
            #expect(old == Int((Double(nights) * 9 / 109).rounded()))
            #expect(
                try await api.count("SELECT count(*) FROM entry WHERE account = 'revenue' AND rate = 2100") == 1
            )
            let again = try await api.count("SELECT count(*) FROM journal")
            for day in ["2027-01-01", "2027-01-02", "2027-01-03"] { try await stage.earn(through: day) }
            #expect(try await api.count("SELECT count(*) FROM journal") == again)
            try await expectRight(api)
            let csv = try await api.get(
                "/v1/admin/parks/\(stage.world.park.id)/journals?from=2026-12-30&to=2027-01-02",
                as: stage.finance
            ).text
            #expect(csv.contains(",vat,,") && csv.contains(",EUR,21.00") && csv.contains(",EUR,9.00"))
        }
    }

    @Test func `Goodwill on an earned stay is booked on the next day`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let scheduler = Scheduler(app: api.app)
            for day in ["2026-12-31", "2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04"] {
                try stage.wait(until: "\(day) 04:30")
                try await scheduler.tick()
                try await api.work()
            }
            let total = Int(stage.booking.total.amount)
            #expect(try await stage.credits("receivable") == -total)
            let share = try await stage.share(of: stage.member)
            let gift = GoodwillRequest(amount: 1_000, reason: "cold shower")
            let given = try await api.post(
                "/v1/admin/shares/\(share.id)/goodwill",
                gift,
                as: stage.reception,
                key: "g"
            )
            #expect(given.status == 201)
            try stage.wait(until: "2027-01-05 04:30")
            try await scheduler.tick()
            try await api.work()
            #expect(try await stage.credits("receivable") == 1_000 - total)
            try stage.wait(until: "2027-01-08 04:30")
            try await scheduler.tick()
            try await api.work()
            try await expectRight(api)
        }
    }

    @Test func `No revenue is booked before the park has set its VAT`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api, rules: try rules { $0.vat = nil })
            let total = Int(stage.booking.total.amount)
            try await stage.earn(through: "2027-01-05")
            #expect(try await api.count("SELECT count(*) FROM journal WHERE key LIKE 'earned:%'") == 0)
            func say(_ vat: [HouseRules.VATRates]) async throws {
                var park = try await api.get("/v1/parks/\(stage.world.park.id)").decode(Shown.self).park
                park.rules.vat = vat
                let office = try await api.given.headOffice()
                let path = "/v1/admin/parks/\(park.id)"
                let request = ParkRequest(of: park)
                #expect(try await api.change("PUT", path, request, as: office, match: park.version).status == 200)
            }
            try await say([])
            try await stage.earn(through: "2027-01-06")
            #expect(try await stage.credits("receivable") == -total)
            #expect(try await stage.credits("vat") == 0)
            try await say(try rules().vat ?? [])
            try await stage.earn(through: "2027-01-07")
            #expect(try await stage.credits("receivable") == -total)
            #expect(try await stage.credits("vat") > 0)
            #expect(
                try await api.count(
                    "SELECT count(*) FROM (SELECT FROM entry WHERE rate = 0 GROUP BY account HAVING sum(amount) <> 0) AS wrong"
                ) == 0
            )
            try await expectRight(api)
        }
    }

    @Test func `A cancelled stay earns its fee without VAT`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api, from: "2027-05-14", to: "2027-05-17")
            try await stage.earn(through: "2026-11-19")
            try stage.wait(until: "2027-05-10 02:00")
            let cancelled = try await api.post("\(stage.path)/cancel", as: stage.organiser, key: "x")
                .decode(Booking.self)
            // The day's job ran at 04:00. The cancellation at 02:00 belongs to the day that is not over.
            try await stage.earn(through: "2027-05-09")
            #expect(try await stage.credits("receivable") == 0)
            try await stage.earn(through: "2027-05-10")
            #expect(try await stage.credits("revenue") == Int(cancelled.total.amount))
            #expect(try await stage.credits("vat") == 0)
            #expect(cancelled.total.amount > 0)
            // Goodwill on a fee without VAT has no VAT either.
            try stage.wait(until: "2027-05-11 10:00")
            let shares = try await api.get("\(stage.path)/shares", as: stage.organiser).text
            let share = try #require(try JSONDecoder().decode(Shares.self, from: Data(shares.utf8)).items.first)
            let gift = GoodwillRequest(amount: 100, reason: "a hard week")
            let path = "/v1/admin/shares/\(share.id)/goodwill"
            #expect(try await api.post(path, gift, as: stage.reception, key: "gw").status == 201)
            try await stage.earn(through: "2027-05-12")
            #expect(try await stage.credits("revenue") == Int(cancelled.total.amount) - 100)
            #expect(try await stage.credits("vat") == 0)
            try await expectRight(api)

            let other = try await self.stage(api, from: "2027-05-14", to: "2027-05-17")
            try other.wait(until: "2027-05-15 09:00")
            let gone = try await api.post(
                "/v1/admin/bookings/\(other.booking.id)/no-show",
                ReasonRequest(reason: "nobody came"),
                as: other.reception,
                key: "n"
            ).decode(Booking.self)
            #expect(gone.total.amount == other.booking.total.amount - 2 * 3 * 168)
            try await other.earn(through: "2027-05-17")
            #expect(try await stage.credits("touristTax") == 0)
            try await expectRight(api)
        }
    }

    @Test func `The group's page shows a member only their own amount`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let path = "/v1/groups/\(try #require(stage.booking.groupId))"
            let seen = try await api.get(path, as: stage.member).decode(TravelGroup.self).shares
            #expect(seen.count == 2 && seen.filter { $0.amount != nil }.map(\.isOwn) == [true])
            let all = try await api.get(path, as: stage.organiser).decode(TravelGroup.self).shares
            #expect(all.compactMap(\.amount?.amount).reduce(0, +) == stage.booking.total.amount)
            #expect(all.allSatisfy { $0.bookingId == stage.booking.id })
            // The group also books at another park. That park's desk sees the group, but not who has paid here.
            let elsewhere = try await api.given.park()
            let group = try await api.get(path, as: stage.organiser).decode(TravelGroup.self)
            _ = try await api.given.booking(of: group, by: stage.organiser, in: elsewhere)
            let desk = try await api.given.staff([.reception], at: elsewhere.park.id)
            let theirs = try await api.get(path, as: desk).decode(TravelGroup.self).shares
            #expect(!theirs.isEmpty && theirs.allSatisfy { $0.bookingId != stage.booking.id })
        }
    }

    /// Checks that every object is at the position that the file's own table gives.
    func expectReadable(_ response: GuestAPITestService.Response) throws {
        #expect(response.headers["content-type"] == "application/pdf")
        let bytes = Array(response.body)
        let text = String(decoding: bytes.suffix(4096), as: UTF8.self)
        #expect(bytes.starts(with: Array("%PDF-1.7\n".utf8)) && text.hasSuffix("%%EOF\n"))
        let table = try #require(
            text.components(separatedBy: "startxref\n").last.flatMap { Int($0.prefix { $0.isNumber }) }
        )
        #expect(String(decoding: bytes[table...].prefix(5), as: UTF8.self) == "xref\n")
        let rows = String(decoding: bytes[table...], as: UTF8.self).components(separatedBy: "\n").dropFirst(3)
            .prefix { $0.hasSuffix(" n ") }
        #expect(rows.count == 10)
        for (index, row) in rows.enumerated() {
            let offset = try #require(Int(row.prefix(10)))
            let head = String(decoding: bytes[offset...].prefix(10), as: UTF8.self)
            #expect(head.hasPrefix("\(index + 1) 0 obj\n"), "\(row)")
        }
    }
}

extension ParkRequest {
    /// A request with the present values of the park, to change one of them.
    init(of park: Park) {
        self.init(
            slug: park.slug,
            name: park.name,
            timeZone: park.timeZone,
            currency: park.currency,
            country: park.country,
            longitude: park.longitude,
            latitude: park.latitude,
            texts: park.texts,
            rules: park.rules
        )
    }
}
