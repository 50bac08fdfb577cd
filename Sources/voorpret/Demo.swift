import ArgumentParser
import Foundation
import GuestAPI
import GuestClient

/// Plays the story of one group through the API of a running service, and prints it in sentences.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plays one group's way through a running service with the demo loaded."
    )

    @Option(help: "Where the service is.")
    var url = "http://127.0.0.1:8080"

    @Option(help: "The service's state folder, where the mails are.")
    var state = ".voorpret"

    func run() async throws {
        do {
            try await DemoTour(client: GuestClient(base: url, state: state)).play()
        } catch let error as GuestClient.Stopped {
            throw fail(error.description)
        }
    }
}

private struct DemoTour {
    let client: GuestClient

    func play() async throws {
        let run = String(UUID().uuidString.prefix(6).lowercased())
        say("Mira wants a weekend away with friends, in two cottages next to each other.")
        let mira = try await signIn("mira.\(run)@example.org", "Mira")

        let group = try await ask("POST", "/v1/groups", ["name": "Friends of Mira", "myName": "Mira"], as: mira)
        say("She starts a group: \(text(group, "name")).")
        let invitation = try await ask("POST", "/v1/groups/\(text(group, "id"))/invitations", [:], as: mira)
        say("She sends the code \(text(invitation, "code")) to Jonas.")
        let jonas = try await signIn("jonas.\(run)@example.org", "Jonas")
        _ = try await ask("POST", "/v1/invitations/\(text(invitation, "code"))/accept", ["name": "Jonas"], as: jonas)
        say("Jonas joins, in a household of his own.")
        for (name, birth, who) in [("Tuna", "2018-04-02", jonas), ("Lena", "1991-09-20", mira)] {
            _ = try await ask(
                "POST",
                "/v1/groups/\(text(group, "id"))/travellers",
                ["name": name, "birthDate": birth],
                as: who
            )
            say("\(name) comes along, without an account.")
        }
        let page = try await ask("GET", "/v1/groups/\(text(group, "id"))", nil, as: jonas)
        let travellers = list(page, "travellers").map { text($0, "id") }

        let (from, to) = friday()
        let search = "?from=\(from)&to=\(to)&adults=3&childAges=8&cottages=2&adjacent=true"
        let parks = list(
            try await ask(
                "GET",
                "/v1/availability?from=\(from)&to=\(to)&adults=3&childAges=8&cottages=2",
                nil,
                as: mira
            ),
            "items"
        )
        say("\(parks.count) parks have room from \(from) to \(to).")
        // This park takes no deposit, so two phones can finish the story.
        let all = list(try await ask("GET", "/v1/parks", nil, as: mira), "items")
        guard let park = all.first(where: { text($0, "slug") == "loch-ardroy" }) else {
            throw GuestClient.Stopped(description: "the demo parks are not there; start the service with --demo")
        }
        let found = try await ask("GET", "/v1/parks/\(text(park, "id"))/availability\(search)", nil, as: mira)
        guard let best = list(found, "neighbours").first else {
            throw GuestClient.Stopped(description: "no neighbours are free")
        }
        let ids = (best["cottageIds"] as? [String]) ?? []
        say("In \(text(park, "name")) two free cottages are \(best["spreadMetres"] ?? "?") metres apart.")
        let body: [String: any Sendable] = [
            "parkId": text(park, "id"), "groupId": text(group, "id"), "travellerIds": travellers,
            "stay": ["arrival": from, "departure": to], "cottages": ids.map { ["cottageId": $0] },
        ]
        let booking = try await ask("POST", "/v1/bookings", body, as: mira)
        say(
            "Mira holds both: booking \(text(booking, "number")), \(money(booking, "total")), until \(text(booking, "holdUntil"))."
        )
        let rival = try await client.send("POST", "/v1/bookings", body, as: jonas)
        say("Jonas taps at the same time and hears: \(text(rival.json, "detail")) (\(rival.status))")
        let confirmed = try await ask("POST", "/v1/bookings/\(text(booking, "id"))/confirm", [:], as: mira)
        say("Mira confirms. The booking is \(text(confirmed, "state")), and the mail is on its way.")
        try await stay(mira, jonas, park: park, group: group, booking: confirmed)
        let reception = try await client.signInStaff(
            "host.\(text(park, "slug"))@example.org",
            device: "The desk",
            secret: DemoData.factorSecret
        )
        say("The desk signs in with the code from the mail and a second factor.")
        try await shares(mira, jonas, reception, booking: confirmed)
        try await desk(reception, park: park)
    }

    /// Adds one night, and a bicycle for one household.
    private func stay(
        _ mira: String,
        _ jonas: String,
        park: [String: Any],
        group: [String: Any],
        booking: [String: Any]
    ) async throws {
        guard let stay = booking["stay"] as? [String: Any] else { return }
        let path = "/v1/bookings/\(text(booking, "id"))"
        let later = day(text(stay, "departure"), plus: 1)
        let longer: [String: any Sendable] = ["stay": ["arrival": text(stay, "arrival"), "departure": later]]
        let quote = try await ask("POST", "\(path)/quotes", longer, as: mira)
        say("Mira asks what one night more costs, and is told: \(money(quote, "difference")).")
        let changed = try await ask(
            "POST",
            "\(path)/changes",
            ["quoteId": text(quote, "id")],
            as: mira,
            match: booking["version"] as? Int
        )
        say("She takes it: \(money(changed, "total")) until \(later), what was told and nothing else.")
        let offered = list(
            try await ask(
                "GET",
                "/v1/parks/\(text(park, "id"))/extras?from=\(text(stay, "arrival"))&to=\(later)",
                nil,
                as: jonas
            ),
            "items"
        )
        let extras = offered.compactMap { $0["extra"] as? [String: Any] }
        guard let bicycle = extras.first(where: { text($0, "code") == "bicycle" }) else { return }
        let household = list(try await ask("GET", "/v1/groups/\(text(group, "id"))", nil, as: jonas), "travellers")
            .first { text($0, "name") == "Jonas" }.map { text($0, "householdId") }
        let ordered = try await ask(
            "POST",
            "\(path)/extras",
            [
                "extraId": text(bicycle, "id"), "from": text(stay, "arrival"), "through": day(later, plus: -1),
                "quantity": 2, "householdId": household ?? "",
            ],
            as: jonas
        )
        say("Jonas orders two bicycles for his household: \(money(ordered, "total")) in all.")
    }

    /// Splits the price: children are free, Jonas pays for the bicycles, and he pays his share at the desk.
    private func shares(_ mira: String, _ jonas: String, _ reception: String, booking: [String: Any]) async throws {
        let path = "/v1/bookings/\(text(booking, "id"))/shares"
        let rule: [String: any Sendable] = ["way": "equally", "freeBelowAge": 12]
        let all = list(try await ask("PUT", path, rule, as: mira), "items")
        let told = all.map { "\(text($0, "householdName")) \(money($0, "amount"))" }.joined(separator: ", ")
        say("Mira divides the price, children free, the bicycles for who rides them: \(told).")
        let seen = list(try await ask("GET", path, nil, as: jonas), "items")
        guard let own = seen.first(where: { $0["isOwn"] as? Bool == true }),
            let amount = (own["amount"] as? [String: Any])?["amount"] as? Int
        else { return }
        say("Jonas sees his own share, \(money(own, "amount")), and of Mira's only that it is open.")
        if try await payByPhone(jonas, share: own) {
            guard let hers = all.first(where: { $0["isOwn"] as? Bool == true }),
                let amount = (hers["amount"] as? [String: Any])?["amount"] as? Int
            else { return }
            try await payAtDesk(reception, share: hers, amount: amount)
            say("Mira pays hers at the desk.")
        } else {
            try await payAtDesk(reception, share: own, amount: amount)
            say("He pays it at the desk.")
        }
        let ledger = list(try await ask("GET", "/v1/bookings/\(text(booking, "id"))/ledger", nil, as: jonas), "items")
        say("\(ledger.count) journal in the booking's ledger tells Jonas of his payment.")
        let invoice = try await client.send("POST", "/v1/shares/\(text(own, "id"))/invoices", [:], as: jonas)
        if invoice.status == 201 {
            say("He asks for an invoice, \(text(invoice.json, "number")), and gets it as a PDF too.")
        }
    }

    private func payAtDesk(_ reception: String, share: [String: Any], amount: Int) async throws {
        let till = "/v1/admin/shares/\(text(share, "id"))/till-payments"
        _ = try await ask("POST", till, ["method": "terminal", "amount": amount, "reference": "slip 1"], as: reception)
    }

    /// Pays through the payment sandbox and its page; returns false when the service has no provider.
    private func payByPhone(_ token: String, share: [String: Any]) async throws -> Bool {
        let path = "/v1/shares/\(text(share, "id"))/payments"
        let started = try await client.send("POST", path, ["method": "card"], as: token)
        guard started.status == 202 else { return false }
        let payment = "/v1/payments/\(text(started.json, "id"))"
        let ready = try await ask("GET", "\(payment)?wait=20", nil, as: token)
        guard let page = ready["page"] as? String, let secret = ready["clientSecret"] as? String else { return false }
        say("He pays by card: the service has asked the provider, and his phone shows the provider's page.")
        try await client.submit(page, ["client_secret": secret, "button": "approve"])
        for _ in 0..<100 {
            if text(try await ask("GET", payment, nil, as: token), "state") == "succeeded" {
                say("He approves, and his share is paid.")
                return true
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw GuestClient.Stopped(description: "the payment was not settled within ten seconds")
    }

    /// Books a walk-in at the desk tonight and shows that the park's other systems hear of it.
    private func desk(_ reception: String, park: [String: Any]) async throws {
        let (from, to) = (day(nil, plus: 0), day(nil, plus: 2))
        let rooms = try await ask(
            "GET",
            "/v1/parks/\(text(park, "id"))/availability?from=\(from)&to=\(to)",
            nil,
            as: nil
        )
        guard let type = list(rooms, "offers").first else { return say("The park is full tonight.") }
        let guest: [String: any Sendable] = ["name": "Wanda"]
        let booking = try await ask(
            "POST",
            "/v1/admin/parks/\(text(park, "id"))/walk-ins",
            [
                "guest": guest, "stay": ["arrival": from, "departure": to],
                "cottages": [["typeId": text(type, "typeId")]], "checkIn": true,
            ],
            as: reception
        )
        say("Wanda walks in and sleeps in cottage \(list(booking, "cottages").map { text($0, "number") }.joined()).")
        let view = try await ask("GET", "/v1/admin/parks/\(text(park, "id"))/day?date=\(from)", nil, as: reception)
        let hours = list(view, "arrivals").compactMap { $0["bookings"] as? Int }
        say("The desk's day: \(hours.reduce(0, +)) arrivals today.")
    }

    // MARK: Telling

    private func say(_ text: String) {
        print("· \(text)")
    }

    private func signIn(_ email: String, _ name: String) async throws -> String {
        let token = try await client.signIn(email, device: "\(name)'s phone")
        say("\(name) signs in with the code from the mail.")
        return token
    }

    private func ask(
        _ method: String,
        _ path: String,
        _ body: [String: any Sendable]?,
        as token: String?,
        match: Int? = nil
    ) async throws -> [String: Any] {
        try await client.ask(method, path, body, as: token, match: match)
    }

    private func text(_ json: [String: Any], _ key: String) -> String {
        json[key] as? String ?? ""
    }

    private func list(_ json: [String: Any], _ key: String) -> [[String: Any]] {
        json[key] as? [[String: Any]] ?? []
    }

    private func money(_ json: [String: Any], _ key: String) -> String {
        guard let money = json[key] as? [String: Any], let amount = money["amount"] as? Int else { return "?" }
        return "\(text(money, "currency")) \(amount / 100).\(amount % 100 < 10 ? "0" : "")\(amount % 100)"
    }

    /// The date some days after `text`, or after today when `text` is nil.
    private func day(_ text: String?, plus days: Double) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "yyyy-MM-dd"
        let start = text.flatMap { formatter.date(from: $0) } ?? Date()
        return formatter.string(from: start.addingTimeInterval(days * 86400))
    }

    /// A Friday some weeks ahead, and the Monday after it.
    private func friday() -> (String, String) {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd"
        var day = Date().addingTimeInterval(60 * 86400)
        while Calendar(identifier: .gregorian).component(.weekday, from: day) != 6 { day.addTimeInterval(86400) }
        return (formatter.string(from: day), formatter.string(from: day.addingTimeInterval(3 * 86400)))
    }
}
