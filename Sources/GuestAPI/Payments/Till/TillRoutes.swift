import GuestModels
import HTTPTypes
import Postgres

/// The routes of the till: payments at the desk, and the end of its day.
enum TillRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "takeAtTill": take, "refundAtTill": refund, "reverseAtTill": reverse, "showTill": showTill, "closeTill": close,
    ]

    private static func take(_ call: Call) async throws -> Answer {
        let request = try call.body(TillPaymentRequest.self)
        let share = try call.path(Paths.adminShareTillPayments)
        return try await call.write { act in
            try .json(
                await TillPayment.take(request, for: share, act),
                .created
            )
        }
    }

    private static func refund(_ call: Call) async throws -> Answer {
        let request = try call.body(TillPaymentRequest.self)
        let share = try call.path(Paths.adminShareTillRefunds)
        return try await call.write { act in
            try .json(
                await TillPayment.refund(request, of: share, act),
                .created
            )
        }
    }

    private static func reverse(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.adminTillPaymentReversal)
        return try await call.write { act in
            try .json(
                await TillPayment.reverse(id, act),
                .created
            )
        }
    }

    private static func showTill(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkTill)
        let day = try QueryReader.date(of: call)
        return try .json(await call.read { try await TillDay.show(park, on: day, $0) })
    }

    private static func close(_ call: Call) async throws -> Answer {
        let request = try call.body(TillCloseRequest.self)
        let park = try call.path(Paths.adminParkTillClose)
        return try await call.write { act in
            try .json(await TillDay.close(park, request, act))
        }
    }
}
