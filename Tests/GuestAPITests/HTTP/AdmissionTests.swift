import Synchronization
import Testing

@testable import GuestAPI

@Suite struct AdmissionTests {
    /// Waiting requests, in the order in which they were admitted.
    private final class Line: Sendable {
        let admitted = Mutex<[Policy.Load]>([])

        /// Asks for a place, and returns once the request stands in its queue.
        func join(_ load: Policy.Load, _ admission: Admission, in group: inout TaskGroup<Void>) async {
            let waiting = admission.load.waiting
            group.addTask {
                if await admission.enter(load) { self.admitted.withLock { $0.append(load) } }
            }
            while admission.load.waiting == waiting { await Task.yield() }
        }
    }

    @Test func `Requests of strangers never take all slots of the service`() async {
        let admission = Admission(capacity: 16)
        let line = Line()
        await withTaskGroup(of: Void.self) { group in
            let open = [Policy.Load.signIn, .refresh, .browsing, .payLink, .webhook]
            for load in open {
                for _ in 0..<load.sixteenths { #expect(await admission.enter(load)) }
                for _ in 0..<3 { await line.join(load, admission, in: &group) }
            }
            #expect(admission.load.running == 7)
            for load in [Policy.Load.payment, .booking, .reading, .desk] { #expect(await admission.enter(load)) }
            for load in open {
                for _ in 0..<load.sixteenths + 3 { admission.leave(load) }
            }
        }
    }

    @Test func `Policy rows open to strangers never share a queue with signed-in users`() {
        for row in Policy.rows where row.who.contains(.anyone) {
            let load = row.load(hasToken: false)
            #expect([.signIn, .refresh, .browsing, .payLink, .webhook].contains(load), "\(row.name)")
        }
    }

    @Test func `Signed-in users never wait in a queue for strangers`() {
        for row in Policy.rows where !row.who.contains(.anyone) {
            #expect([.payment, .booking, .reading, .desk].contains(row.load(hasToken: true)), "\(row.name)")
        }
    }

    @Test func `A sign-in request keeps its slot for ten milliseconds after its answer`() async {
        let (isOver, end) = AsyncStream.makeStream(of: Void.self)
        let admission = Admission(capacity: 16) { pause in
            #expect(pause == .milliseconds(10))
            for await _ in isOver { return }
        }

        #expect(await admission.enter(.signIn))
        admission.leave(.signIn)
        #expect(admission.load.running == 1)

        end.yield()
        while admission.load.running > 0 { await Task.yield() }
    }

    @Test func `Waiting request classes are admitted in turn`() async {
        let admission = Admission(capacity: 16)
        let line = Line()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<12 { #expect(await admission.enter(.reading)) }
            for _ in 0..<4 { #expect(await admission.enter(.booking)) }
            for _ in 0..<3 {
                for load in [Policy.Load.browsing, .booking, .reading, .desk] {
                    await line.join(load, admission, in: &group)
                }
            }
            // Each request that leaves admits another; no client of a class gets a second turn before the others'
            // first.
            for count in 1...12 {
                admission.leave(.reading)
                while line.admitted.withLock({ $0.count }) < count { await Task.yield() }
            }
            let admitted = line.admitted.withLock { $0 }
            for round in 0..<3 {
                #expect(Set(admitted[round * 4..<round * 4 + 4]) == [.browsing, .booking, .reading, .desk])
            }
        }
    }
}
