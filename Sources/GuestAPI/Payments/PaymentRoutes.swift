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
        guard call.principal.has([.reception, .finance], at: park) else { throw Refusal.notFound }
        let day = try QueryReader.date(of: call)
        return try .json(await call.read { try await TillDay.show(park, on: day, $0) })
    }

    private static func close(_ call: Call) async throws -> Answer {
        let request = try call.body(TillCloseRequest.self)
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception], at: park) else { throw Refusal.notFound }
        return try await call.write { act in
            try .json(await TillDay.close(park, request, act))
        }
    }

    private static func ledger(_ call: Call) async throws -> Answer {
        let id: Booking.ID = try call.id("booking")
        let journals = try await call.read { try await ToldJournal.all(of: id, $0) }
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
        guard call.principal.has([.reception, .finance], at: park) else { throw Refusal.notFound }
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Share.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        let rows = try await call.read { look in
            guard let zone = try await look.reader.first(ParkSQL.park(park))?.timeZone else { throw Refusal.notFound }
            let today = try ParkClock(stored: zone).date(at: call.now)
            return try await look.reader.all(PaymentSQL.debts(of: park, on: today, after: cursor, limit: limit + 1))
        }
        let items = Array(rows.prefix(limit))
        return try .json(Page(items: items, next: rows.count > limit ? items.last?.shareId.description : nil))
    }

    private static func listGoodwill(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        guard call.principal.has([.reception, .host, .finance], at: park) else { throw Refusal.notFound }
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Goodwill.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        let rows = try await call.read {
            try await $0.reader.all(PaymentSQL.goodwillAsked(in: park, after: cursor, limit: limit + 1))
        }
        let items = Array(rows.prefix(limit))
        return try .json(Page(items: items, next: rows.count > limit ? items.last?.id.description : nil))
    }
}
