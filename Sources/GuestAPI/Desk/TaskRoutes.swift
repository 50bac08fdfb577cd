import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// What staff have to do and to know.
enum TaskRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listTasks": list, "createTask": create, "showTask": show, "changeTask": change, "writeNote": writeNote,
        "endNote": endNote, "showDay": showDay,
    ]

    private static func park(_ call: Call) throws -> Park.ID {
        let park: Park.ID = try call.id("park")
        guard call.principal.has(Set(StaffMember.Function.allCases), at: park) else { throw Refusal.notFound }
        return park
    }

    private static func list(_ call: Call) async throws -> Answer {
        let park = try park(call)
        var query = QueryReader(call)
        let state = query.optional("state", as: TaskState.self, "must be open or done")?.state ?? .open
        let owner = query.optional("owner", as: StaffMember.ID.self, "must be the id of a colleague")
        let cursor = query.optional("cursor", as: StaffTask.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        let rows = try await call.read {
            try await $0.reader.all(TaskSQL.list(park, state, owner: owner, after: cursor, limit: limit + 1))
        }
        let items = Array(rows.prefix(limit))
        return try .json(Page(items: items, next: rows.count > limit ? items.last?.id.description : nil))
    }

    private struct TaskState: LosslessStringConvertible {
        let state: StaffTask.State
        var description: String { state.rawValue }
        init?(_ text: String) {
            guard let state = StaffTask.State(rawValue: text) else { return nil }
            self.state = state
        }
    }

    private static func create(_ call: Call) async throws -> Answer {
        let request = try call.body(StaffTaskRequest.self)
        let park = try park(call)
        return try await call.write { act in
            let task = try await StaffTask.open(request, source: .staff, in: park, act)
            return try .json(task, .created, version: task.version)
        }
    }

    private struct Told: Encodable, Sendable {
        let task: StaffTask
        let history: [StaffTaskEvent]
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id: StaffTask.ID = try call.id("task")
        let (tasks, events) = try await call.read { try await $0.reader.all(TaskSQL.task(id), TaskSQL.events(of: id)) }
        guard let task = tasks.first, call.principal.has(Set(StaffMember.Function.allCases), at: task.parkId) else {
            throw Refusal.notFound
        }
        return try .json(Told(task: task, history: events), version: task.version)
    }

    private static func change(_ call: Call) async throws -> Answer {
        let change = try call.body(StaffTaskChange.self)
        let id: StaffTask.ID = try call.id("task")
        let version = try call.expectedVersion()
        return try await call.write { act in
            let task = try await StaffTask.change(id, change, expecting: version, act)
            return try .json(task, version: task.version)
        }
    }

    private static func writeNote(_ call: Call) async throws -> Answer {
        let request = try call.body(HouseNoteRequest.self)
        let park = try park(call)
        guard case .staff(let member) = call.principal else { throw Refusal.forbidden }
        return try await call.write { act in
            let note = TaskSQL.HouseNote(
                id: call.app.ids.uuid(at: call.now),
                from: request.from,
                through: request.through ?? request.from,
                note: request.note
            )
            try await act.tx.run(
                TaskSQL.insert(request, id: note.id, park: park, by: member.id),
                refusing: ["house_note_park_id_fkey": .notFound]
            )
            return try .json(note, .created)
        }
    }

    private static func endNote(_ call: Call) async throws -> Answer {
        let park = try park(call)
        let note: Identifier<TaskSQL.HouseNote> = try call.id("note")
        return try await call.write { act in
            guard try await act.tx.run(TaskSQL.endNote(note.uuid, in: park, at: call.now)) == 1 else {
                throw Refusal.notFound
            }
            return .noContent
        }
    }

    private static func showDay(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception, .host, .housekeeping, .maintenance], at: park) else {
            throw Refusal.notFound
        }
        let date = try QueryReader.date(of: call)
        return try .json(await call.read { try await ParkDay.show(park, date, $0) })
    }
}
