import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes for the tasks and notes of staff.
enum TaskRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listTasks": list, "createTask": create, "showTask": show, "changeTask": change, "writeNote": writeNote,
        "endNote": endNote, "showDay": showDay,
    ]

    private static func list(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkTasks)
        var query = QueryReader(call)
        let state = query.optional("state", as: TaskState.self, "must be open or done")?.state ?? .open
        let owner = query.optional("owner", as: StaffMember.ID.self, "must be the id of a colleague")
        let cursor = query.optional("cursor", as: StaffTask.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        let page = try await call.read {
            try await StaffTask.list(at: park, state, owner: owner, after: cursor, limit: limit, $0)
        }
        return try .json(page)
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
        let park = try call.path(Paths.adminParkTasks)
        return try await call.write { act in
            let task = try await StaffTask.create(request, at: park, act)
            return try .json(task, .created, version: task.version)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminTask)
        let shown = try await call.read { try await StaffTask.show(id, $0) }
        return try .json(shown, version: shown.task.version)
    }

    private static func change(_ call: Call) async throws -> Answer {
        let change = try call.body(StaffTaskChange.self)
        let id = try call.path(Paths.adminTask)
        let version = try call.expectedVersion()
        return try await call.write { act in
            let task = try await StaffTask.change(id, change, expecting: version, act)
            return try .json(task, version: task.version)
        }
    }

    private static func writeNote(_ call: Call) async throws -> Answer {
        let request = try call.body(HouseNoteRequest.self)
        let park = try call.path(Paths.adminParkNotes)
        return try await call.write { act in
            try .json(await HouseNote.write(request, at: park, act), .created)
        }
    }

    private static func endNote(_ call: Call) async throws -> Answer {
        let (park, note) = try call.path(Paths.adminParkNote)
        return try await call.write { act in
            try await HouseNote.end(note, at: park, act)
            return .noContent
        }
    }

    private static func showDay(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkDay)
        let date = try QueryReader.date(of: call)
        return try .json(await call.read { try await ParkDay.show(park, date, $0) })
    }
}

extension Paths {
    static let adminParkNote = Path("/v1/admin/parks/{park}/notes/{note}", Park.ID.self, Identifier<HouseNote>.self)
}
