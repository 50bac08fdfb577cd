import GuestModels
import HTTPTypes
import Postgres

/// The desk's till and the ledger.
enum PaymentRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "takeAtTill": take, "refundAtTill": refund, "reverseAtTill": reverse, "showTill": showTill, "closeTill": close,
        "showLedger": ledger, "giveGoodwill": giveGoodwill, "approveGoodwill": approveGoodwill,
        "refuseGoodwill": refuseGoodwill, "listGoodwill": listGoodwill,
        "listDebts": listDebts,
    ]

    private static func take(_ call: Call) async throws -> Answer {
        let request = try call.body(TillPaymentRequest.self)
        let share: Share.ID = try call.id("share")
        return try await call.write { act in
            try .json(
                await TillPayment.take(request, for: share, act),
                .created
            )
        }
    }

    private static func refund(_ call: Call) async throws -> Answer {
        let request = try call.body(TillPaymentRequest.self)
        let share: Share.ID = try call.id("share")
        return try await call.write { act in
            try .json(
                await TillPayment.refund(request, of: share, act),
                .created
            )
        }
    }

    private static func reverse(_ call: Call) async throws -> Answer {
        let id: TillPayment.ID = try call.id("payment")
        return try await call.write { act in
            try .json(
                await TillPayment.reverse(id, act),
                .created
            )
        }
    }

    private static func showTill(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        let day = try QueryReader.date(of: call)
        return try .json(await call.read { try await TillDay.show(park, on: day, $0) })
    }

    private static func close(_ call: Call) async throws -> Answer {
        let request = try call.body(TillCloseRequest.self)
        let park: Park.ID = try call.id("park")
        return try await call.write { act in
            try .json(await TillDay.close(park, request, act))
        }
    }

    private static func ledger(_ call: Call) async throws -> Answer {
        let id: Booking.ID = try call.id("booking")
        let journals = try await call.read { try await JournalView.all(of: id, $0) }
        return try .json(Page(items: journals, next: nil))
    }

    private static func giveGoodwill(_ call: Call) async throws -> Answer {
        let request = try call.body(GoodwillRequest.self)
        let share: Share.ID = try call.id("share")
        return try await call.write { act in
            let given = try await Goodwill.give(request, for: share, act)
            return try .json(given, given.state == .given ? .created : .accepted)
        }
    }

    private static func approveGoodwill(_ call: Call) async throws -> Answer {
        let id: Goodwill.ID = try call.id("goodwill")
        return try await call.write { act in
            try .json(await Goodwill.approve(id, act))
        }
    }

    private static func refuseGoodwill(_ call: Call) async throws -> Answer {
        let id: Goodwill.ID = try call.id("goodwill")
        let reason = try call.bytes.isEmpty ? nil : call.body(ReasonRequest.self).reason
        return try await call.write { act in
            try .json(await Goodwill.refuse(id, for: reason, act))
        }
    }

    private static func listDebts(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Share.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        return try await .json(call.read { try await Debts.list(at: park, after: cursor, limit: limit, $0) })
    }

    private static func listGoodwill(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Goodwill.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        return try await .json(call.read { try await Goodwill.listAsked(at: park, after: cursor, limit: limit, $0) })
    }
}
