import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct ImportTests {
    private static let header = """
        hotel,is_canceled,arrival_date_year,arrival_date_month,arrival_date_day_of_month,stays_in_weekend_nights,\
        stays_in_week_nights,adults,children,babies,reserved_room_type,assigned_room_type,adr,reservation_status
        """

    private static func row(
        _ day: Int,
        _ nights: Int,
        type: String = "A",
        status: String = "Check-Out",
        adults: String = "2",
        rate: String = "80.5"
    ) -> String {
        "Resort,0,2026,July,\(day),0,\(nights),\(adults),0,NULL,A,\(type),\(rate),\(status)"
    }

    private func run(
        _ api: GuestAPITestService,
        _ park: Park,
        _ text: String,
        map: ColumnMap = .hotelDemand,
        creating: Bool = true,
        adding: Bool = false
    ) async throws -> ImportReservations.Outcome {
        let work = try await ImportReservations(
            Data(text.utf8),
            name: "f.csv",
            map: map,
            parkSlug: park.slug,
            isAddition: adding,
            api.app
        )
        if creating { _ = try await work.createCottages() }
        return try await work.run { _ in }
    }

    @Test func `A second import file without reservation numbers is refused by default`() async throws {
        try await withGuestAPI { api in
            let park = try await api.given.park(cottages: 0).park
            let first = Self.header + "\n" + Self.row(1, 3) + "\n"
            let second = first + Self.row(5, 2) + "\n"
            _ = try await run(api, park, first)
            await #expect(throws: ReservationFile.Unreadable.self) { try await run(api, park, second) }
            #expect(try await run(api, park, first).imported == 1)
            #expect(try await api.count("SELECT count(*) FROM booking") == 1)
            let other = Self.header + "\n" + Self.row(9, 2) + "\n"
            #expect(try await run(api, park, other, adding: true).imported == 1)
        }
    }

    @Test func `Every import row is booked or rejected with line and reason`()
        async throws
    {
        try await withGuestAPI { api in
            let park = try await api.given.park(cottages: 0).park
            let rows = [
                Self.row(1, 3), Self.row(1, 3), Self.row(2, 1, type: "B"), Self.row(2, 2, status: "Canceled"),
                Self.row(3, 2, status: "No-Show"), Self.row(4, 0), Self.row(5, 2, adults: "0"),
                Self.row(31, 2, rate: "x"),
                Self.row(32, 2), Self.row(6, 2, status: "Waiting"), "too,few", Self.row(7, 2, adults: "fifty"),
            ]
            let text = Self.header + "\r\n" + rows.joined(separator: "\n") + "\n"
            let outcome = try await run(api, park, text)
            #expect(outcome.rows == 12)
            #expect(outcome.imported == 5)
            #expect(outcome.rejected == 7)
            let rejects = String(decoding: outcome.rejectsFile, as: UTF8.self)
            #expect(rejects.contains("7,\"the stay has no nights\""))
            #expect(rejects.contains("10,\"arrival_date_day_of_month is '32'"))
            #expect(rejects.contains("12,\"has 2 fields, expected 14\",too,few"))
            // At the peak two reservations are in type A and one is in type B.
            #expect(try await api.count("SELECT count(*) FROM cottage") == 3)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 3)
            #expect(
                try await api.count("SELECT sum(amount)::bigint AS count FROM charge_line") == 8050
                    * (3 + 3 + 1 + 2 + 2)
            )
            let again = try await run(api, park, text)
            #expect(again.imported == 5 && again.rejected == 7)
            #expect(try await api.count("SELECT count(*) FROM booking") == 5)
        }
    }

    private static let columns = ColumnMap(
        reservationNumber: "ResNo",
        arrivalDate: "Arrival",
        nights: ["Nights"],
        adults: "Adults",
        type: ["Type"],
        nightlyRate: "Rate",
        status: "Status",
        states: ["Def": "confirmed"]
    )

    @Test func `A bad row never stops the import`() async throws {
        try await withGuestAPI { api in
            let park = try await api.given.park(cottages: 0).park
            let long = String(repeating: "N", count: 10_000)
            let rows = [
                "N1,2027-03-01,2,2,C4,99.50,Def", "\(long),2027-03-05,2,2,C4,99.50,Def",
                "N3,2027-03-05,2,2,C\u{0}4,99.50,Def", "N4,2027-03-05,2,2,C4,99.50,De\u{0}f",
                "N\u{0}5,2027-03-05,2,2,C4,99.50,Def", "N6,2027-03-05,2,2,C4,9\u{0}9,Def",
                "N7,2027-03-05,2,2,C4,0x10,Def", "N8,2027-03-05,2,2,C4,1e3,Def", "N9,2027-03-05,2,2,C4,+5,Def",
                "N10,2027-03-05,2,2,C4,٩٩,Def", "N11,2027-03-05,2,٢,C4,5,Def", "N12,2027-03-05,+2,2,C4,5,Def",
                "N13,2027-03-05,2,2,C4,1_000,Def", "N14,2027-03-05,2,2,Süd,5,Def", "N15,2027-03-05,2,2,C4,-50.005,Def",
                "N16,2027-03-09,2,2,C4,,Def",
            ]
            let text = "ResNo,Arrival,Nights,Adults,Type,Rate,Status\n" + rows.joined(separator: "\n") + "\n"
            let outcome = try await run(api, park, text, map: Self.columns)
            #expect(outcome.imported == 3 && outcome.rejected == 13)
            let lines = Query("SELECT line FROM import_reject ORDER BY line") { try $0.decode("line", as: Int.self) }
            let rejected = try await api.app.database.read(as: "test") { try await $0.all(lines) }
            #expect(rejected == Array(3...15))
            let amounts = Query("SELECT amount FROM charge_line ORDER BY amount") {
                try $0.decode("amount", as: Int.self)
            }
            #expect(try await api.app.database.read(as: "test") { try await $0.all(amounts) } == [-10002, 0, 19900])
        }
    }

    @Test(arguments: [",", ";", "\t"]) func `Import files by Excel and other programs can be read`(
        _ sign: String
    ) async throws {
        try await withGuestAPI { api in
            let park = try await api.given.park(cottages: 0).park
            let rate = sign == ";" ? "99,50" : "99.50"
            let rows = [
                ["ResNo", "Arrival", "Nights", "Adults", "Type", "Rate", "Status"],
                ["R-é1", "2027-03-01", "2", "2", "\"C4\"", rate, "Def"],
                ["R-è1", "2027-03-01", "2", "2", "C4", rate, "Def"],
            ]
            let body = rows.map { $0.joined(separator: sign) }.joined(separator: "\r\n")
            let outcome = try await run(api, park, "\u{FEFF}" + body + "\r\n", map: Self.columns)
            #expect(outcome.imported == 2 && outcome.rejected == 0)
            #expect(try await api.count("SELECT sum(amount)::bigint AS count FROM charge_line") == 39800)
            // The same file in Excel's encoding, with the line that names the separator.
            let data = try #require(("sep=\(sign)\r\n" + body).data(using: .windowsCP1252))
            func read(_ encoding: TextEncoding) throws -> ReservationFile {
                try ReservationFile(data, Self.columns, encoding: encoding, decimals: 2)
            }
            #expect(try read(.windows1252).reservations.map(\.number) == ["R-é1", "R-è1"])
            #expect(throws: ReservationFile.Unreadable.self) { try read(.utf8) }
            let twice = Data(body.replacing("Type", with: "Rate").utf8)
            #expect(throws: ReservationFile.Unreadable.self) {
                try ReservationFile(twice, Self.columns, decimals: 2)
            }
        }
    }

    @Test func `An interrupted import continues where it stopped`() async throws {
        try await withGuestAPI { api in
            let park = try await api.given.park(cottages: 0).park
            let rows = (0..<1200).map { Self.row(1 + $0 % 28, 1 + $0 % 5) } + [Self.row(4, 0)]
            let text = Self.header + "\n" + rows.joined(separator: "\n")
            let work = try await ImportReservations(
                Data(text.utf8),
                name: "f",
                map: .hotelDemand,
                parkSlug: park.slug,
                api.app
            )
            _ = try await work.createCottages()
            let cutOff = Task {
                try await work.run { done in if done > 500 { withUnsafeCurrentTask { $0?.cancel() } } }
            }
            await #expect(throws: (any Error).self) { _ = try await cutOff.value }
            let halfway = try await api.count("SELECT count(*) FROM booking")
            #expect(halfway > 0 && halfway < 1200)
            let outcome = try await run(api, park, text)
            #expect(outcome.imported == 1200 && outcome.rejected == 1)
            #expect(try await api.count("SELECT count(*) FROM booking") == 1200)
        }
    }

    @Test func `An imported row is rejected when no cottage is free`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park(cottages: 1)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(
                of: group,
                by: organiser,
                in: world,
                from: "2027-05-14",
                to: "2027-05-17"
            )
            let text =
                Self.header + "\n" + Self.row(15, 3).replacing("2026,July", with: "2027,May") + "\n" + Self.row(16, 3)
            let outcome = try await run(api, world.park, text, creating: false)
            #expect(outcome.imported == 1 && outcome.rejected == 1)
            #expect(String(decoding: outcome.rejectsFile, as: UTF8.self).contains("no cottage of type A is free"))
        }
    }

    @Test func `A newer export updates bookings by their reservation numbers`() async throws {
        try await withGuestAPI { api in
            let park = try await api.given.park(cottages: 0).park
            var map = ColumnMap.hotelDemand
            map.reservationNumber = "number"
            func file(_ rows: [String]) -> String {
                "number," + Self.header + "\n" + rows.joined(separator: "\n")
            }
            let first = try await run(
                api,
                park,
                file(["R1," + Self.row(1, 3), "R2," + Self.row(4, 3), "R3," + Self.row(10, 2)]),
                map: map
            )
            #expect(first.imported == 3)
            // One cottage is enough for all three reservations; now the first two swap places.
            let second = try await run(
                api,
                park,
                file(["R1," + Self.row(4, 3), "R2," + Self.row(1, 3), "R3," + Self.row(10, 2, status: "Canceled")]),
                map: map,
                creating: false
            )
            #expect(second.imported == 3 && second.rejected == 0)
            #expect(try await api.count("SELECT count(*) FROM booking") == 3)
            #expect(try await api.count("SELECT count(*) FROM cottage") == 1)
            #expect(try await api.count("SELECT count(*) FROM allocation WHERE is_live") == 2)
            #expect(
                try await api.count(
                    "SELECT count(*) FROM booking WHERE reservation_number = 'R1' AND lower(stay) = '2026-07-04'"
                ) == 1
            )
            #expect(try await api.count("SELECT count(*) FROM booking WHERE state = 'cancelled'") == 1)
        }
    }
}
