import Foundation
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct MigrationTests {
    /// All parts of a database as text, without the order of columns.
    private static let catalogue = Query(
        """
        SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default) AS line
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL
        SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT pg_get_functiondef(pg_proc.oid) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
        UNION ALL SELECT concat_ws(' ', viewname, definition) FROM pg_views WHERE schemaname = 'public'
        UNION ALL SELECT concat_ws(' ', number, name) FROM schema_version
        ORDER BY 1
        """
    ) { try $0.decode("line", as: String.self) }

    private func lines(_ database: TestDatabase) async throws -> [String] {
        let pool = try database.open(readers: 1)
        let lines = try await pool.read(as: "test") { try await $0.all(Self.catalogue) }
        await pool.close()
        return lines
    }

    @Test func `A migrated old database has the same schema as a new one`() async throws {
        let migrations = projectFolder.appending(path: "migrations")
        let names = try FileManager.default.contentsOfDirectory(atPath: migrations.path()).sorted()
        #expect(names.map { Int($0.prefix(4)) } == Array(1...Migrator.expectedVersion))
        try await withTestDatabase { old in
            let first = try String(contentsOf: migrations.appending(path: names[0]), encoding: .utf8)
            try await Script.run("BEGIN; \(first); COMMIT;", on: old.connectionString)
            let migrator = Migrator(connectionString: old.connectionString, folder: projectFolder)
            #expect(try await migrator.run() == Array(names.dropFirst()))
            #expect(try await migrator.run() == [])
            try await withTestDatabase(turn: .mine) { new in
                try await Migrator(connectionString: new.connectionString, folder: projectFolder).run()
                let (before, after) = (try await lines(old), try await lines(new))
                #expect(Set(before).symmetricDifference(after).isEmpty)
                #expect(before.count > 500)
            }
        }
    }

    /// Old and new nodes run side by side while a version is rolled out.
    @Test func `The previous version's SQL statements can be prepared on the new schema`() async throws {
        let file = projectFolder.appending(path: "Tests/statements-of-before.txt")
        let statements = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        #expect(statements.count > 400)
        try await withTestDatabase(template: try await Template.shared.name()) { test in
            for start in stride(from: 0, to: statements.count, by: 50) {
                let portion = statements[start..<min(start + 50, statements.count)]
                let whole = portion.enumerated().map { "PREPARE s\($0.offset) AS \($0.element);" }.joined(
                    separator: "\n"
                )
                do {
                    try await Script.run(whole, on: test.connectionString)
                } catch {
                    for statement in portion {
                        do {
                            try await Script.run("PREPARE s AS \(statement)", on: test.connectionString)
                        } catch {
                            Issue.record("\(error) in: \(statement)")
                        }
                    }
                }
            }
        }
    }

    @Test func `Every migration says how long it may wait for a lock`() throws {
        let migrations = projectFolder.appending(path: "migrations")
        for name in try FileManager.default.contentsOfDirectory(atPath: migrations.path()) {
            let text = try String(contentsOf: migrations.appending(path: name), encoding: .utf8)
            #expect(text.contains("SET LOCAL lock_timeout = '2s';"), "\(name)")
        }
    }
}
