import Foundation
import TestKit
import Testing

/// A short run of what `voorpret-simulate payments` does for hours.
@Suite struct SimulationTests {
    @Test func `Groups pay while messages get lost and the service is killed, and every cent is right`()
        async throws
    {
        let seed = UInt32.random(in: 1...1_000_000)
        // It fills the machine, so nothing that has a time to keep may run beside it.
        let outcome = try await withTestDatabase(turn: .alone) { _ in
            try await Simulation.payments(faults: 60, seed: seed)
        }
        #expect(outcome.status == 0, "seed \(seed): \(outcome.said)")
        #expect(outcome.said.contains("difference 0.00"), "seed \(seed): \(outcome.said)")
    }
}
