import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// The table of kinds on the protocol's page, against what phones are sent.
@Suite struct SyncKindsTests {
    @Test func `The sync protocol's page documents every row kind and its fields`() async throws {
        let page = try String(
            contentsOf: projectFolder.appending(path: "Sources/Sync/Sync.docc/Sync.md"),
            encoding: .utf8
        )
        var fields: [String: Set<String>] = [:]
        for line in page.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 3, cells[0].hasSuffix(":`") else { continue }
            let names = cells[2].split(separator: ",").map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " `"))
            }
            fields[cells[1].trimmingCharacters(in: CharacterSet(charactersIn: "`"))] = Set(names)
        }

        try await withGuestAPI { api in
            let world = try await api.given.park()
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(of: group, by: organiser, in: world)
            let query = Query<(String, String)>(
                "SELECT DISTINCT kind, json_object_keys(body::json) AS field FROM scope_row WHERE body IS NOT NULL ORDER BY 1, 2"
            ) { (try $0.decode("kind"), try $0.decode("field")) }
            let sent = try await api.app.database.read(as: "test") { try await $0.all(query) }

            // The table was found and read.
            #expect(fields.count >= 19)
            #expect(Set(fields.keys).isSuperset(of: sent.map(\.0)))
            #expect(sent.count > 40)
            for (kind, field) in sent { #expect(fields[kind]?.contains(field) == true, "\(kind).\(field)") }
        }
    }
}
