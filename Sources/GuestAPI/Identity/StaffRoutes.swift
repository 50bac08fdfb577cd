import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// Head office's routes for colleagues.
enum StaffRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listStaff": list, "addStaff": add, "showStaff": show, "changeStaff": change, "endStaff": end,
        "listStaffDevices": listDevices, "revokeStaffDevice": revokeDevice,
    ]

    private static func list(_ call: Call) async throws -> Answer {
        var query = QueryReader(call)
        let limit = query.int("limit", 1...200, default: 50)
        let cursor = query.optional("cursor", as: StaffMember.ID.self, "must be a cursor of this list")
        try query.finish()
        return try await .json(call.read { try await StaffMember.list(after: cursor, limit: limit, $0) })
    }

    private static func add(_ call: Call) async throws -> Answer {
        let request = try call.body(StaffRequest.self)
        return try await call.write { act in
            let member = try await StaffMember.add(
                email: request.email,
                name: request.name,
                isHeadOffice: request.isHeadOffice,
                posts: request.posts,
                language: request.language ?? .english,
                act
            )
            return try .json(member, .created, version: member.version)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminColleague)
        let member = try await call.read { try await StaffMember.show(id, $0) }
        return try .json(member, version: member.version)
    }

    private static func change(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminColleague)
        let request = try call.body(StaffChange.self)
        let version = try call.expectedVersion()
        let answer = try await call.write { act in
            let member = try await StaffMember.change(id, to: request, expecting: version, act)
            return try .json(member, version: member.version)
        }
        call.app.authenticator.forget()
        return answer
    }

    private static func end(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminColleague)
        let answer = try await call.write { act in
            try await StaffMember.end(id, act)
            return .noContent
        }
        call.app.authenticator.forget()
        return answer
    }

    private static func listDevices(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminColleagueDevices)
        return try .json(await call.read { try await StaffMember.devices(of: id, current: call.session, $0) })
    }

    private static func revokeDevice(_ call: Call) async throws -> Answer {
        let (id, device) = try call.path(Paths.adminColleagueDevice)
        let answer = try await call.write { act in
            try await StaffMember.revoke(device, of: id, act)
            return .noContent
        }
        call.app.authenticator.forget()
        return answer
    }
}

extension Paths {
    static let adminColleagueDevice = Path(
        "/v1/admin/staff/{colleague}/devices/{device}",
        StaffMember.ID.self,
        Session.ID.self
    )
}
