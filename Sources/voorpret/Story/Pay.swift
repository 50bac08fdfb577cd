import GuestAPI
import GuestClient
import GuestModels

extension Story {
    /// Each household pays its own share: by card, with a link, and at the desk.
    mutating func pay() async throws {
        let rule: [String: any Sendable] = ["way": "equally", "freeBelowAge": 12]
        _ = try await ask("PUT", Paths.bookingShares.with(text(booking)), rule, as: mira)
        let all = try await shares(as: mira)
        let told = all.keys.sorted().map { "\($0) \(money(all[$0] ?? [:], "amount"))" }.joined(separator: ", ")
        say("Mira divides the price, children free: \(told).")

        let hidden = try await shares(as: els)
        try require(hidden["Mira"]?["amount"] == nil, "Els sees what Mira owes")
        say(
            "Els sees her own share, \(money(hidden["Els"] ?? [:], "amount")), and of the others only that they are open."
        )
        try await agree(els, "Els")

        let email = "host.\(text(park, "slug"))@example.org"
        reception = try await client.signInStaff(email, device: "The desk", secret: DemoData.factorSecret)
        say("The receptionist signs in with the code from the mail and a second factor.")
        try await payAtDesk("Els", "cash", "Els pays at the desk, in cash.")

        if try await payByLink("Jonas") {
            say("Jonas opens the link that Mira has sent him, and pays by card in his browser.")
        } else {
            try await payAtDesk("Jonas", "transfer", "Jonas sends his share to the park by bank transfer.")
        }
        try await payAtDesk("Mira", "terminal", "Mira pays hers at the desk, by card.")

        let rest = try await shares(as: mira).values
        try require(rest.allSatisfy { text($0, "state") == "paid" }, "a share is still open")
        let invoice = try await ask("POST", Paths.shareInvoices.with(text(all["Els"] ?? [:])), [:], as: els)
        say("Els asks for an invoice: number \(text(invoice, "number")).")
    }

    /// A household agrees to what it is asked for, so that the organiser's household does not owe it.
    private func agree(_ token: String, _ household: String) async throws {
        guard let share = try await shares(as: token)[household], share["asked"] != nil else { return }
        let path = Paths.shareAgreement.with(text(share))
        _ = try await ask("POST", path, nil, as: token, match: share["version"] as? Int)
        say("\(household) agrees to \(money(share, "asked")).")
    }

    private func payAtDesk(_ household: String, _ method: String, _ sentence: String) async throws {
        guard let share = try await shares(as: mira)[household] else {
            throw GuestClient.Stopped(description: "\(household) has no share")
        }
        let due = amount(share, share["asked"] == nil ? "amount" : "asked") - amount(share, "paid")
        let path = Paths.adminShareTillPayments.with(text(share))
        let payment: [String: any Sendable] = ["method": method, "amount": due, "reference": "slip 1"]
        _ = try await ask("POST", path, payment, as: reception)
        say(sentence)
    }

    /// Pays through a link and the provider's page; false when the service has no provider.
    private func payByLink(_ household: String) async throws -> Bool {
        guard let share = try await shares(as: mira)[household] else { return false }
        let link = try await ask("POST", Paths.shareLinks.with(text(share)), [:], as: mira)
        guard let token = text(link, "url").split(separator: "/").last.map(String.init) else { return false }
        let started = try await client.send("POST", Paths.payLinkPayments.with(token), ["method": "card"], as: nil)
        guard started.status == 202 else { return false }
        let payment = Paths.payLinkPayment.with(token, text(started.json))
        let ready = try await ask("GET", "\(payment)?wait=20", as: nil)
        guard let page = ready["page"] as? String, let secret = ready["clientSecret"] as? String else { return false }
        try await client.submit(page, ["client_secret": secret, "button": "approve"])
        let paid: Bool? = try await client.wait {
            text(try await ask("GET", payment, as: nil), "state") == "succeeded" ? true : nil
        }
        try require(paid == true, "the payment has not succeeded")
        return true
    }
}
