import Foundation
import GuestClient
import GuestModels

extension Story {
    /// The group plans its stay, orders bicycles, and the child reads the plan on her own phone.
    mutating func plan() async throws {
        let swim = ["list": "plan", "title": "Swim in the loch", "day": try day(plus: 1), "time": "11:00"]
        let item = try await ask("POST", Paths.groupPlanItems.with(text(group)), swim, as: mira)
        let reply = Paths.groupPlanItemAttendance.with(text(group), text(item))
        _ = try await ask("PUT", reply, ["reply": "yes"], as: els)
        say("Mira plans a swim, and Els comes along.")

        let cake = [
            "list": "shopping", "title": "Cake", "bringerId": text(try await travellers(as: els)["Els"] ?? [:]),
        ]
        _ = try await ask("POST", Paths.groupPlanItems.with(text(group)), cake, as: els)
        say("Els brings the cake.")

        let child = text(try await travellers(as: mira)["Tuna"] ?? [:])
        let admission = try await ask("POST", Paths.groupTravellerPhones.with(text(group), child), [:], as: mira)
        let device = ["code": text(admission, "code"), "deviceSecret": UUID().uuidString]
        tuna = text(try await ask("POST", Paths.authChildren(), device, as: nil), "accessToken")
        let seen = try await items(Paths.childPlanItems(), as: tuna)
        try require(seen.contains { text($0, "title") == "Swim in the loch" }, "Tuna does not see the plan")
        let money = try await client.send("GET", Paths.booking.with(text(booking)), nil, as: tuna)
        try require(money.status == 403, "Tuna sees the booking")
        say("Tuna scans Mira's QR code with her own phone. She sees the plan, but no money.")

        let (from, through) = (try day(plus: 0), try day(plus: 2))
        let offered = try await items(Paths.parkExtras.with(text(park)) + "?from=\(from)&to=\(through)", as: els)
        let extras = offered.compactMap { $0["extra"] as? JSON }
        guard let bicycle = extras.first(where: { text($0, "code") == "bicycle" }) else {
            throw GuestClient.Stopped(description: "the park has no bicycles")
        }
        let home = text(try await travellers(as: mira)["Mira"] ?? [:], "householdId")
        let order: [String: any Sendable] = [
            "extraId": text(bicycle), "from": from, "through": through, "quantity": 2, "householdId": home,
        ]
        booking = try await ask("POST", Paths.bookingExtras.with(text(booking)), order, as: mira)
        say("Mira orders two bicycles for her own household. The stay costs \(self.money(booking, "total")) in all.")
    }
}
