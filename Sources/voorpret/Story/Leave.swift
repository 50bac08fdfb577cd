import GuestClient
import GuestModels

extension Story {
    /// The group writes into the guest book, pays the rest and checks out; the cottages go to the cleaner.
    mutating func leave() async throws {
        let cottage = text(list(booking, "cottages").first ?? [:])
        let book = Paths.bookingCottageGuestBook.with(text(booking), cottage)
        _ = try await ask("PUT", book, ["text": "The otters come at dusk. Keep still!"], as: mira)
        say("Mira writes into the guest book of her cottage.")

        if let share = try await shares(as: mira)["Mira"], amount(share) > amount(share, "paid") {
            let rest: [String: any Sendable] = ["method": "cash", "amount": amount(share) - amount(share, "paid")]
            _ = try await ask("POST", Paths.adminShareTillPayments.with(text(share)), rest, as: reception)
            say("She pays the bicycles at the desk.")
        }
        booking = try await ask("POST", Paths.bookingCheckOut.with(text(booking)), [:], as: mira)
        try require(text(booking, "state") == "checkedOut", "the booking is \(text(booking, "state"))")
        let over = try await client.send("GET", Paths.bookingAccess.with(text(booking)), nil, as: mira)
        try require(over.json["code"] as? String == "stay_over", "the door code is shown after the stay")
        say("She checks out. The door codes are hidden again.")

        let all = try await items(Paths.adminParkReadiness.with(text(park)) + "?date=\(try day(plus: 0))", as: cleaner)
        let dirty = all.filter { text($0, "readiness") == "toClean" }.map { text($0, "cottageId") }
        let left = list(booking, "cottages").map { text($0) }
        try require(Set(dirty).isSuperset(of: left), "the cleaner does not see a cottage")
        say("The cleaner's list has both cottages.")
        let journals = try await items(Paths.bookingLedger.with(text(booking)), as: els)
        say("\(journals.count) journals in the ledger tell Els of her own money.")
    }
}
