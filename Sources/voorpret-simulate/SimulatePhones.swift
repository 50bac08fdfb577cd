import ArgumentParser
import Foundation
import GuestAPI
import GuestClient
import GuestModels
import Postgres
import Sync
import SyncMessages

/// Friends plan on phones under faults; afterwards all phones must show the same.
///
/// Phones lose the network, are killed and are restored from backups. The service and its database are killed. Friends
/// leave the group and come back.
struct SimulatePhones: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phones",
        abstract: "Offline phones under faults, compared with a fresh phone and with the tables."
    )

    @Option(help: "Phones of one group.")
    var phones = 20

    @Option(help: "Fault schedules, each with a group of its own.")
    var schedules = 20

    @Option(help: "The same seed makes the same choices.")
    var seed: UInt64 = 1

    @Option(help: "Seconds of faults in a schedule.")
    var seconds = 4.0

    @Option(help: "Stop after that many minutes in any case.")
    var minutes = 40.0

    @Option(help: "The folder with voorpret.")
    var programs = ".build-release/release"

    @Option(help: "The project's folder, with schema.sql and scripts/cluster.sh.")
    var project = "."

    @Option(help: "Where the counts of all runs are kept, a line each.")
    var record: String?

    func run() async throws {
        guard phones >= 2 else { throw ValidationError("there must be two phones at least") }
        try await Stage.open(project: project, programs: programs, plan: FaultPlan(seed: seed, percent: 25)) { stage in
            let differences = try await play(stage)
            guard differences.isEmpty else { throw ExitCode.failure }
        }
    }

    private func play(_ stage: Stage) async throws -> [String] {
        try await stage.service.start()
        let proxy = FaultProxy(
            target: "http://127.0.0.1:\(stage.servicePort)",
            faults: Fault.ofPhones,
            plan: stage.plan
        )
        let listening = Task { try await proxy.serve(port: stage.providerProxyPort) }
        defer { listening.cancel() }
        let park = try await Park.open(stage)
        var friends: [Friend] = []
        for number in 0..<phones { friends.append(try await Friend.join(number, stage)) }
        let bar = ProgressBar("Schedules")
        let deadline = Date().addingTimeInterval(minutes * 60)
        var (done, deeds, applied, refused) = (0, 0, 0, 0)
        var differences: [String] = []
        while done < schedules, Date() < deadline, differences.isEmpty {
            bar.show(done, of: schedules)
            for index in friends.indices { try await friends[index].stay(signedIn: stage) }
            let schedule = Schedule(number: done, seed: seed &* 10_000 &+ UInt64(done), stage, park, friends)
            let truth = try await schedule.play(seconds: seconds)
            deeds += truth.deeds
            applied += truth.applied
            refused += truth.refused
            differences += truth.differences.map { "schedule \(done): \($0)" }
            done += 1
        }
        bar.finish()
        let (code, told) = try await voorpret_simulate.run(
            "\(stage.programs)/voorpret",
            ["check", "sync"],
            environment: stage.environment
        )
        if code != 0 { differences.append("check sync: \(told)") }
        // Mutations of friends who had left are rightly refused, so they do not count.
        if applied * 10 < (deeds - refused) * 8 {
            differences.append("only \(applied) of \(deeds) deeds were applied: too little was tried")
        }
        for difference in differences.prefix(50) { print(difference) }
        let counts = stage.plan.counts.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\($0.key.rawValue) \($0.value)" }.joined(separator: ", ")
        print(
            """
            seed \(seed): \(done) schedules of \(phones) phones, \(deeds) deeds, \(applied) applied, \(refused) refused to who had left; \
            \(stage.plan.total) faults (\(counts)); \(differences.count) differences
            """
        )
        if let record {
            try Record(path: record).add(
                seed: seed,
                counts: done,
                of: "schedules",
                isRight: differences.isEmpty
            )
        }
        return differences
    }
}

/// A guest with a phone.
struct Friend: Sendable {
    let number: Int
    let guest: Guest.ID
    var token: String
    private var since: Date

    private static func address(_ number: Int) -> String { "friend\(number)@example.org" }

    static func join(_ number: Int, _ stage: Stage) async throws -> Friend {
        let token = try await stage.client.signIn(address(number), device: "phone")
        let me = try await stage.client.ask("GET", Paths.me(), nil, as: token)
        guard let guest = Guest.ID(me["id"] as? String ?? "") else {
            throw GuestClient.Stopped(description: "nobody is signed in")
        }
        return Friend(number: number, guest: guest, token: token, since: Date())
    }

    /// Signs in again before the token ends; a token is valid for a quarter of an hour.
    mutating func stay(signedIn stage: Stage) async throws {
        guard Date().timeIntervalSince(since) > 480 else { return }
        token = try await stage.client.signIn(Self.address(number), device: "phone")
        since = Date()
    }
}

/// Plays one group's phones through some seconds of faults, and compares the phones afterwards.
actor Schedule {
    private let number: Int
    private let stage: Stage
    private let park: Park
    private let friends: [Friend]
    private var dice: SeededGenerator
    private var phones: [Handset] = []
    private var group: TravelGroup.ID
    /// When each friend was out of the group, as far as the service had confirmed.
    private var absences: [Int: [(from: Date, to: Date)]] = [:]

    private struct Handset {
        var plan: PhonePlan
        let owner: Int
        var process: ChildProcess?

        var file: String { plan.store + ".plan" }
    }

    init(number: Int, seed: UInt64, _ stage: Stage, _ park: Park, _ friends: [Friend]) {
        self.number = number
        self.stage = stage
        self.park = park
        self.friends = friends
        dice = SeededGenerator(seed: seed)
        group = .init(UUID())
    }

    func play(seconds: TimeInterval) async throws -> PhoneTruth {
        try await gather()
        let until = Date().addingTimeInterval(seconds)
        stage.plan.heal(false)
        for friend in friends { try give(friend, until: until) }
        for index in phones.indices { try start(index) }
        while Date() < until {
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...250, using: &dice)))
            try await breakSomething(until: until)
        }
        stage.plan.heal()
        for phone in phones {
            // The phones stop by themselves; a phone that still waits for an answer is killed.
            for _ in 0..<200 where phone.process?.exitCode == nil { try await Task.sleep(for: .milliseconds(10)) }
            await phone.process?.end()
        }
        for index in phones.indices { phones[index].plan.partition = .none }
        // In the first round all phones send everything; in the second round all phones read it.
        var differences: [String] = []
        for round in 1...2 {
            let codes = try await catchUp(phones)
            for (phone, code) in zip(phones, codes) where code != 0 && round == 2 {
                differences.append("\(phone.plan.store) did not settle: \(code)")
            }
        }
        let truth = try await compare(differences)
        try await scatter()
        return truth
    }

    // MARK: The group

    private func gather() async throws {
        let made = try await stage.client.ask(
            "POST",
            Paths.groups(),
            ["id": group.description, "name": "Schedule \(number)", "myName": "F0"],
            as: friends[0].token
        )
        guard made["id"] as? String == group.description else {
            throw GuestClient.Stopped(description: "there is no group")
        }
        for friend in friends.dropFirst() { try await enter(friend) }
    }

    private func enter(_ friend: Friend) async throws {
        let invitation = try await stage.client.ask(
            "POST",
            Paths.groupInvitations(group),
            [:],
            as: friends[0].token
        )
        _ = try await stage.client.ask(
            "POST",
            Paths.invitationAccept.with(invitation["code"] as? String ?? ""),
            ["name": "F\(friend.number)"],
            as: friend.token
        )
    }

    private func scatter() async throws {
        for friend in friends.dropFirst() + friends.prefix(1) {
            _ = try await stage.client.send("POST", Paths.groupLeave(group), nil, as: friend.token)
        }
        for phone in phones {
            for end in ["", "-wal", "-shm", ".plan", ".journal", ".contents"] {
                try? FileManager.default.removeItem(atPath: phone.plan.store + end)
            }
        }
    }

    // MARK: Phones

    private func give(_ friend: Friend, until: Date) throws {
        let partition: PhonePlan.Partition =
            switch Int.random(in: 0..<20, using: &dice) {
            case 0: .requests
            case 1: .answers
            default: .none
            }
        if partition != .none { stage.plan.count(.phonePartitioned) }
        let offset: TimeInterval =
            switch Int.random(in: 0..<10, using: &dice) {
            case 0: -86400
            case 1: 86400
            default: 0
            }
        if offset != 0 { stage.plan.count(.clockWrong) }
        let plan = PhonePlan(
            store: "\(stage.scratch)/phone-\(number)-\(friend.number).sqlite",
            guest: friend.guest,
            token: friend.token,
            address: "http://127.0.0.1:\(stage.providerProxyPort)",
            group: group,
            park: park.id,
            cottage: park.cottages.first ?? "",
            seed: UInt64.random(in: 0...UInt64.max, using: &dice),
            clockOffset: offset,
            partition: partition,
            until: until
        )
        phones.append(Handset(plan: plan, owner: friend.number))
    }

    private func start(_ index: Int) throws {
        try JSONEncoder().encode(phones[index].plan).write(to: URL(filePath: phones[index].file))
        phones[index].process = try ChildProcess(
            "\(stage.programs)/voorpret-simulate",
            ["phone", phones[index].file],
            showsErrors: false
        )
    }

    private func catchUp(_ phones: [Handset]) async throws -> [Int32] {
        var codes = Array(repeating: Int32(-1), count: phones.count)
        for phone in phones { try JSONEncoder().encode(phone.plan).write(to: URL(filePath: phone.file)) }
        let (program, files) = ("\(stage.programs)/voorpret-simulate", phones.map(\.file))
        await withTaskGroup(of: (Int, Int32).self) { tasks in
            for (index, file) in files.enumerated() {
                if index >= 4, let (place, code) = await tasks.next() { codes[place] = code }
                tasks.addTask {
                    let process = try? ChildProcess(program, ["phone", file, "--settle"])
                    return (index, await process?.wait() ?? -1)
                }
            }
            for await (place, code) in tasks { codes[place] = code }
        }
        return codes
    }

    // MARK: Faults

    private func breakSomething(until: Date) async throws {
        switch Int.random(in: 0..<100, using: &dice) {
        case ..<55:
            let index = Int.random(in: 0..<phones.count, using: &dice)
            await phones[index].process?.end()
            stage.plan.count(.phoneKilled)
            phones[index].plan.seed &+= 1
            if Int.random(in: 0..<5, using: &dice) == 0 { try clone(index) }
            try start(index)
        case ..<62:
            guard let friend = friends.dropFirst().randomElement(using: &dice),
                absences[friend.number]?.last?.to != .distantFuture
            else {
                return
            }
            let path = Paths.groupLeave(group)
            guard let left = try? await stage.client.send("POST", path, nil, as: friend.token), left.status == 204
            else {
                return
            }
            stage.plan.count(.memberLeft)
            absences[friend.number, default: []].append((Date(), .distantFuture))
        case ..<75:
            guard let gone = absences.keys.sorted().randomElement(using: &dice),
                let last = absences[gone]?.indices.last, absences[gone]?[last].to == .distantFuture
            else { return }
            let back = Date()
            guard (try? await enter(friends[gone])) != nil else { return }
            stage.plan.count(.memberCameBack)
            absences[gone]?[last].to = back
        case ..<79:
            stage.plan.count(.serviceKilled)
            await stage.service.kill()
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...200, using: &dice)))
            try await stage.service.start()
        case ..<82:
            stage.plan.count(.databaseRestarted)
            _ = try await voorpret_simulate.run(stage.cluster, ["crash", stage.name])
            _ = try await voorpret_simulate.run(stage.cluster, ["start", stage.name])
        default: break
        }
    }

    /// Starts a second phone from a backup of the phone.
    private func clone(_ index: Int) throws {
        var plan = phones[index].plan
        plan.store = "\(stage.scratch)/phone-\(number)-clone-\(phones.count).sqlite"
        for end in ["", "-wal"] where FileManager.default.fileExists(atPath: phones[index].plan.store + end) {
            try FileManager.default.copyItem(atPath: phones[index].plan.store + end, toPath: plan.store + end)
        }
        plan.seed = UInt64.random(in: 0...UInt64.max, using: &dice)
        stage.plan.count(.phoneCloned)
        phones.append(Handset(plan: plan, owner: phones[index].owner))
        try start(phones.count - 1)
    }

    // MARK: What came of it

    private func compare(_ found: [String]) async throws -> PhoneTruth {
        var truth = PhoneTruth()
        truth.differences = found
        // Each friend gets a new, empty phone for the comparison.
        let fresh = friends.compactMap { friend in
            phones.first { $0.owner == friend.number }.map { phone in
                var plan = phone.plan
                plan.store = "\(stage.scratch)/phone-\(number)-fresh-\(friend.number).sqlite"
                plan.address = "http://127.0.0.1:\(stage.servicePort)"
                return Handset(plan: plan, owner: friend.number)
            }
        }
        for one in fresh {
            do {
                let phone = try Handheld(one.plan)
                try await phone.catchUp()
                try phone.store.close()
            } catch {
                truth.differences.append("a fresh phone did not settle: \(error)")
            }
        }
        for one in fresh {
            let right = (try? String(contentsOfFile: one.plan.contents, encoding: .utf8)) ?? ""
            try await truth.compare(right, of: one.plan.guest, withTablesOf: stage)
            for phone in phones where phone.owner == one.owner {
                let shown = (try? String(contentsOfFile: phone.plan.contents, encoding: .utf8)) ?? "nothing"
                if shown != right {
                    truth.differences.append("\(phone.plan.store) shows something else than a fresh phone")
                }
            }
        }
        for phone in phones {
            truth.read(
                Journal.read(phone.plan.journal),
                of: friends[phone.owner],
                in: group,
                absences: absences[phone.owner] ?? []
            )
        }
        stage.plan.count(.phoneFull, times: truth.full)
        try await truth.check(in: group, stage)
        phones += fresh
        return truth
    }
}
