import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@Suite struct ValueTests {
    /// Sends the value and reads it back through the server's own type.
    private func roundTrip<Value: PostgresValue & Equatable>(
        _ value: Value,
        _ type: SQL,
        _ database: Database
    ) async throws -> Value? {
        try await database.read(as: "test") { reader in
            try await reader.first(Query("SELECT \(value)::\(type) AS value") { try $0.decode("value") })
        }
    }

    @Test func `A value of every type comes back unchanged`() async throws {
        try await withTestDatabase { test in
            let database = try test.open()
            #expect(try await roundTrip(true, "boolean", database) == true)
            #expect(try await roundTrip(Int.min, "bigint", database) == Int.min)
            #expect(try await roundTrip(Int.max, "bigint", database) == Int.max)
            #expect(try await roundTrip(Int16(-32768), "smallint", database) == -32768)
            #expect(try await roundTrip(0.1, "double precision", database) == 0.1)
            #expect(try await roundTrip(-Double.infinity, "double precision", database) == -Double.infinity)
            #expect(try await roundTrip(Double.nan, "double precision", database)?.isNaN == true)
            #expect(try await roundTrip("", "text", database) == "")
            #expect(try await roundTrip("née 🏕️ \\ \" ' \n", "text", database) == "née 🏕️ \\ \" ' \n")
            let id = UUID()
            #expect(try await roundTrip(id, "uuid", database) == id)
            #expect(try await roundTrip(Data([0, 255, 92, 39]), "bytea", database) == Data([0, 255, 92, 39]))
            #expect(
                try await roundTrip(JSONText(#"{"a": [1, null]}"#), "jsonb", database)?.text == #"{"a": [1, null]}"#
            )
            #expect(
                try await roundTrip(["a", "", "NULL", #"q"\,{}"#], "text[]", database) == ["a", "", "NULL", #"q"\,{}"#]
            )
            #expect(try await roundTrip([Int](), "bigint[]", database) == [])
            #expect(try await roundTrip([1, -2, 3], "bigint[]", database) == [1, -2, 3])
            await database.close()
        }
    }

    @Test func `Dates and instants come back unchanged`() async throws {
        try await withTestDatabase { test in
            let database = try test.open()
            for text in ["0001-01-01", "1969-12-31", "1972-02-29", "2027-05-14", "9999-12-31"] {
                let date = try #require(LocalDate(text))
                #expect(try await roundTrip(date, "date", database) == date)
            }
            for seconds in [-62_135_596_800.0, -0.000001, 0, 1_794_700_000.123456, 253_402_300_799.5] {
                let instant = Date(timeIntervalSince1970: seconds)
                let back = try await roundTrip(instant, "timestamptz", database)
                #expect(abs((back?.timeIntervalSince1970 ?? .nan) - seconds) < 0.00003)
            }
            #expect(try await roundTrip(Unbounded<LocalDate>.distantFuture, "date", database) == .distantFuture)
            #expect(try await roundTrip(Unbounded<Date>.distantPast, "timestamptz", database) == .distantPast)
            let newYear = try stay("2026-12-29", "2027-01-02")
            #expect(try await roundTrip(newYear, "daterange", database) == newYear)
            let open = PostgresRange<LocalDate>(lower: newYear.arrival, upper: nil)
            #expect(try await roundTrip(open, "daterange", database) == open)
            let instants = PostgresRange(lower: Date(timeIntervalSince1970: 0), upper: Date(timeIntervalSince1970: 9))
            #expect(try await roundTrip(instants, "tstzrange", database) == instants)
            var empty = PostgresRange<Int>(lower: nil, upper: nil)
            empty.isEmpty = true
            #expect(try await roundTrip(empty, "int8range", database) == empty)
            await database.close()
        }
    }

    @Test func `NULL is an error where no optional value was asked for`() async throws {
        try await withTestDatabase { test in
            let database = try test.open()
            try await database.read(as: "test") { reader in
                let query = Query("SELECT \(String?.none)::text AS value") { row in
                    try row.decodeIfPresent("value", as: String.self)
                }
                let absent = try await reader.first(query)
                #expect(absent == .some(nil))
                let null = Query("SELECT NULL AS value") { try $0.decode("value", as: Int.self) }
                await #expect(throws: PostgresError.self) { _ = try await reader.first(null) }
                await #expect(throws: PostgresError.self) {
                    _ = try await reader.first(
                        Query("SELECT 'infinity'::date AS value") { try $0.decode("value", as: LocalDate.self) }
                    )
                }
                await #expect(throws: PostgresError.self) {
                    _ = try await reader.first(Query("SELECT 1 AS value") { try $0.decode("other", as: Int.self) })
                }
                await #expect(throws: PostgresError.self) {
                    _ = try await reader.first(
                        Query("SELECT '{1,NULL}'::int[] AS value") { try $0.decode("value", as: [Int].self) }
                    )
                }
            }
            await database.close()
        }
    }

    @Test func `A text of 32 MiB reaches the database and comes back`() async throws {
        try await withTestDatabase { test in
            let database = try test.open()
            let huge = String(repeating: "voorpret", count: 4 << 20)
            // The test is about the size. The time depends on the machine, so the transaction gets a long limit.
            let count = try await database.transaction(as: "test", within: 600) { tx in
                try await tx.first(Query("SELECT \(huge)::text AS value") { try $0.decode("value", as: String.self) })
            }?.utf8.count
            #expect(count == huge.utf8.count)
            await database.close()
        }
    }

    @Test func `A zero byte in a text is refused, not cut off`() async throws {
        try await withTestDatabase { test in
            let database = try test.open()
            await #expect(throws: PostgresError.self) {
                _ = try await roundTrip("before\0after", "text", database)
            }
            #expect(try await roundTrip("still here", "text", database) == "still here")
            await database.close()
        }
    }
}
