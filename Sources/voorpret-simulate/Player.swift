import Foundation
import GuestClient
import GuestModels

/// The park of the simulation.
struct Park: Sendable {
    let id: String
    let cottages: [String]
    /// Head office's access token, valid for a quarter of an hour.
    let office: String

    /// Opens the park as head office: holds last a minute, a deposit is due, and there are many cottages.
    static func open(_ stage: Stage) async throws -> Park {
        let (code, _) = try await run(
            "\(stage.programs)/voorpret",
            ["staff", "add", "--email", "office@example.org", "--name", "Office", "--head-office"],
            environment: stage.environment
        )
        guard code == 0 else { throw GuestClient.Stopped(description: "no head-office account could be made") }
        let client = stage.client
        let office = try await client.signInStaff("office@example.org", device: "desk", secret: nil)
        let arrivals: [[String: any Sendable]] = []
        let park = try await client.ask(
            "POST",
            Paths.adminParks(),
            [
                "slug": "simulation", "name": "Simulation", "timeZone": "Europe/Amsterdam", "currency": "EUR",
                "country": "NL", "longitude": 5.8, "latitude": 52.2, "texts": [String: String](),
                "rules": [
                    "checkInFrom": "15:00", "checkOutBy": "10:30", "arrivals": arrivals, "minimumNights": 1,
                    "maximumNights": 28, "bookableDaysAhead": 540, "holdMinutes": 1, "extensionMinutes": 1,
                    "depositPercent": 30, "chosenCottageFee": 0, "petNight": 0,
                    "cancellation": [["days": 0, "percent": 10]],
                ] as [String: any Sendable],
            ],
            as: office
        )
        let id = park["id"] as? String ?? ""
        let type = try await client.ask(
            "POST",
            Paths.adminParkCottageTypes.with(id),
            [
                "code": "A", "name": "A", "capacity": 6, "bedrooms": 3, "pets": 0, "isStepFree": false,
                "cleaningFee": 4999,
            ],
            as: office
        )
        let typeID = type["id"] as? String ?? ""
        _ = try await client.ask(
            "POST",
            Paths.adminCottageTypeRates.with(typeID),
            [
                "season": ["arrival": "2020-01-01", "departure": "2035-01-01"], "night": 8333, "weekendNight": 9999,
            ],
            as: office
        )
        var cottages: [String] = []
        for number in 1...6 {
            let cottage = try await client.ask(
                "POST",
                Paths.adminParkCottages.with(id),
                [
                    "typeId": typeID, "number": "\(number)", "longitude": 5.8 + Double(number) / 5000, "latitude": 52.2,
                    "isOpen": true,
                ],
                as: office
            )
            cottages.append(cottage["id"] as? String ?? "")
        }
        return Park(id: id, cottages: cottages, office: office)
    }
}

/// Three households of one group, who book, split, pay, change their minds and lose patience.
actor Player {
    private let number: Int
    private let stage: Stage
    private let park: Park
    private var generator: SeededGenerator
    private var people: [String] = []
    private var group = ""
    private var travellers: [String] = []
    private var bookings: [String] = []
    private var isStopped = false

    init(number: Int, seed: UInt64, stage: Stage, park: Park) {
        self.number = number
        self.stage = stage
        self.park = park
        generator = SeededGenerator(seed: seed)
    }

    func stop() { isStopped = true }

    private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    /// Makes the group and its households, before any fault.
    func join() async throws {
        let client = stage.client
        for index in 0..<3 {
            people.append(try await client.signIn(address(index), device: "phone"))
        }
        let made = try await client.ask("POST", Paths.groups(), ["name": "G", "myName": "O"], as: people[0])
        group = made["id"] as? String ?? ""
        for person in people.dropFirst() {
            let invitation = try await client.ask("POST", Paths.groupInvitations.with(group), [:], as: people[0])
            _ = try await client.ask(
                "POST",
                Paths.invitationAccept.with(invitation["code"] as? String ?? ""),
                ["name": "M"],
                as: person
            )
        }
        let page = try await client.ask("GET", Paths.group.with(group), nil, as: people[0])
        travellers = (page["travellers"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }

    func play() async {
        while !isStopped {
            do { try await stay() } catch { try? await Task.sleep(for: .milliseconds(50)) }
        }
    }

    /// Repeats a request with the same idempotency key until an answer comes; signs in again when the session ends.
    private func insist(
        _ method: String,
        _ path: String,
        _ body: [String: any Sendable]?,
        as person: Int
    ) async throws -> GuestClient.Answer {
        let key = UUID().uuidString
        for _ in 0..<200 {
            let token = people[person]
            if let answer = try? await stage.client.send(method, path, body, as: token, key: key), answer.status < 500 {
                guard answer.status == 401 else { return answer }
                if let fresh = try? await stage.client.signIn(address(person), device: "phone") {
                    people[person] = fresh
                }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw GuestClient.Stopped(description: "no answer to \(method) \(path)")
    }

    private nonisolated func address(_ person: Int) -> String { "p\(number)-\(person)@example.org" }

    private func stay() async throws {
        let day = Int.random(in: 20..<500, using: &generator)
        let nights = Int.random(in: 1...4, using: &generator)
        let start = Date().addingTimeInterval(Double(day) * 86400)
        let format = Date.ISO8601FormatStyle().year().month().day()
        let cottage = park.cottages.randomElement(using: &generator) ?? ""
        let placed = try await insist(
            "POST",
            Paths.bookings(),
            [
                "parkId": park.id, "groupId": group, "travellerIds": travellers,
                "stay": [
                    "arrival": start.formatted(format),
                    "departure": start.addingTimeInterval(Double(nights) * 86400).formatted(format),
                ],
                "cottages": [["cottageId": cottage]],
            ],
            as: 0
        )
        guard placed.status == 201, let booking = placed.json["id"] as? String else {
            // The cottage is taken, or the group has too many holds, so wait a moment.
            try await Task.sleep(for: .milliseconds(500))
            return
        }
        bookings.append(booking)
        // All three phones pay at once, or only some of them.
        let payers = people.indices.filter { _ in chance(75) }
        let plans = payers.map {
            ($0, Int.random(in: 0..<100, using: &generator), Int.random(in: 0..<400, using: &generator))
        }
        await withTaskGroup(of: Void.self) { tasks in
            for (index, mood, pause) in plans {
                tasks.addTask { try? await self.pay(booking, as: index, mood: mood, pause: pause) }
            }
        }
        if chance(12) {
            _ = try await insist("POST", Paths.bookingCancel.with(booking), nil, as: 0)
        } else if chance(10), let own = try await ownShare(booking, as: 1) {
            _ = try await insist("POST", Paths.shareWithdrawal.with(own), nil, as: 1)
        }
    }

    private func ownShare(_ booking: String, as person: Int) async throws -> String? {
        let answer = try await insist("GET", Paths.bookingShares.with(booking), nil, as: person)
        let shares = answer.json["items"] as? [[String: Any]] ?? []
        return shares.first { $0["isOwn"] as? Bool == true }?["id"] as? String
    }

    private func pay(_ booking: String, as person: Int, mood: Int, pause: Int) async throws {
        guard let share = try await ownShare(booking, as: person) else { return }
        try await Task.sleep(for: .milliseconds(pause))
        let started = try await insist("POST", Paths.sharePayments.with(share), ["method": "card"], as: person)
        guard started.status == 202, let attempt = started.json["id"] as? String else { return }
        // Some payers start the same payment on a second device.
        if mood % 5 == 0 {
            _ = try await insist("POST", Paths.sharePayments.with(share), ["method": "card"], as: person)
        }
        var secret: String?
        for _ in 0..<30 where secret == nil {
            let view = try await insist("GET", Paths.payment.with(attempt) + "?wait=2", nil, as: person)
            guard view.json["state"] as? String == "created" || view.json["clientSecret"] != nil else { return }
            secret = view.json["clientSecret"] as? String
        }
        guard let secret else { return }
        try await choose(secret, attempt, as: person, mood: mood)
    }

    private func choose(_ secret: String, _ attempt: String, as person: Int, mood: Int) async throws {
        let intent = secret.components(separatedBy: "_secret_")[0]
        func confirm(_ method: String) async throws {
            _ = try await stage.provider(
                "POST",
                "/v1/payment_intents/\(intent)/confirm",
                ["client_secret": secret, "payment_method": method]
            )
        }
        func answer(_ isDone: Bool) async throws {
            _ = try await stage.provider(
                "POST",
                "/v1/payment_intents/\(intent)/_authenticate",
                ["client_secret": secret, "success": "\(isDone)"]
            )
        }
        switch mood {
        case ..<34: try await confirm("pm_card_visa")
        case ..<39:
            try await confirm("pm_card_createDispute")
            try await decideDispute(of: intent, mood: mood)
        case ..<43:
            // The debit clears, and the payer's bank takes it back later.
            try await confirm("pm_sepa_debit_comes_back")
            stage.plan.count(.debitReturned)
        case ..<50:
            try await confirm("pm_card_visa")
            let part = mood % 2 == 0 ? ["amount": "50"] : [:]
            let refund = try await stage.provider(
                "POST",
                "/v1/refunds",
                ["payment_intent": intent].merging(part) { $1 }
            )
            if refund["id"] != nil { stage.plan.count(.refundedElsewhere) }
        case ..<60:
            try await confirm("pm_card_visa_chargeDeclined")
            try await confirm("pm_card_visa")
        case ..<70:
            try await confirm("pm_card_threeDSecure2Required")
            try await answer(true)
        case ..<76:
            try await confirm("pm_card_threeDSecure2Required")
            try await answer(false)
        case ..<82: try await confirm("pm_card_refundFail")
        case ..<90:
            // The payer pays and cancels at the same moment.
            async let paid: Void = confirm("pm_card_visa")
            async let ended = giveUp(attempt, as: person)
            _ = try await (paid, ended)
        case ..<95: _ = try await insist("POST", Paths.paymentCancel.with(attempt), nil, as: person)
        default: break
        }
    }

    /// Decides the dispute of an intent: the park wins it, loses it, or it stays open.
    private func decideDispute(of intent: String, mood: Int) async throws {
        let found = try await stage.provider("GET", "/v1/disputes?payment_intent=\(intent)")
        guard let id = (found["data"] as? [[String: Any]])?.first?["id"] as? String else { return }
        stage.plan.count(.disputeOpened)
        guard mood % 5 > 1 else { return }
        try await Task.sleep(for: .milliseconds(200 * (mood % 7)))
        let wins = mood % 5 > 2
        _ = try await stage.provider(
            "POST",
            "/v1/disputes/\(id)",
            ["evidence[uncategorized_text]": wins ? "winning_evidence" : "losing_evidence"]
        )
        stage.plan.count(wins ? .disputeWon : .disputeLost)
    }

    private func giveUp(_ attempt: String, as person: Int) async throws -> Int {
        try await insist("POST", Paths.paymentCancel.with(attempt), nil, as: person).status
    }

    /// Cancels all open attempts; returns the number of bookings.
    func endAll() async throws -> Int {
        for booking in bookings {
            let answer = try await insist("GET", Paths.bookingShares.with(booking), nil, as: 0)
            for share in answer.json["items"] as? [[String: Any]] ?? [] {
                guard let attempt = share["attemptId"] as? String else { continue }
                _ = try await insist("POST", Paths.paymentCancel.with(attempt), nil, as: 0)
            }
        }
        return bookings.count
    }
}
