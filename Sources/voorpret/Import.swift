import ArgumentParser
import Foundation
import GuestAPI
import GuestClient

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reads a property system's export.",
        subcommands: [Reservations.self]
    )

    struct Reservations: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Imports reservations from a CSV file. Run again, it goes on where it was; run twice, it changes nothing."
        )

        @Argument(help: "The file.")
        var file: String

        @Option(help: "The park's short name.")
        var park: String

        @Flag(help: "Make as many cottages of each type as stay at the same time at the peak.")
        var createCottages = false

        @Option(help: "A JSON file that says which column is what; see docs/import.md.")
        var columns: String?

        @Option(
            help: "How the file is encoded: utf-8, or windows-1252 as Excel writes it.",
            transform: { text in
                guard let encoding = TextEncoding(rawValue: text) else {
                    throw ValidationError("'\(text)' is none of utf-8 and windows-1252")
                }
                return encoding
            }
        )
        var encoding = TextEncoding.utf8

        @Flag(help: "The file has other reservations than the park's earlier one without reservation numbers.")
        var add = false

        @Option(help: "Where rejected rows go; FILE.rejects.csv unless told.")
        var rejects: String?

        func run() async throws {
            guard let data = FileManager.default.contents(atPath: file) else { throw fail("\(file) cannot be read") }
            var map = ColumnMap.hotelDemand
            if let columns {
                guard let json = FileManager.default.contents(atPath: columns) else {
                    throw fail("\(columns) cannot be read")
                }
                map = try JSONDecoder().decode(ColumnMap.self, from: json)
            }
            let columnMap = map
            try await Setup.withApp { app in
                let work: ImportReservations
                do {
                    work = try await ImportReservations(
                        data,
                        name: file,
                        map: columnMap,
                        parkSlug: park,
                        encoding: encoding,
                        isAddition: add,
                        app
                    )
                } catch let error as any Error & CustomStringConvertible {
                    throw fail(error.description)
                }
                if createCottages { print("made \(try await work.createCottages()) cottages") }
                let bar = ProgressBar("Importing")
                let started = Date()
                let outcome = try await work.run { bar.show($0, of: work.rowCount) }
                bar.finish()
                let path = rejects ?? file + ".rejects.csv"
                if outcome.rejected > 0 {
                    try outcome.rejectsFile.write(to: URL(filePath: path))
                }
                let seconds = Date().timeIntervalSince(started)
                print(
                    "\(outcome.rows) rows: \(outcome.imported) imported, \(outcome.rejected) rejected"
                        + (outcome.rejected > 0 ? " (see \(path))" : "") + ", in \((seconds * 10).rounded() / 10) s"
                )
            }
        }
    }
}
