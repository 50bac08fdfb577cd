import GuestModels
import Postgres

/// A task and what has happened to it.
struct TaskView: Encodable, Sendable {
    let task: StaffTask
    let history: [StaffTaskEvent]
}

extension StaffTask {
    /// Everybody who works at a park sees its tasks.
    static let readers = Set(StaffMember.Function.allCases)

    /// The tasks of a park, oldest day first.
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
