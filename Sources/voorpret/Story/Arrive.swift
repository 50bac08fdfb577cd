import GuestAPI
import GuestClient
import GuestModels

extension Story {
    /// The cleaner gets the cottages ready, and the group comes straight to the door.
    mutating func arrive() async throws {
        let email = "care.\(text(park, "slug"))@example.org"
        cleaner = try await client.signInStaff(email, device: "The cleaner's phone", secret: DemoData.factorSecret)
        let cottages = list(booking, "cottages")
        for (cottage, name) in zip(cottages, ["Mira", "Els"]) {
            let homes = [
                try await travellers(as: mira)[name], name == "Els" ? try await travellers(as: mira)["Jonas"] : nil,
            ]
            let households = homes.compactMap { $0.map { text($0, "householdId") } }
            let path = Paths.bookingCottageHouseholds.with(text(booking), text(cottage))
            _ = try await ask("PUT", path, ["householdIds": households], as: mira)
        }
        say("Mira says who lives where: Els and Jonas in one cottage, she and Tuna in the other.")
        for cottage in cottages {
            _ = try await ask(
                "PUT",
                Paths.adminCottageReadiness.with(text(cottage)),
                ["readiness": "ready"],
                as: cleaner
            )
        }
        let numbers = cottages.map { text($0, "number") }.joined(separator: " and ")
        say("The cleaner finishes cottages \(numbers), and the group's phones show that they are ready.")

        let early = try await client.send("GET", Paths.bookingAccess.with(text(booking)), nil, as: mira)
        try require(early.json["code"] as? String == "not_checked_in", "the door code is shown too early")
        booking = try await ask("POST", Paths.bookingCheckIn.with(text(booking)), [:], as: mira)
        let access = try await items(Paths.bookingAccess.with(text(booking)), as: els)
        let codes = access.compactMap { ($0["access"] as? JSON).map { text($0, "doorCode") } }
        try require(codes.count == cottages.count && codes.allSatisfy { !$0.isEmpty }, "a door code is missing")
        say("Mira checks in by phone, and everybody sees the door codes.")

        let view = try await ask(
            "GET",
            Paths.adminParkDay.with(text(park)) + "?date=\(try day(plus: 0))",
            as: reception
        )
        let arrivals = list(view, "arrivals").compactMap { $0["bookings"] as? Int }
        say("The receptionist looks at the day: \(arrivals.reduce(0, +)) arrivals.")
    }
}
