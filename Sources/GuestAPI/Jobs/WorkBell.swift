import Foundation
import Synchronization

/// Wakes a worker of this process for a job that is due at once, so that a payer does not wait.
///
/// Workers of other processes find the job when they next look for work.
final class WorkBell: Sendable {
    /// The note of a transaction that queues a job that is due at once; the bell rings after COMMIT.
    struct Ring: Sendable {
        let queue: Job.Queue
    }

    private struct State {
        var naps: [Job.Queue: [UUID: Task<Void, Never>]] = [:]
        /// The queues whose bell rang while no worker slept.
        var isWanted: Set<Job.Queue> = []
    }

    private let state = Mutex(State())

    func ring(_ notes: [any Sendable]) {
        let queues = Set(notes.compactMap { ($0 as? Ring)?.queue })
        guard !queues.isEmpty else { return }
        state.withLock { state in
            for queue in queues {
                guard let (id, nap) = state.naps[queue]?.first else {
                    state.isWanted.insert(queue)
                    continue
                }
                state.naps[queue]?[id] = nil
                nap.cancel()
            }
        }
    }

    /// Sleeps until the bell of the queue rings, or for the given time at most.
    func sleep(for queue: Job.Queue, atMost duration: Duration) async {
        let id = UUID()
        let nap: Task<Void, Never>? = state.withLock { state in
            guard state.isWanted.remove(queue) == nil else { return nil }
            let nap = Task<Void, Never> { try? await Task.sleep(for: duration) }
            state.naps[queue, default: [:]][id] = nap
            return nap
        }
        guard let nap else { return }
        await withTaskCancellationHandler {
            await nap.value
        } onCancel: {
            nap.cancel()
        }
        _ = state.withLock { $0.naps[queue]?.removeValue(forKey: id) }
    }
}
