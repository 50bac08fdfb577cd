import Foundation
import TestKit
import Testing

/// A short run of the simulation that `voorpret-simulate payments` runs for hours.
@Suite struct SimulationTests {
    @Test func `Payments stay correct despite lost messages and killed services`()
        async throws
    {
        let seed: UInt32 = 586_193
        // The simulation fills the machine, so tests with deadlines must not run beside it.
        let outcome = try await withTestDatabase(turn: .alone) { _ in
            try await Simulation.payments(faults: 60, seed: seed)
        }
        #expect(outcome.status == 0, "seed \(seed): \(outcome.said)")
        #expect(outcome.said.contains("difference 0.00"), "seed \(seed): \(outcome.said)")
    }
}
