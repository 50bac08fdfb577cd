import Foundation
import GuestModels
import Synchronization
import Testing

@testable import GuestAPI

/// Phones that wait for a change of a scope: which of them are woken, and how many may wait.
@Suite struct ScopeBellTests {
    private let scope = "park:\(UUID())"

    private final class Count: Sendable {
        let value = Mutex(0)
    }

    @Test func `Ringing the bell of a scope wakes all its listeners`() async throws {
        let bell = ScopeBell(capacity: 1_000)
        let count = 2 * ScopeBell.wave + 50
        let listening = Count()
        let heard = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<count {
                group.addTask { [scope] in
                    try await bell.listen(to: [scope], for: Guest.ID(UUID())) { ear in
                        listening.value.withLock { $0 += 1 }
                        return await ear.wait(atMost: .seconds(3_600)) == [scope] ? 1 : 0
                    }
                }
            }
            while listening.value.withLock({ $0 }) < count { await Task.yield() }
            bell.ring([scope])
            return try await group.reduce(0, +)
        }
        #expect(heard == count)
    }

    @Test func `A guest can take only a limited number of listening places`() async throws {
        let bell = ScopeBell(capacity: ScopeBell.perGuest + 1)
        let (guest, other, third) = (Guest.ID(UUID()), Guest.ID(UUID()), Guest.ID(UUID()))
        func isRefused(_ guest: Guest.ID) async throws -> Bool {
            do {
                try await bell.listen(to: [scope], for: guest) { _ in }
                return false
            } catch let refusal as Refusal {
                return refusal == .tooManyListening
            }
        }
        func nest(_ left: Int) async throws {
            try await bell.listen(to: [scope], for: guest) { _ in
                if left > 1 { return try await nest(left - 1) }
                let isOwnRefused = try await isRefused(guest)
                let isOthersRefused = try await bell.listen(to: [self.scope], for: other) { _ in
                    try await isRefused(third)
                }
                #expect(isOwnRefused && isOthersRefused)
            }
        }
        try await nest(ScopeBell.perGuest)
        // A client that has gone makes room for others.
        try await bell.listen(to: [scope], for: guest) { _ in }
    }
}
