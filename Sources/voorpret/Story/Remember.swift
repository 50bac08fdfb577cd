import GuestAPI
import GuestClient
import GuestModels

extension Story {
    /// Els comes again and reads the guest book, somebody walks in, and head office knows who stayed.
    mutating func remember() async throws {
        let cottage = text(list(booking, "cottages").first ?? [:])
        let girls = try await ask("POST", Paths.groups(), ["name": "Els and the girls", "myName": "Els"], as: els)
        let wish: [String: any Sendable] = [
            "parkId": text(park), "groupId": text(girls), "travellerIds": list(girls, "travellers").map { text($0) },
            "stay": ["arrival": try day(plus: 3), "departure": try day(plus: 5)], "cottages": [["cottageId": cottage]],
        ]
        let next = try await ask("POST", Paths.bookings(), wish, as: els)
        _ = try await ask("POST", Paths.bookingConfirm.with(text(next)), [:], as: els)
        let book = try await items(Paths.bookingCottageGuestBook.with(text(next), cottage), as: els)
        try require(book.contains { text($0, "text").contains("otters") }, "the guest book is empty")
        say(
            "Els books Mira's cottage for her friends, from the day on which Mira's stay ends. Its guest book tells of otters."
        )

        let (from, to) = (try day(plus: 0), try day(plus: 2))
        let rooms = try await ask("GET", Paths.parkAvailability.with(text(park)) + "?from=\(from)&to=\(to)", as: nil)
        guard let type = list(rooms, "offers").first else {
            throw GuestClient.Stopped(description: "the park is full tonight")
        }
        let walkIn: [String: any Sendable] = [
            "guest": ["name": "Wanda"], "stay": ["arrival": from, "departure": to],
            "cottages": [["typeId": text(type, "typeId")]], "checkIn": true,
        ]
        let tonight = try await ask("POST", Paths.adminParkWalkIns.with(text(park)), walkIn, as: reception)
        let number = list(tonight, "cottages").map { text($0, "number") }.joined()
        say("Wanda walks in, and sleeps in cottage \(number).")

        let secret = DemoData.factorSecret
        office = try await client.signInStaff(DemoData.headOfficeEmail, device: "Head office", secret: secret)
        let stayed = try await feed(text(booking))
        try require(stayed == "checkedOut", "the feed says \(stayed ?? "nothing") of the stay")
        say("Head office reads in the feed that Mira's group has stayed, for the day when regulars are rewarded.")
    }

    /// The last state of a booking in the park's feed.
    private func feed(_ booking: String) async throws -> String? {
        var (since, state) = (0, String?.none)
        while true {
            let path = Paths.adminChanges() + "?park=\(text(park))&since=\(since)&limit=500"
            let page = try await ask("GET", path, as: office)
            for change in list(page, "items") where text(change) == booking {
                state = (change["body"] as? JSON).map { text($0, "state") } ?? state
            }
            guard page["isComplete"] as? Bool == false, let next = page["next"] as? Int, next > since else {
                return state
            }
            since = next
        }
    }
}
