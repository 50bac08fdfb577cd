import Foundation
import GuestModels
import Postgres

extension Goodwill {
    /// Takes an amount off what a household owes; money that the household has overpaid goes back to its payer.
    ///
    /// Goodwill above the mandate is only asked for, and a task says so. It counts once a second person agrees.
    ///
    /// Throws `moreThanOwed` for more than the share, and `notPayable` for a booking that owes nothing any more.
    static func give(_ request: GoodwillRequest, for share: Share.ID, _ act: Act) async throws -> Goodwill {
        let (booking, owed, most) = try await opened(share, [.reception, .host, .finance], act)
        guard request.amount <= most else { throw Refusal.moreThanOwed.at("/amount") }
        let day = try await Mandate.spend(request.amount, on: booking, act)
        let goodwill = Goodwill(
            id: request.id ?? act.id(),
            shareId: share,
            amount: Money(request.amount, booking.total.currency),
            reason: request.reason,
            state: day == nil ? .asked : .given,
            at: act.now
        )
        try await act.tx.run(
            GoodwillSQL.insert(goodwill, of: booking.id, day: day),
            refusing: ["goodwill_pkey": .idTaken.at("/id")]
        )
        guard day == nil else {
            try await goodwill.apply(to: booking, owed, act)
            return goodwill
        }
        try await StaffTask.open(
            StaffTaskRequest(
                title: "Agree to \(goodwill.amount.plainText) of goodwill for booking \(booking.number)",
                detail: "\(goodwill.reason)\nGoodwill \(goodwill.id)"
            ),
            source: .goodwill,
            subject: goodwill.id.description,
            in: booking.parkId,
            act
        )
        return goodwill
    }

    /// Refuses goodwill that was asked for; finance refuses it, and the colleague who asked withdraws it.
    ///
    /// A repeated refusal changes nothing. Goodwill that has been given is not taken back.
    static func refuse(_ id: ID, for reason: String?, _ act: Act) async throws -> Goodwill {
        guard let found = try await act.tx.first(GoodwillSQL.goodwill(id)) else { throw Refusal.notFound }
        let functions: Set<StaffMember.Function> = [.reception, .host, .finance]
        let (booking, _, _) = try await opened(found.goodwill.shareId, functions, act)
        guard var goodwill = try await act.tx.first(GoodwillSQL.goodwill(id))?.goodwill else { throw Refusal.notFound }
        guard goodwill.state == .asked else { return goodwill }
        guard found.askedBy == act.tx.principal || act.principal.has([.finance], at: booking.parkId) else {
            throw Refusal.forbidden
        }
        guard let reason else { throw Refusal.reasonNeeded.at("/reason") }
        goodwill.state = .refused
        act.tx.later([GoodwillSQL.refuse(id)])
        try await StaffTask.resolve(.goodwill, id.description, in: booking.parkId, note: reason, act)
        try Audit.record(
            "goodwill.refuse",
            target: booking.id.uuid,
            park: booking.parkId,
            reason: reason,
            after: goodwill,
            act
        )
        return goodwill
    }

    /// Approves goodwill as the second person; harmless to repeat.
    ///
    /// Throws `secondPersonNeeded` for the colleague who asked for it.
    static func approve(_ id: ID, _ act: Act) async throws -> Goodwill {
        guard let found = try await act.tx.first(GoodwillSQL.goodwill(id)) else { throw Refusal.notFound }
        let (booking, owed, most) = try await opened(found.goodwill.shareId, [.finance], act)
        // The goodwill may have changed before the booking was locked, so read it again.
        guard var goodwill = try await act.tx.first(GoodwillSQL.goodwill(id))?.goodwill else { throw Refusal.notFound }
        guard goodwill.state == .asked else { return goodwill }
        guard found.askedBy != act.tx.principal else { throw Refusal.secondPersonNeeded }
        guard goodwill.amount.amount <= most else { throw Refusal.moreThanOwed }
        goodwill.state = .given
        try await act.tx.run(GoodwillSQL.approve(id), refusing: ["goodwill_by_two": .secondPersonNeeded])
        try await goodwill.apply(to: booking, owed, act)
        try await StaffTask.resolve(.goodwill, id.description, in: booking.parkId, note: "Agreed.", act)
        return goodwill
    }

    private static func opened(
        _ share: Share.ID,
        _ functions: Set<StaffMember.Function>,
        _ act: Act
    ) async throws -> (Booking, Share, most: Int64) {
        let (owed, booking) = try await Share.own(share, or: functions, isLocked: true, act)
        guard booking.state != .expired, booking.state != .held else { throw Refusal.notPayable }
        guard let money = try await BookingMoney.of(booking.id, act.as(.job("goodwill"))) else {
            throw Refusal.notFound
        }
        return (booking, owed, money.statement.mostGoodwill(for: owed.householdId))
    }

    /// Takes the goodwill off the price, with a charge line for the share's household alone.
    private func apply(to booking: Booking, _ share: Share, _ act: Act) async throws {
        var booking = booking
        booking.version += 1
        let line = ChargeLine(.goodwill, household: share.householdId, unitAmount: -amount.amount)
        act.tx.later([
            ChargeSQL.insert(line, id: act.id(), booking: booking.id, at: act.now),
            BookingSQL.update(booking),
        ])
        try await Booking.divide(booking.id, act)
        try Audit.record(
            "goodwill.give",
            target: booking.id.uuid,
            park: booking.parkId,
            reason: reason,
            after: self,
            act
        )
        booking.publish(in: act.tx)
    }
}

extension Goodwill {
    /// Goodwill that colleagues of a park have asked for and that is not decided yet.
    static func listAsked(
        at park: Park.ID,
        after cursor: ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<Goodwill> {
        try look.principal.require([.reception, .host, .finance], at: park)
        let query = GoodwillSQL.goodwillAsked(in: park, after: cursor, limit: limit + 1)
        return Page(try await look.reader.all(query), limit: limit) { $0.id.description }
    }
}
