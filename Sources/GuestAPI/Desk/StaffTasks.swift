import Foundation
import GuestModels
import Postgres

extension StaffTask {
    /// Makes a task that a colleague asks for.
    static func create(_ request: StaffTaskRequest, at park: Park.ID, _ act: Act) async throws -> StaffTask {
        try act.principal.require(readers, at: park)
        return try await open(request, source: .staff, in: park, act)
    }

    /// The origins of tasks.
    enum Source: String, Sendable {
        case staff, reservation, refund, payment, dispute, goodwill, message, backstop, deposit
    }

    /// Makes a task, for staff or for a feature that needs a person.
    ///
    /// - Parameters:
    ///   - subject: the thing that the task is about. While a task of that source and subject is open, a note in its
    ///     history is added instead of a second task.
    @discardableResult
    static func open(
        _ request: StaffTaskRequest,
        source: Source,
        subject: String? = nil,
        in park: Park.ID,
        _ act: Act
    ) async throws -> StaffTask {
        let task = StaffTask(
            id: request.id ?? act.id(),
            parkId: park,
            title: request.title,
            detail: request.detail ?? "",
            source: source.rawValue,
            ownerId: request.ownerId,
            due: request.due,
            state: .open,
            createdAt: act.now,
            version: 1
        )
        try await requireOwner(task.ownerId, in: park, in: act.tx)
        let made = try await act.tx.run(
            TaskSQL.insert(task, subject: subject),
            refusing: ["task_pkey": .idTaken, "task_park_id_fkey": .notFound]
        )
        guard made == 1 else {
            // The transaction that made the task first has committed; the task may have been closed since.
            guard let there = try await act.tx.first(TaskSQL.open(source.rawValue, subject ?? "", in: park)) else {
                throw Problem.unavailable
            }
            act.tx.later([
                TaskSQL.insert(.note, of: there.id, note: task.detail, id: act.app.ids.uuid(at: act.now), at: act.now)
            ])
            return there
        }
        act.tx.later([TaskSQL.insert(.created, of: task.id, note: nil, id: act.app.ids.uuid(at: act.now), at: act.now)])
        return task
    }

    /// Ends the open task about a problem that is solved, if there is such a task.
    static func resolve(_ source: Source, _ subject: String, in park: Park.ID, note: String, _ act: Act) async throws {
        guard var task = try await act.tx.first(TaskSQL.open(source.rawValue, subject, in: park)) else { return }
        task.state = .done
        task.version += 1
        act.tx.later([
            TaskSQL.update(task),
            TaskSQL.insert(.done, of: task.id, note: note, id: act.app.ids.uuid(at: act.now), at: act.now),
        ])
    }

    /// Changes a task, hands it on or ends it; its history keeps each change and its author.
    static func change(
        _ id: StaffTask.ID,
        _ change: StaffTaskChange,
        expecting version: Int,
        _ act: Act
    ) async throws -> StaffTask {
        guard var task = try await act.tx.first(TaskSQL.task(id, locked: true)),
            act.principal.has(Set(StaffMember.Function.allCases), at: task.parkId)
        else { throw Refusal.notFound }
        guard task.version == version else { throw Problem.matchFailed }
        let kind: StaffTaskEvent.Kind =
            switch change.state {
            case .done where task.state == .open: .done
            case .open where task.state == .done: .reopened
            default: .changed
            }
        task.title = change.title ?? task.title
        task.detail = change.detail ?? task.detail
        task.due = change.due ?? task.due
        task.state = change.state ?? task.state
        if let owner = change.ownerId {
            try await requireOwner(owner, in: task.parkId, in: act.tx)
            task.ownerId = owner
        }
        task.version += 1
        try await act.tx.run(TaskSQL.update(task), refusing: ["task_open_once": .taskOpen])
        act.tx.later([TaskSQL.insert(kind, of: id, note: change.note, id: act.app.ids.uuid(at: act.now), at: act.now)])
        return task
    }

    private static func requireOwner(_ owner: StaffMember.ID?, in park: Park.ID, in tx: Transaction) async throws {
        guard let owner else { return }
        guard try await tx.first(TaskSQL.works(owner, in: park)) == true else {
            throw Refusal.notOfThePark.at("/ownerId")
        }
    }
}
