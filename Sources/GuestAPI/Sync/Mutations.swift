import Foundation
import GuestModels
import Postgres
import SyncMessages

/// The mutations of one push, put in the order in which they are done and locked.
struct Mutations: Sendable {
    let verbs: [String: MutationVerb]

    /// Splits mutations into runs that are done together, in their order.
    ///
    /// All mutations of a run have one name.
    func runs(of mutations: [Mutation]) -> [[Mutation]] {
        var runs: [[Mutation]] = []
        for mutation in mutations {
            if let last = runs.indices.last, runs[last].first?.name == mutation.name,
                verbs[mutation.name]?.takesSeveral == true
            {
                runs[last].append(mutation)
            } else {
                runs.append([mutation])
            }
        }
        return runs
    }

    /// The locks to take before the first run begins, in one order.
    ///
    /// A kind of lock is taken here only for several runs, or for rows of several groups. A single run within one
    /// group takes its own locks.
    func locks(for runs: [[Mutation]], by guest: Guest.ID) -> [Command] {
        let locking = runs.compactMap { run in run.first.flatMap { verbs[$0.name]?.lock }.map { (lock: $0, run: run) } }
        return Dictionary(grouping: locking, by: \.lock.name).sorted { $0.key < $1.key }.compactMap { _, same in
            let things = same.map(\.run).joined().compactMap { mutation in
                try? JSONDecoder().decode(Thing.self, from: Data(mutation.arguments.utf8))
            }
            guard same.count > 1 || Set(things.map(\.groupId)).count > 1 else { return nil }
            return same.first?.lock.command(things.map(\.id), guest)
        }
    }

    /// The arguments that every verb with a lock has.
    private struct Thing: Decodable {
        let groupId: UUID
        let id: UUID
    }
}
