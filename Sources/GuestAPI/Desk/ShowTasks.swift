import GuestModels
import Postgres

/// A task with the history of its changes.
struct TaskView: Encodable, Sendable {
    let task: StaffTask
    let history: [StaffTaskEvent]
}

extension StaffTask {
    /// The functions with which a colleague sees the tasks of a park: all functions.
    static let readers = Set(StaffMember.Function.allCases)

    /// A page of the tasks of a park, in the order of their ids.
    static func list(
        at park: Park.ID,
        _ state: State,
        owner: StaffMember.ID?,
        after cursor: ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<StaffTask> {
        try look.principal.require(readers, at: park)
        let query = TaskSQL.list(park, state, owner: owner, after: cursor, limit: limit + 1)
        return Page(try await look.reader.all(query), limit: limit) { $0.id.description }
    }

    static func show(_ id: ID, _ look: Look) async throws -> TaskView {
        let (tasks, events) = try await look.reader.all(TaskSQL.task(id), TaskSQL.events(of: id))
        guard let task = tasks.first else { throw Refusal.notFound }
        try look.principal.require(readers, at: task.parkId)
        return TaskView(task: task, history: events)
    }
}
