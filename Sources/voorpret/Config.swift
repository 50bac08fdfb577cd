import ArgumentParser
import Foundation
import GuestAPI

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the settings that are in force; secrets show as (set)."
    )

    func run() async throws {
        for (name, value) in try Setup.settings().inForce + [("VOORPRET_SCHEMA", Setup.schemaFolder.path())] {
            print("\(name)=\(value)")
        }
    }
}
