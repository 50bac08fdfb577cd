import Foundation
import GuestModels
import Postgres
import Sync

extension Booking {
    /// The organiser's household answers for the booking from now on; the one before owes its own part alone.
    ///
    /// Harmless to repeat.
    ///
    /// - Parameter version: of the booking, so that nobody answers for what they have not seen.
    static func back(
        _ id: Booking.ID,
        expecting version: Int,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> [ShareView] {
        var booking = try await locked(id, as: principal, in: tx)
        guard var money = try await BookingMoney.of(id, as: principal, in: tx), let own = money.terms.organiser else {
            throw Refusal.notChangeable
        }
        guard !money.terms.isBacked else { return try await shares(of: id, as: principal, at: now, in: tx) }
        guard booking.version == version else { throw Problem.matchFailed }
        money.statement.back(by: own)
        booking.version += 1
        tx.later([ShareSQL.setBackstop(own, of: id), BookingSQL.update(booking)])
        try await money.settle(.handedOver, app, at: now, in: tx)
        try await StaffTask.settle(
            .backstop,
            id.description,
            in: booking.parkId,
            note: "The organiser answers for it.",
            app,
            at: now,
            in: tx
        )
        booking.publish(in: tx)
        return try await shares(of: id, as: principal, at: now, in: tx)
    }
}

extension Regrouping {
    /// Shares follow who lives with whom and who organises.
    static let shares = Regrouping(
        lock: { group, tx in
            // Cottages before bookings before groups, as everywhere.
            _ = try await tx.all(ShareSQL.lockCottages(ofGroup: group), ShareSQL.lock(ofGroup: group))
        },
        act: { event, group, app, now, tx in
            for id in try await tx.all(ShareSQL.live(of: group)) {
                guard var money = try await BookingMoney.of(id, as: .job("regroup"), in: tx) else { continue }
                tx.later([ShareSQL.touch(id)])
                tx.publish(id, .booking, to: .group(group))
                tx.tell(money.terms.parkId, of: .booking, id)
                switch event {
                case .moved(let author):
                    // Nobody moves people at the cost of one who has handed over.
                    let isByOthers = author != money.statement.backstop
                    try await money.settle(.changed, by: author, isByOthers: isByOthers, app, at: now, in: tx)
                case .handedOver(let before, let isErased):
                    // The household that answers goes on to until the successor accepts.
                    guard isErased, money.statement.backstop == before, money.terms.organiser != before else {
                        continue
                    }
                    try await StaffTask.open(
                        StaffTaskRequest(
                            title: "The organiser of booking \(money.terms.number) has gone",
                            detail:
                                "Their account is erased. Until the new organiser accepts, nobody answers for what is open."
                        ),
                        source: .backstop,
                        subject: id.description,
                        in: money.terms.parkId,
                        app,
                        at: now,
                        in: tx
                    )
                }
            }
            // A traveller's lines are shown to whom the traveller lives with, also of a stay that is over.
            guard case .moved = event else { return }
            for past in try await tx.all(ShareSQL.past(of: group)) {
                Share.publish(past.share, of: past.household, in: group, in: tx)
            }
        }
    )
}
