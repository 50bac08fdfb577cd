import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Booking {
    /// Makes the organiser's household answer for the booking; the household before it owes only its own part.
    ///
    /// A repeated call changes nothing.
    ///
    /// - Parameter version: the booking's version, so that the organiser answers only for a price that they have seen.
    static func back(_ id: Booking.ID, expecting version: Int, _ act: Act) async throws -> [ShareView] {
        var booking = try await locked(id, act)
        guard var money = try await BookingMoney.of(id, act), let own = money.terms.organiser else {
            throw Refusal.notChangeable
        }
        guard !money.terms.isBacked else { return try await shares(of: id, act) }
        guard booking.version == version else { throw Problem.matchFailed }
        money.statement.back(by: own)
        booking.version += 1
        act.tx.later([ShareSQL.setBackstop(own, of: id), BookingSQL.update(booking)])
        try await money.settle(.handedOver, act)
        try await StaffTask.resolve(
            .backstop,
            id.description,
            in: booking.parkId,
            note: "The organiser answers for it.",
            act
        )
        booking.publish(in: act.tx)
        return try await shares(of: id, act)
    }
}

extension Regrouping {
    /// Updates shares when travellers change household or another member becomes organiser.
    static let shares = Regrouping(
        lock: { group, act in
            // Cottages before bookings before groups, as everywhere.
            _ = try await act.tx.all(ShareSQL.lockCottages(ofGroup: group), ShareSQL.lock(ofGroup: group))
        },
        react: { event, group, act in
            for id in try await act.tx.all(ShareSQL.live(of: group)) {
                guard var money = try await BookingMoney.of(id, act.as(.job("regroup"))) else { continue }
                act.tx.later([ShareSQL.touch(id)])
                act.tx.publish(id, .booking, to: .group(group))
                act.tx.feed(id, .booking, to: money.terms.parkId)
                switch event {
                case .moved(let author):
                    // A former organiser's household may still be the backstop; others must not move people at its
                    // cost.
                    let isByOthers = author != money.statement.backstop
                    try await money.settle(.changed, by: author, isByOthers: isByOthers, act)
                case .handedOver(let before, let isErased):
                    // The old organiser's household stays the backstop until the successor accepts.
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
                        act
                    )
                }
            }
            // The travellers of a household see its charge lines, also of a stay that is over, so publish those too.
            guard case .moved = event else { return }
            for past in try await act.tx.all(ShareSQL.past(of: group)) {
                Share.publish(past.share, of: past.household, in: group, in: act.tx)
            }
        }
    )
}
