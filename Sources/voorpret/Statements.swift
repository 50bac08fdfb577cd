public import ArgumentParser
public import GuestAPI
import GuestModels

struct Statements: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints what a request asks the database, to measure it without the service."
    )

    @Argument(help: "group-read or pull-idle.")
    var request: Office.Request

    @Option(help: "Who asks.", transform: { text in try identifier(text) })
    var guest: Guest.ID

    @Option(help: "The group that is read.", transform: { text in try identifier(text) })
    var group: TravelGroup.ID?

    func run() async throws {
        let statements = try await Setup.withApp {
            try await Office($0).statements(of: request, by: guest, group: group)
        }
        for statement in statements { print(statement + ";") }
    }

    private static func identifier<Subject>(_ text: String) throws -> Identifier<Subject> {
        guard let id = Identifier<Subject>(text) else { throw ValidationError("\(text) is no id") }
        return id
    }
}

extension Office.Request: ExpressibleByArgument {}
