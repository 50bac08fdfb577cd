import Foundation
import GuestAPI
import GuestClient
import GuestModels

/// The story of one stay, played by seven people through the API of a running service with the demo loaded.
///
/// Mira organises it. Jonas has no app. Els is the grandmother, and Tuna is Mira's child. A receptionist and a cleaner
/// work at the park, and a colleague at head office looks after regulars. Each chapter is a function in a file of its
/// own; a chapter throws `GuestClient.Stopped` where the service does otherwise than the story tells.
struct Story {
    let client: GuestClient
    private let tell: @Sendable (String) -> Void

    /// The access tokens of the people in the story who are signed in.
    var mira = "", els = "", tuna = "", reception = "", cleaner = "", office = ""
    var group = JSON(), park = JSON(), booking = JSON()

    /// A JSON object of an answer.
    typealias JSON = [String: Any]

    init(client: GuestClient, tell: @escaping @Sendable (String) -> Void) {
        self.client = client
        self.tell = tell
    }

    mutating func play() async throws {
        chapter("Together")
        try await comeTogether()
        chapter("Choosing and holding")
        try await choose()
        chapter("Everybody pays their own share")
        try await pay()
        chapter("Planning")
        try await plan()
        chapter("Arrival")
        try await arrive()
        chapter("Something is broken")
        try await mend()
        chapter("An album everybody fills")
        try await fillAlbum()
        chapter("Good-bye")
        try await leave()
        chapter("The next guests, and the next time")
        try await remember()
    }

    // MARK: Telling

    private func chapter(_ title: String) { tell("\n\(title)\n") }

    func say(_ text: String) { tell("· \(text)") }

    func require(_ isSo: Bool, _ sentence: String) throws {
        guard isSo else { throw GuestClient.Stopped(description: "the story goes otherwise: \(sentence)") }
    }

    // MARK: Asking

    func ask(
        _ method: String,
        _ path: String,
        _ body: [String: any Sendable]? = nil,
        as token: String?,
        match: Int? = nil
    ) async throws -> JSON {
        try await client.ask(method, path, body, as: token, match: match)
    }

    func items(_ path: String, as token: String?) async throws -> [JSON] {
        list(try await ask("GET", path, as: token), "items")
    }

    // MARK: Reading answers

    func text(_ json: JSON, _ key: String = "id") -> String { json[key] as? String ?? "" }

    func list(_ json: JSON, _ key: String) -> [JSON] { json[key] as? [JSON] ?? [] }

    func money(_ json: JSON, _ key: String) -> String {
        guard let money = json[key] as? JSON, let amount = money["amount"] as? Int else { return "?" }
        return "\(text(money, "currency")) \(amount / 100).\(amount % 100 < 10 ? "0" : "")\(amount % 100)"
    }

    func amount(_ json: JSON, _ key: String = "amount") -> Int { (json[key] as? JSON)?["amount"] as? Int ?? 0 }

    /// The park-local date some days after today.
    func day(plus days: Int) throws -> String {
        guard let clock = ParkClock(timeZone: text(park, "timeZone")) else {
            throw GuestClient.Stopped(description: "the park has no time zone")
        }
        return clock.date(at: client.now()).adding(days: days).description
    }

    /// The travellers of the group, by name.
    func travellers(as token: String) async throws -> [String: JSON] {
        let page = try await ask("GET", Paths.group.with(text(group)), as: token)
        return Dictionary(list(page, "travellers").map { (text($0, "name"), $0) }) { first, _ in first }
    }

    /// The shares of the booking, by the household's name.
    func shares(as token: String) async throws -> [String: JSON] {
        let all = try await items(Paths.bookingShares.with(text(booking)), as: token)
        return Dictionary(all.map { (text($0, "householdName"), $0) }) { first, _ in first }
    }
}
