import GuestClient
import Synchronization
import TestKit
import Testing

@testable import GuestAPI
@testable import voorpret

/// The test plays the story of `make demo`: one stay by seven people, from the invitation to the guest book.
@Suite(.timeLimit(.minutes(20))) struct StoryTests {
    @Test func `The demo story of seven people plays from beginning to end`() async throws {
        try await withGuestAPI(workers: 1, payments: true) { api in
            _ = try await DemoData(api.app).load { _, _ in }
            let told = Mutex<[String]>([])
            let client = GuestClient(
                base: "http://127.0.0.1:\(api.port)",
                state: api.stateFolder,
                now: { api.now },
                patience: .seconds(300)
            )

            // The test clock starts at noon and runs on, so that waiting jobs come due. The story ends before midnight,
            // so its dates stay the same.
            let time = Task {
                var last = ContinuousClock.now
                while !Task.isCancelled {
                    try await Task.sleep(for: .milliseconds(100))
                    let now = ContinuousClock.now
                    api.clock.advance(by: (now - last) / .seconds(1))
                    last = now
                }
            }
            defer { time.cancel() }

            var story = Story(client: client) { sentence in told.withLock { $0.append(sentence) } }
            try await story.play()

            let sentences = told.withLock { $0 }
            #expect(sentences.filter { $0.hasPrefix("\n") }.count == 9)
            #expect(sentences.contains { $0.contains("in his browser") })
            #expect(try await Office(api.app).checkLedger(withProvider: false).isEmpty)
        }
    }
}
