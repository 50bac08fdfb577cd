import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

@Suite struct PhonesTests {
    @Test func `All phones agree after kills, clones and lost connections`() async throws {
        let seed: UInt32 = 586_193
        // The simulation fills the machine, so tests with deadlines must not run beside it.
        let outcome = try await withTestDatabase(turn: .alone) { _ in
            try await Simulation.phones(6, schedules: 2, seed: seed)
        }
        #expect(outcome.status == 0, "seed \(seed): \(outcome.said)")
        #expect(outcome.said.contains("0 differences"), "seed \(seed): \(outcome.said)")
    }

    /// `VOORPRET_MUTATIONS` sets the number of mutations; 100,000 take some minutes.
    @Test func `A mutation sent several times is done once`()
        async throws
    {
        let count = ProcessInfo.processInfo.environment["VOORPRET_MUTATIONS"].flatMap { Int($0) } ?? 600
        try await withGuestAPI { api in
            let senders = 20
            try await withThrowingTaskGroup(of: Int.self) { tasks in
                for sender in 0..<senders {
                    let guest = try await api.given.guest()
                    let group = try await api.given.group(of: guest)
                    tasks.addTask { try await send(max(count / senders, 1), by: guest, in: group, sender, api) }
                }
                var sent = 0
                for try await done in tasks { sent += done }
                #expect(sent == max(count / senders, 1) * senders)
                #expect(try await api.count("SELECT count(*) FROM message") == sent)
                #expect(try await api.count("SELECT count(*) FROM sync_outcome") == sent)
                #expect(try await api.count("SELECT sum(last_sequence)::bigint AS count FROM sync_device") == sent)
            }
        }
    }

    private struct Device: Encodable {
        let id: UUID
    }

    private func send(
        _ count: Int,
        by guest: Given.Person,
        in group: TravelGroup,
        _ seed: Int,
        _ api: GuestAPITestService
    ) async throws -> Int {
        var dice = SeededGenerator(seed: UInt64(seed))
        let device = UUID()
        #expect(try await api.post("/v1/sync/devices", Device(id: device), as: guest).status == 204)
        var sequence: Int64 = 0
        var cursor: String?
        while sequence < count {
            var mutations: [Mutation] = []
            for _ in 0..<min(50, count - Int(sequence)) {
                sequence += 1
                // The message has no id, so doing the mutation twice would create a second message.
                let arguments = #"{"groupId": "\#(group.id)", "request": {"text": "No. \#(sequence)"}}"#
                mutations.append(
                    Mutation(sequence: sequence, id: UUID(), name: "message.write@1", arguments: arguments, at: api.now)
                )
            }
            let request = SyncRequest(deviceId: device, cursor: cursor, limit: 5_000, mutations: mutations)
            // Several requests whose answers are not read to the end, at once and in turn, and one whose answer
            // arrives.
            var answers: [Data] = []
            for _ in 0..<Int.random(in: 1...5, using: &dice) {
                answers += try await withThrowingTaskGroup(of: Data?.self) { tasks in
                    for _ in 0..<Int.random(in: 1...2, using: &dice) {
                        tasks.addTask {
                            let response = try await api.change("POST", "/v1/sync", request, as: guest)
                            guard response.status == 200 else { return nil }
                            return response.body
                        }
                    }
                    return try await tasks.reduce(into: []) { all, body in if let body { all.append(body) } }
                }
            }
            let outcomes = answers.map { answer in
                answer.split(separator: UInt8(ascii: "\n")).filter { $0.starts(with: Data(#"{"sequence""#.utf8)) }
            }.filter { !$0.isEmpty }
            #expect(outcomes.first?.count == mutations.count)
            #expect(outcomes.allSatisfy { $0 == outcomes.first })
            for line in try SyncEngine.lines(of: try #require(answers.last)) {
                if case .complete(let next, _) = line { cursor = next }
                if case .page(let next) = line { cursor = next }
            }
        }
        return count
    }
}
