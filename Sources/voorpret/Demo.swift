import ArgumentParser
import GuestClient

/// Plays the story of one stay through the API of a running service, and prints it in sentences.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plays one stay, from the invitation to the guest book, on a running service with the demo loaded."
    )

    @Option(help: "Where the service is.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The service's state folder, where the mails are.")
    var state = ".voorpret"

    func run() async throws {
        do {
            var story = Story(client: GuestClient(base: url, state: state)) { print($0) }
            try await story.play()
        } catch let error as GuestClient.Stopped {
            throw fail(error.description)
        }
    }
}
