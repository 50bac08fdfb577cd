import Foundation
import GuestModels
import NIOCore
import Postgres
import ServiceLifecycle

/// Tells a phone which of its scopes have changed, as server-sent events (the HTML standard, section 9.2).
///
/// An event holds only names of scopes; the phone pulls the changes. The phone also pulls at the beginning, because
/// earlier changes are not sent. A phone that hears nothing for half a minute has lost the connection.
struct Live {
    private static let beat = Duration.seconds(15)
    /// The pause after an event; changes during the pause are sent together.
    private static let pause = Duration.milliseconds(50)
    /// The longest stream in seconds; the phone then connects again with a fresh token.
    static let longest = 300

    let guest: Guest.ID
    let app: AppEnvironment
    let seconds: Int

    func stream(to send: Answer.Send) async throws {
        // Vary the length, so that phones that connected together do not reconnect together.
        let length = Double(seconds) * Double.random(in: 0.9...1)
        let end = ContinuousClock.now + .seconds(length)
        repeat {
            let scopes = try await look()
            guard !scopes.isEmpty else { return }
            try await app.scopeBell.listen(to: scopes, for: guest) { ear in
                // Scopes may have been granted between the query and listening, so check again.
                guard try await look() == scopes else { return }
                try await send(Self.event(scopes))
                while !isOver(end) {
                    let left = max(.zero, end - .now)
                    let changed = await ear.wait(atMost: min(Self.beat, left))
                    if changed.isEmpty {
                        try await send(ByteBuffer(string: ":\n\n"))
                    } else {
                        try await send(Self.event(changed.sorted()))
                        try? await Task.sleep(for: Self.pause)
                    }
                    // The guest's scopes may have changed, through a membership, a booking or a new day.
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
    private static func event(_ scopes: [String]) -> ByteBuffer {
        ByteBuffer(string: "data: {\"scopes\":[\(scopes.map { "\"\($0)\"" }.joined(separator: ","))]}\n\n")
    }
}
