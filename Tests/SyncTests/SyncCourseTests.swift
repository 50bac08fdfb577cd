import Foundation
import GuestModels
import SyncMessages
import Testing

@testable import Sync

/// The engine's decisions, without a network and a file.
@Suite struct SyncCourseTests {
    private let damage = [ScopeState(scope: "group:x", version: 3, count: 2, digest: "00000000000000ff")]

    private func taken(
        isComplete: Bool = true,
        isBusy: Bool = false,
        damaged: [ScopeState] = [],
        hasPending: Bool = false
    ) -> SyncCourse.Event {
        .taken(isComplete: isComplete, isBusy: isBusy, damaged: damaged, hasPending: hasPending)
    }

    @Test func `A phone registers before it pushes its first mutation`() {
        var course = SyncCourse(largestBatch: 50)
        #expect(course.next(after: .begun(isRegistered: false, hasMutations: true)) == .register)
        #expect(course.next(after: .begun(isRegistered: false, hasMutations: false)) == .exchange)
        #expect(course.next(after: .begun(isRegistered: true, hasMutations: true)) == .exchange)
        #expect(course.next(after: .registered(status: 204, code: nil)) == .correct(.isRegistered))
        #expect(course.next(after: .registered(status: 409, code: "device_taken")) == .correct(.needsOtherName))
        #expect(course.next(after: .registered(status: 503, code: "busy")) == .fail(.status(503, code: "busy")))
    }

    @Test func `An unexpected status of the service is a failure`() {
        var course = SyncCourse(largestBatch: 50)
        #expect(course.next(after: .answered(status: 200, code: nil)) == .take)
        #expect(course.next(after: .answered(status: 400, code: "cursor_invalid")) == .correct(.readAnew))
        #expect(course.next(after: .answered(status: 409, code: "device_unknown")) == .correct(.isNotRegistered))
        for (status, code) in [(401, "sign_in_needed"), (404, nil), (500, nil), (302, nil)] as [(Int, String?)] {
            #expect(course.next(after: .answered(status: status, code: code)) == .fail(.status(status, code: code)))
        }
        #expect(course.batch == 50 && course.divisor == 1)
    }

    @Test func `Too many corrections by the service make a sync fail`() {
        var course = SyncCourse(largestBatch: 50)
        let unknown = SyncCourse.Event.answered(status: 409, code: "device_unknown")
        for _ in 0..<3 {
            for _ in 0..<SyncCourse.mostCorrections {
                #expect(course.next(after: unknown) == .correct(.isNotRegistered))
            }
            #expect(course.next(after: unknown) == .fail(.disagreement))
        }
        // A correct answer resets the count.
        #expect(course.next(after: unknown) == .correct(.isNotRegistered))
        #expect(course.next(after: taken()) == .end(.upToDate))
        #expect(course.corrections == 0)
    }

    @Test func `Sync requests shrink after a truncated answer and grow after good ones`() {
        var course = SyncCourse(largestBatch: 50)
        var sizes: [Int] = []
        for _ in 0..<7 {
            #expect(course.next(after: .cut(.malformed)) == .fail(.malformed))
            sizes.append(course.mutations)
        }
        #expect(sizes == [25, 12, 6, 3, 1, 1, 1])
        #expect(course.divisor == SyncCourse.largestDivisor)
        for divisor in [32, 16, 8, 4, 2, 1, 1] {
            #expect(course.next(after: taken(isComplete: false)) == .end(.goingOn))
            #expect(course.divisor == divisor)
        }
        #expect(course.mutations == 50)
    }

    @Test func `A phone waits as long as the service asks`() {
        var course = SyncCourse(largestBatch: 50)
        let busy = SyncCourse.Event.answered(status: 503, code: "unavailable", after: 30)
        #expect(course.next(after: busy) == .fail(.status(503, code: "unavailable", after: 30)))
        var patience = Patience()
        var dice = SeededGenerator(seed: 1)
        #expect((30.5...31).contains(patience.pause(atLeast: 30, using: &dice)))
        // A phone waits for an hour at most.
        #expect((3601...3602).contains(patience.pause(atLeast: 1e9, using: &dice)))
    }

    @Test func `A phone that has pulled and pushed everything is up to date`() {
        var course = SyncCourse(largestBatch: 50)
        #expect(course.next(after: taken()) == .end(.upToDate))
        #expect(course.next(after: taken(hasPending: true)) == .end(.goingOn))
        #expect(course.next(after: taken(isComplete: false)) == .end(.goingOn))
    }

    @Test func `A phone halves its mutation batches while the service is busy`() {
        var course = SyncCourse(largestBatch: 50)
        var sizes: [Int] = []
        for _ in 0..<7 {
            #expect(course.next(after: taken(isBusy: true, hasPending: true)) == .fail(.busy))
            sizes.append(course.batch)
        }
        #expect(sizes == [25, 12, 6, 3, 1, 1, 1])
        sizes = []
        for _ in 0..<7 {
            #expect(course.next(after: taken(hasPending: true)) == .end(.goingOn))
            sizes.append(course.batch)
        }
        #expect(sizes == [2, 4, 8, 16, 32, 50, 50])
    }

    @Test func `Damaged rows that persist after reading a scope anew are reported`() {
        var course = SyncCourse(largestBatch: 50)
        #expect(course.next(after: taken(damaged: damage)) == .mend(damage))
        #expect(course.next(after: .mended(still: nil)) == .end(.goingOn))
        #expect(course.next(after: .mended(still: "group:x")) == .correct(.readAnew))
        #expect(course.next(after: taken(damaged: damage)) == .mend(damage))
        #expect(course.next(after: .mended(still: "group:x")) == .fail(.beyondRepair(scope: "group:x")))
        // A complete correct answer resets the repair, so the next damage is a new one. A page in between does not.
        #expect(course.next(after: taken(isComplete: false)) == .end(.goingOn))
        #expect(course.hasReadAnew)
        #expect(course.next(after: taken()) == .end(.upToDate))
        #expect(course.next(after: .mended(still: "group:x")) == .correct(.readAnew))
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5])
    func `Every sync step ends soon, whatever the service answers`(_ seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var course = SyncCourse(largestBatch: 50)
        for _ in 0..<2_000 {
            var acts: [SyncCourse.Step] = []
            var event: SyncCourse.Event? = .begun(
                isRegistered: Bool.random(using: &dice),
                hasMutations: Bool.random(using: &dice)
            )
            while let current = event {
                let act = course.next(after: current)
                acts.append(act)
                event = answer(to: act, &dice)
            }
            let requests = acts.filter { $0 == .register || $0 == .exchange }
            #expect(requests.count == 1)
            #expect(acts.count <= 4)
            #expect((1...50).contains(course.batch))
        }
    }

    /// A random event, good or bad; nil when the step has ended.
    private func answer(to act: SyncCourse.Step, _ dice: inout SeededGenerator) -> SyncCourse.Event? {
        let statuses = [200, 204, 302, 400, 401, 409, 500, 503]
        let codes = [nil, "device_taken", "device_unknown", "cursor_invalid", "busy"]
        let status = statuses.randomElement(using: &dice) ?? 200
        let code = codes.randomElement(using: &dice) ?? nil
        switch act {
        case .register: return .registered(status: status, code: code)
        case .exchange: return .answered(status: status, code: code)
        case .take:
            return taken(
                isComplete: Bool.random(using: &dice),
                isBusy: Bool.random(using: &dice),
                damaged: Bool.random(using: &dice) ? damage : [],
                hasPending: Bool.random(using: &dice)
            )
        case .mend: return .mended(still: Bool.random(using: &dice) ? "group:x" : nil)
        case .correct, .end, .fail: return nil
        }
    }

    @Test func `A phone waits longer after each failure, at most a minute`() {
        var patience = Patience()
        var dice = SeededGenerator(seed: 1)
        func pauses(_ count: Int) -> [TimeInterval] { (0..<count).map { _ in patience.pause(using: &dice) } }
        for (pause, longest) in zip(pauses(9), [1.0, 2, 4, 8, 16, 32, 60, 60, 60]) {
            #expect((longest / 2...longest).contains(pause))
        }
        patience.succeeded()
        #expect(pauses(1).allSatisfy { $0 <= 1 })
        // Phones that lost the same network do not come back at the same instant.
        #expect(Set(pauses(20)).count == 20)
    }
}
