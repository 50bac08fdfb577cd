import ArgumentParser
import Foundation
import GuestClient
import Postgres

/// Random groups book, split and pay while faults happen; afterwards every cent must be explained.
///
/// Requests, answers and webhooks get lost, and the service and its database are killed.
struct SimulatePayments: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payments",
        abstract: "Split payments under faults, proved against the provider's own books."
    )

    @Option(help: "Stop after that many faults that met with work.")
    var faults = 1000

    @Option(help: "The same seed makes the same choices.")
    var seed: UInt64 = 1

    @Option(help: "Stop after that many minutes in any case.")
    var minutes = 40.0

    @Option(help: "Groups that book and pay at once.")
    var groups = 12

    @Option(help: "The folder with voorpret and payment-sandbox.")
    var programs = ".build-release/release"

    @Option(help: "The project's folder, with schema.sql and scripts/cluster.sh.")
    var project = "."

    @Option(help: "Where the counts of all runs are kept, a line each.")
    var record: String?

    func run() async throws {
        try await Stage.open(project: project, programs: programs, plan: FaultPlan(seed: seed, percent: 35)) { stage in
            let differences = try await play(stage)
            guard differences.isEmpty else { throw ExitCode.failure }
        }
    }

    private func play(_ stage: Stage) async throws -> [String] {
        try await stage.sandbox.start()
        try await stage.service.start()
        let proxies = stage.proxies()
        defer { proxies.cancel() }
        try await stage.listen()
        let park = try await Park.open(stage)
        let bar = ProgressBar("Faults")
        let deadline = Date().addingTimeInterval(minutes * 60)
        let (total, plan) = (faults, stage.plan)
        let players = (0..<groups).map {
            Player(number: $0, seed: seed &* 1000 &+ UInt64($0), stage: stage, park: park)
        }
        for player in players { try await player.join() }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for player in players { tasks.addTask { await player.play() } }
            var kills = 0
            while plan.total < total, Date() < deadline {
                bar.show(plan.total, of: total)
                try await Task.sleep(for: .milliseconds(100))
                // At least one fault in twenty must be a kill of the service or its database.
                guard plan.total >= (kills + 1) * 18 else { continue }
                if let broken = try await stage.breakSomething(), broken != .providerKilled { kills += 1 }
            }
            bar.show(total, of: total)
            bar.finish()
            plan.heal()
            for player in players { await player.stop() }
            try await tasks.waitForAll()
        }
        var payments = 0
        for player in players { payments += try await player.endAll() }
        try await stage.drain()
        // Banks may have moved money without a webhook; the check finds it in the provider's books.
        for _ in 0..<2 {
            _ = try await voorpret_simulate.run(
                "\(stage.programs)/voorpret",
                ["check", "ledger", "--provider"],
                environment: stage.environment
            )
            try await stage.drain()
        }
        let truth = try await Truth.compare(stage)
        let (code, told) = try await voorpret_simulate.run(
            "\(stage.programs)/voorpret",
            ["check", "ledger", "--provider"],
            environment: stage.environment
        )
        var differences = truth.differences
        if code != 0 { differences.append("check ledger: \(told)") }
        for difference in differences { print(difference) }
        let counts = plan.counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue) \($0.value)" }
        print(
            "seed \(seed): \(plan.total) faults (\(counts.joined(separator: ", "))); \(truth.summary); difference \(truth.difference)"
        )
        if let record {
            try Record(path: record).add(seed: seed, counts: plan.total, of: "faults", isRight: differences.isEmpty)
        }
        return differences
    }
}

/// The file with the results of all simulation runs so far.
struct Record {
    let path: String

    private struct Line: Codable {
        let seed: UInt64
        let count: Int
        let isRight: Bool
    }

    func add(seed: UInt64, counts count: Int, of what: String, isRight: Bool) throws {
        var lines = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        lines += String(
            decoding: try JSONEncoder().encode(Line(seed: seed, count: count, isRight: isRight)),
            as: UTF8.self
        )
        lines += "\n"
        try lines.write(toFile: path, atomically: true, encoding: .utf8)
        let all = lines.split(separator: "\n").compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        let wrong = all.filter { !$0.isRight }.count
        print("so far: \(all.reduce(0) { $0 + $1.count }) \(what) in \(all.count) runs, \(wrong) of them wrong")
    }
}
