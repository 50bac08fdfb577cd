import Foundation
import GuestModels
import Postgres

extension TillDay {
    /// A day of the till as it stands.
    static func show(_ park: Park.ID, on day: LocalDate, _ look: Look) async throws -> TillDay {
        try look.principal.require([.reception, .finance], at: park)
        let (parks, payments, closes) = try await look.reader.all(
            ParkSQL.park(park),
            TillSQL.tillPayments(of: park, on: day),
            TillSQL.closes(of: park, on: day)
        )
        guard let park = parks.first else { throw Refusal.notFound }
        return TillDay(park, day, payments, closes)
    }

    private init(_ park: Park, _ day: LocalDate, _ payments: [TillPayment], _ closes: [TillSQL.Close]) {
        let lines = TillPayment.Method.allCases.map { method in
            let close = closes.first { $0.method == method }
            let taken = payments.filter { $0.method == method }.reduce(0) { $0 + $1.amount.amount }
            return Line(
                method: method,
                expected: Money(close?.expected ?? taken, park.currency),
                counted: close.map { Money($0.counted, park.currency) },
                reason: close?.reason
            )
        }
        self.init(day: day, isClosed: !closes.isEmpty, lines: lines, payments: payments)
    }

    /// Ends a day of the till: compares the counted with the recorded money, and books a difference with its reason.
    ///
    /// Throws `tillDiffers` for a difference without a reason, and `tillClosed` the second time.
    static func close(_ park: Park.ID, _ request: TillCloseRequest, _ act: Act) async throws -> TillDay {
        try act.principal.require([.reception], at: park)
        let (_, parks, payments, closed) = try await act.tx.all(
            TillSQL.lockTill(of: park),
            ParkSQL.park(park),
            TillSQL.tillPayments(of: park, on: request.day),
            TillSQL.closes(of: park, on: request.day)
        )
        guard let park = parks.first else { throw Refusal.notFound }
        guard request.day <= (try ParkClock(stored: park.timeZone)).date(at: act.now) else {
            throw Refusal.dayNotCome.at("/day")
        }
        guard closed.isEmpty else { throw Refusal.tillClosed }
        var closes: [TillSQL.Close] = []
        for (index, count) in request.counts.enumerated() {
            let expected = payments.filter { $0.method == count.method }.reduce(0) { $0 + $1.amount.amount }
            guard count.counted == expected || count.reason != nil else {
                throw Refusal.tillDiffers.at("/counts/\(index)/reason")
            }
            closes.append(.init(method: count.method, expected: expected, counted: count.counted, reason: count.reason))
            let difference = count.counted - expected
            guard difference != 0 else { continue }
            Journal(
                key: "close:\(park.id):\(request.day):\(count.method.rawValue)",
                park: park.id,
                reason: count.reason ?? "till difference",
                day: request.day,
                currency: park.currency,
                entries: [
                    .init(account: Journal.Account(count.method), amount: difference),
                    .init(account: .tillDifference, amount: -difference),
                ]
            ).post(act)
        }
        act.tx.later(closes.map { TillSQL.insert($0, park: park.id, day: request.day, at: act.now) })
        try Audit.record("till.close", target: park.id.uuid, park: park.id, after: request, act)
        return TillDay(park, request.day, payments, closes)
    }
}
