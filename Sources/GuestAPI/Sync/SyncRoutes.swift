import Foundation
import GuestModels
import HTTPTypes
import Postgres
import SyncMessages

/// The routes of `/v1/sync`: phones pull what they show, and push what was done on them offline.
enum SyncRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "registerSyncDevice": register, "sync": sync, "showDigest": digest, "hearOfChanges": live,
    ]

    private static func register(_ call: Call) async throws -> Answer {
        let device = try call.body(DeviceRequest.self).id
        let guest = try call.guest()
        return try await call.write { act in
            try await SyncDevices.register(device, of: guest, act)
            return .noContent
        }
    }

    /// Applies the pushed mutations first and then pulls, so that the pull includes their effects.
    private static func sync(_ call: Call) async throws -> Answer {
        let request = try call.body(SyncRequest.self, isRaw: true)
        let guest = try call.guest()
        let cursor = try request.cursor.map { text -> (text: String, read: SyncCursor) in
            guard let cursor = SyncCursor(text, for: guest, call.app.secret) else { throw Refusal.cursorForeign }
            return (text, cursor)
        }
        let outcomes = try await Push.outcomes(
            of: request.mutations ?? [],
            from: request.deviceId,
            by: guest,
            call
        )
        let pull = Pull(guest: guest, cursor: cursor, limit: request.limit ?? Pull.pageRows, load: call.load)
        let lines = try await pull.page(behind: outcomes, waiting: request.wait ?? 0, call.app)
        return Answer(
            status: .ok,
            headers: [
                HTTPField(name: .contentType, value: "application/x-ndjson"),
                HTTPField(name: .cacheControl, value: "no-store"),
            ],
            body: lines.bytes
        )
    }

    private static func live(_ call: Call) async throws -> Answer {
        var query = QueryReader(call)
        let seconds = query.int("seconds", 0...Live.longest, default: Live.longest)
        try query.finish()
        let live = Live(guest: try call.guest(), app: call.app, seconds: seconds)
        return Answer(
            status: .ok,
            headers: [
                HTTPField(name: .contentType, value: "text/event-stream"),
                HTTPField(name: .cacheControl, value: "no-store"),
                HTTPField(name: .accelBuffering, value: "no"),
            ],
            body: [],
            stream: .init { try await live.stream(to: $0) }
        )
    }

    private static func digest(_ call: Call) async throws -> Answer {
        var query = QueryReader(call)
        let suffix = query.optional(
            "suffix",
            as: IdentifierSuffix.self,
            "must be the last digits of ids, two to twelve"
        )
        try query.finish()
        let guest = try call.guest()
        let scope = try call.path(Paths.syncScopeDigest)
        return try .json(
            await call.read { try await Digest.show(scope, suffix?.description ?? "", to: guest, $0) }
        )
    }
}

extension HTTPField.Name {
    /// Tells nginx to pass on each event at once.
    ///
    /// Otherwise nginx collects some kilobytes first.
    fileprivate static let accelBuffering = HTTPField.Name(constant: "X-Accel-Buffering")
}

private struct DeviceRequest: Decodable {
    /// The id of the device; the phone makes it once for each installation.
    let id: UUID
}

/// The last digits of an id: an even number of lower-case hexadecimal digits, from two to twelve.
private struct IdentifierSuffix: LosslessStringConvertible {
    let description: String

    init?(_ description: String) {
        guard [2, 4, 6, 8, 10, 12].contains(description.utf8.count),
            description.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        self.description = description
    }
}
