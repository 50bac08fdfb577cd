import ArgumentParser
import Foundation
import GuestModels
import Sync
import SyncMessages

/// Measures how fast a phone takes in a first answer: parsing, checking, storing and showing in one transaction.
struct ApplySnapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Rows a second that the engine takes in; for the bench.",
        shouldDisplay: false
    )

    @Option(help: "Rows of some 300 bytes.")
    var rows = 50_000

    @Option(help: "A folder for the database.")
    var folder: String

    func run() async throws {
        let snapshot = Snapshot(rows: rows)
        let path = folder + "/apply-\(UUID().uuidString).sqlite"
        let store = try LocalStore(path: path, of: snapshot.guest)
        let started = ContinuousClock.now
        let (isComplete, damaged) = try store.apply(SyncEngine.lines(of: snapshot.answer), since: nil)
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        let shown = try store.contents().count
        guard isComplete, damaged.isEmpty, shown == rows else { throw ExitCode.failure }
        try store.close()
        try LocalStore.remove(path: path)
        print(Int(Double(rows) / seconds))
    }
}

/// Measures the CPU time of a phone that has everything and asks for more.
struct IdlePhone: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle",
        abstract: "Microseconds of CPU that a cycle without news takes; for the bench.",
        shouldDisplay: false
    )

    @Option(help: "Rows that the phone has, of some 300 bytes.")
    var rows = 20_000

    @Option(help: "Cycles.")
    var cycles = 1_000

    @Option(help: "A folder for the database.")
    var folder: String

    func run() async throws {
        let snapshot = Snapshot(rows: rows)
        let path = folder + "/idle-\(UUID().uuidString).sqlite"
        let store = try LocalStore(path: path, of: snapshot.guest)
        let engine = SyncEngine(store, over: snapshot)
        guard try await engine.sync() == .upToDate, try store.contents().count == rows else { throw ExitCode.failure }
        let before = Self.cpu()
        for _ in 0..<cycles {
            guard try await engine.step(waiting: 1) == .upToDate else { throw ExitCode.failure }
        }
        let used = Self.cpu() - before
        try store.close()
        try LocalStore.remove(path: path)
        print(Int(used * 1e6 / Double(cycles)))
    }

    /// Seconds of CPU time that this process has used.
    private static func cpu() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }
}

/// A service with one scope; without a cursor it sends everything, afterwards it says that nothing is new.
private struct Snapshot: SyncTransport {
    let guest = Guest.ID(UUID())
    let answer: Data
    private let nothingNew: Data

    init(rows: Int) {
        let scope = "guest:\(guest)"
        var answer = Data("{\"scope\":\"\(scope)\"}\n".utf8)
        var digest: UInt64 = 0
        for number in 0..<rows {
            let id = UUID()
            let body = #"{"text": "\#(String(repeating: "x", count: 240))", "n": \#(number)}"#
            let hash = SyncRow.hash(kind: "bench", id: id, body: body)
            digest ^= hash
            answer += Data("[\"bench\",\"\(id.lowercasedText)\",\"\(hash.hexadecimal)\",\(body)]\n".utf8)
        }
        let state = #"{"scope":"\#(scope)","version":1,"count":\#(rows),"digest":"\#(digest.hexadecimal)"}"#
        nothingNew = Data("{\"complete\":\"c\",\"scopes\":[\(state)]}\n".utf8)
        self.answer = answer + nothingNew
    }

    func send(_ method: String, _ path: String, headers: [String: String], body: Data?) async throws -> SyncAnswer {
        let request = try body.map { try JSONDecoder().decode(SyncRequest.self, from: $0) }
        return SyncAnswer(status: 200, body: request?.cursor == nil ? answer : nothingNew)
    }
}

extension UInt64 {
    fileprivate var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
