import GuestClient
import GuestModels

extension Story {
    /// The group votes on two neighbouring cottages, holds them, and confirms.
    mutating func choose() async throws {
        // This park takes no deposit and admits arrivals every day, so the stay can begin today.
        guard let its = try await items(Paths.parks(), as: mira).first(where: { text($0, "slug") == "loch-ardroy" })
        else { throw GuestClient.Stopped(description: "the demo parks are not there; start the service with --demo") }
        park = its
        let (from, to) = (try day(plus: 0), try day(plus: 2))
        let search = "?from=\(from)&to=\(to)&adults=3&childAges=8&cottages=2&adjacent=true"
        let found = try await ask("GET", Paths.parkAvailability.with(text(park)) + search, as: mira)
        guard let best = list(found, "neighbours").first, let ids = best["cottageIds"] as? [String] else {
            throw GuestClient.Stopped(description: "no neighbours are free")
        }
        say("At \(text(park, "name")) two free cottages are \(best["spreadMetres"] ?? "?") metres apart.")

        let stay = ["arrival": from, "departure": to]
        let cottages = ids.map { ["cottageId": $0] }
        let wish: [String: any Sendable] = ["parkId": text(park), "stay": stay, "cottages": cottages]
        let option = try await ask("POST", Paths.groupOptions.with(text(group)), wish, as: mira)
        _ = try await ask("PUT", Paths.groupOptionVote.with(text(group), text(option)), ["reply": "yes"], as: els)
        say("Mira proposes them for two nights from today, and Els votes for them.")

        let everybody = try await travellers(as: mira).values.map { text($0) }.sorted()
        let promotion = Paths.groupOptionPromote.with(text(group), text(option))
        booking = try await ask("POST", promotion, ["travellerIds": everybody], as: mira)
        let held = "\(text(booking, "number")), \(money(booking, "total")), until \(text(booking, "holdUntil"))"
        say("Mira holds both: booking \(held).")

        let wanted = wish.merging(["groupId": text(group), "travellerIds": everybody]) { own, _ in own }
        let rival = try await client.send("POST", Paths.bookings(), wanted, as: els)
        try require(rival.json["code"] as? String == "cottage_taken", "the same cottages were held twice")
        say("Somebody else who wants them hears: \(text(rival.json, "detail")) (\(rival.status))")

        booking = try await ask("POST", Paths.bookingConfirm.with(text(booking)), [:], as: mira)
        try require(text(booking, "state") == "confirmed", "the booking is \(text(booking, "state"))")
        say("Mira confirms, and the mail is on its way.")

        let longer: [String: any Sendable] = ["stay": ["arrival": from, "departure": try day(plus: 3)]]
        let quote = try await ask("POST", Paths.bookingQuotes.with(text(booking)), longer, as: mira)
        say("She asks what one night more costs: \(money(quote, "difference")).")
        booking = try await ask(
            "POST",
            Paths.bookingChanges.with(text(booking)),
            ["quoteId": text(quote)],
            as: mira,
            match: quote["bookingVersion"] as? Int
        )
        say("She takes it. The stay costs \(money(booking, "total")) now, as the quote said.")
    }
}
