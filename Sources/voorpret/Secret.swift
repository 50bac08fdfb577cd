import ArgumentParser
import GuestAPI

struct Secret: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The keys in the state folder, which seal door codes and sign links.",
        subcommands: [List.self, Rotate.self, End.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The keys in use, and how much each of them seals.")

        func run() async throws {
            try await Setup.withApp { app in
                for line in try await Office(app).listKeys() { print(line) }
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a new key and seals everything with it, while the service runs.",
            discussion: "The older keys still open links, calendars and cursors until `voorpret secret end`."
        )

        func run() async throws {
            try await Setup.withApp { app in
                do {
                    let (number, values) = try await Office(app).rotateSecret()
                    print("secret \(number) seals everything now, \(values) values of them anew")
                } catch let error as Office.BadArgument {
                    throw fail(error.description)
                }
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends an older key: the links, calendars and cursors that it signed work no more."
        )

        @Argument(help: "Its number.")
        var number: Int

        func run() async throws {
            try await Setup.withApp { app in
                do {
                    try await Office(app).endKey(number)
                    print("secret \(number) is ended")
                } catch let error as Office.BadArgument {
                    throw fail(error.description)
                }
            }
        }
    }
}
