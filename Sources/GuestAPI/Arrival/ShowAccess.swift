import Foundation
import GuestModels
import Postgres

extension CottageAccess {
    struct Shown: Encodable, Sendable {
        let cottageId: Cottage.ID
        let number: String
        let access: CottageAccess
    }

    /// Route, door code and Wi-Fi of the cottages of a stay that has begun and is not over.
    ///
    /// Every look is audited.
    ///
    /// If the park keeps households apart, a guest sees only the cottages of their own household. Cottages without a
    /// household are shown to the organiser.
    ///
    /// Throws `notCheckedIn` before the stay, `stayOver` after it.
    static func show(of id: Booking.ID, _ act: Act) async throws -> [Shown] {
        let booking = try await Booking.found(id, by: .member, act)
        guard let guest = act.principal.guestID, let group = booking.groupId else { throw Refusal.notFound }
        let (policies, rows, own, stays) = try await act.tx.all(
            BookingSQL.policy(of: id),
            ArrivalSQL.access(of: id),
            GroupSQL.ownRow(in: group, of: guest),
            ArrivalSQL.stays(of: id)
        )
        guard let policy = policies.first, let own = own.first else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        switch booking.state {
        case .held, .confirmed: throw Refusal.notCheckedIn
        case .checkedIn: break
        case .checkedOut, .expired, .cancelled, .noShow: throw Refusal.stayOver
        }
        // A household with a row of its own sees door codes only between its own check-in and check-out.
        switch stays.first(where: { $0.stay.householdId == own.householdId })?.stay.state {
        case .expected where !stays.map(\.stay).isTogether: throw Refusal.notCheckedIn
        case .checkedOut, .noShow: throw Refusal.stayOver
        case .expected, .checkedIn, nil: break
        }
        // A guest who forgets to check out sees no codes after the check-out time either.
        let end = booking.checkOutBy(for: own.householdId, rules: policy.rules)
        guard act.now < clock.instant(booking.stay.departure, end) else { throw Refusal.stayOver }
        let isApart = policy.rules.accessFor == .household
        let visible = rows.filter { row in
            guard isApart else { return true }
            return row.households.isEmpty ? own.role == .organiser : row.households.contains(own.householdId)
        }
        try Audit.record("access.show", target: id.uuid, park: booking.parkId, act)
        return try visible.map { row in
            guard let sealed = row.sealed else {
                return Shown(cottageId: row.cottage, number: row.number, access: CottageAccess())
            }
            let data = try act.app.secret.open(sealed, for: "access", context: row.cottage.description)
            let access = try JSONDecoder().decode(CottageAccess.self, from: data)
            return Shown(cottageId: row.cottage, number: row.number, access: access)
        }
    }
}
