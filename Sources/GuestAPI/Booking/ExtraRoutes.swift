import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes of extras: what a park offers beside the cottage, and the orders for it.
enum ExtraRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listExtras": list, "orderExtra": order, "cancelExtra": cancel, "createExtra": create, "changeExtra": change,
        "setStock": setStock, "listExtrasToPrepare": toPrepare,
    ]

    private static func list(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.parkExtras)
        var query = QueryReader(call)
        let stay = query.stay("from", "to")
        query.require(stay.map { $0.nightCount <= 365 } ?? true, "to", "must be within 365 nights of from")
        try query.finish()
        guard let stay else { throw BadRequest("?from", "is missing") }
        let offered = try await call.read {
            try await Extra.offered(in: park, from: stay.arrival, through: stay.departure, $0)
        }
        return try .json(Page(items: offered, next: nil))
    }

    private static func order(_ call: Call) async throws -> Answer {
        let request = try call.body(ExtraOrderRequest.self)
        let id = try call.path(Paths.bookingExtras)
        return try await call.write { act in
            let booking = try await ExtraOrder.place(request, for: id, act)
            return try .json(
                await booking.shown(act),
                .created,
                version: booking.version
            )
        }
    }

    private static func cancel(_ call: Call) async throws -> Answer {
        let (id, order) = try call.path(Paths.bookingExtra)
        var query = QueryReader(call)
        let reason = query.text("reason", length: 1...500)
        try query.finish()
        return try await call.write { act in
            let booking = try await ExtraOrder.cancel(order, of: id, for: reason, act)
            return try .json(await booking.shown(act), version: booking.version)
        }
    }

    private static func create(_ call: Call) async throws -> Answer {
        let request = try call.body(ExtraRequest.self)
        let park = try call.path(Paths.adminParkExtras)
        return try await call.write { act in
            let extra = try await Extra.create(request, park: park, act)
            return try .json(extra, .created, version: extra.version)
        }
    }

    private static func change(_ call: Call) async throws -> Answer {
        let request = try call.body(ExtraRequest.self)
        let id = try call.path(Paths.adminExtra)
        let version = try call.expectedVersion()
        return try await call.write { act in
            let extra = try await Extra.change(id, to: request, expecting: version, act)
            return try .json(extra, version: extra.version)
        }
    }

    private static func setStock(_ call: Call) async throws -> Answer {
        let request = try call.body(StockRequest.self)
        let id = try call.path(Paths.adminExtraStock)
        return try await call.write { act in
            try await Extra.setStock(id, request, act)
            return .noContent
        }
    }

    private static func toPrepare(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkExtrasOrders)
        let date = try QueryReader.date(of: call)
        let orders = try await call.read { try await Extra.toPrepare(at: park, on: date, $0) }
        return try .json(Page(items: orders, next: nil))
    }
}
