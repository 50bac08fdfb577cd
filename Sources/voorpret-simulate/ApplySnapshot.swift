import ArgumentParser
import Foundation
import GuestModels
import Sync

/// How fast a phone takes in what it has not seen: parsing, checking, storing and showing, in one transaction.
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
        let guest = Guest.ID(UUID())
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
        answer += Data("{\"complete\":\"c\",\"scopes\":[\(state)]}\n".utf8)
        let path = folder + "/apply-\(UUID().uuidString).sqlite"
        let store = try LocalStore(path: path, of: guest)
        let started = ContinuousClock.now
        let (isComplete, damaged) = try store.take(SyncEngine.lines(of: answer), since: nil)
        let seconds = (ContinuousClock.now - started) / .seconds(1)
        let shown = try store.contents().count
        guard isComplete, damaged.isEmpty, shown == rows else { throw ExitCode.failure }
        try store.close()
        try LocalStore.remove(path: path)
        print(Int(Double(rows) / seconds))
    }
}

extension UInt64 {
    fileprivate var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
