import Foundation
import GuestModels
import Postgres
import ServiceLifecycle

/// Tells a phone which of its scopes have changed, as server-sent events (the HTML standard, section 9.2).
///
/// Names of scopes and nothing else: what has changed the phone asks for, at the beginning too, because what came
/// before it listened it is not told. One that hears nothing for half a minute has lost the line.
struct Live {
    private static let beat = Duration.seconds(15)
    /// What changes meanwhile is told together.
    private static let pause = Duration.milliseconds(50)
    /// Then the phone comes again, with a token that is good.
    static let longest = 300

    let guest: Guest.ID
    let app: AppEnvironment
    let seconds: Int

    func stream(to send: (String) async throws -> Void) async throws {
        // Not everybody at once, where all came at once.
        let length = Double(seconds) * Double.random(in: 0.9...1)
        let end = ContinuousClock.now + .seconds(length)
        repeat {
            let scopes = try await look()
            guard !scopes.isEmpty else { return }
            try await app.scopeBell.listen(to: scopes, for: guest) { ear in
                // What was granted before we listened, nobody has rung for.
                guard try await look() == scopes else { return }
                try await send(Self.event(scopes))
                while !isOver(end) {
                    let left = max(.zero, end - .now)
                    let changed = await ear.wait(atMost: min(Self.beat, left))
                    if changed.isEmpty {
                        try await send(":\n\n")
                    } else {
                        try await send(Self.event(changed.sorted()))
                        try? await Task.sleep(for: Self.pause)
                    }
                    // What they may see changes with who they are, with their bookings, and with the day.
                    guard try await look() == scopes else { return }
                }
            }
        } while !isOver(end)
    }

    private func look() async throws -> [String] {
        try await app.database.read(as: Principal.guest(guest).setting) {
            try await $0.all(SyncSQL.scopes(of: guest, at: app.now()))
        }
    }

    private func isOver(_ end: ContinuousClock.Instant) -> Bool {
        ContinuousClock.now >= end || Task.isCancelled || Task.isShuttingDownGracefully
    }

    /// Names of scopes need no escaping.
    private static func event(_ scopes: [String]) -> String {
        "data: {\"scopes\":[\(scopes.map { "\"\($0)\"" }.joined(separator: ","))]}\n\n"
    }
}
