import Foundation
import GuestModels
import Postgres
import SyncMessages

extension CottageAccess {
    /// Sets the directions and codes for getting into a cottage.
    ///
    /// The audit records the change but not the codes.
    func set(for cottage: Cottage.ID, _ act: Act) async throws {
        let place = try await Cottage.locked(cottage, for: [.reception, .maintenance], act)
        let data = Data(try ResponseEncoder.encode(self))
        let sealed = try act.app.secret.seal(data, for: "access", context: cottage.description)
        act.tx.later([ArrivalSQL.setAccess(cottage, sealed: sealed, at: act.now)])
        try Audit.record("access.set", target: cottage.uuid, park: place.parkId, act)
    }

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
        case .expected where stays.contains(where: { $0.stay.state != .expected }): throw Refusal.notCheckedIn
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

extension Booking {
    /// Assigns households to a cottage of the booking.
    ///
    /// Throws `partyTooLarge` when they do not fit into it.
    static func assignHouseholds(
        _ households: [Household.ID],
        in cottage: Cottage.ID,
        of id: Booking.ID,
        _ act: Act
    ) async throws {
        var booking = try await locked(id, act)
        guard let group = booking.groupId, booking.cottages.contains(where: { $0.id == cottage }) else {
            throw Refusal.notFound
        }
        let known = Set(try await act.tx.all(GroupSQL.households(of: group)).map(\.id))
        guard known.isSuperset(of: households) else { throw Refusal.notFound.at("/householdIds") }
        let (policies, cottages, types, people, homes) = try await act.tx.all(
            BookingSQL.policy(of: id),
            AllocationSQL.types(of: booking.cottages.map(\.id), in: booking.parkId),
            ParkSQL.types(of: booking.parkId),
            GroupSQL.travellers(ofBooking: id),
            ShareSQL.homes(of: id)
        )
        guard let rules = policies.first?.rules else { throw Refusal.notFound }
        let byID = Dictionary(types.map { ($0.id, $0) }) { $1 }
        let housing = Housing(
            of: people,
            in: cottages.compactMap { one in byID[one.type].map { (one.id, $0) } },
            homes: homes.filter { $0.cottage != cottage } + households.map { (cottage, $0) },
            arriving: booking.stay.arrival,
            rules: rules
        )
        guard housing.fits else { throw Refusal.partyTooLarge.at("/householdIds") }
        booking.version += 1
        act.tx.later(ArrivalSQL.assign(households, in: cottage, of: id) + [BookingSQL.update(booking)])
        try await divide(id, act)
        booking.publish(in: act.tx)
    }
}

extension Cottage {
    /// Sets the readiness of a cottage, such as ready, to clean or out of order.
    static func setReadiness(_ id: Cottage.ID, _ request: ReadinessRequest, _ act: Act) async throws {
        let cottage = try await locked(id, for: [.reception, .host, .housekeeping, .maintenance], act)
        let wasReady = try await act.tx.first(ArrivalSQL.isReady(id)) == true
        mark([id], request.readiness, note: request.note, of: cottage.parkId, act)
        if request.readiness == .ready, !wasReady {
            // Two cottages of a booking may become ready at once. With the lock, the later one sees both.
            try await act.tx.run(ArrivalSQL.lockAwaiting(id, at: act.now))
            for (group, booking) in try await act.tx.all(ArrivalSQL.awaiting(id, at: act.now)) {
                try Notice.cottageReady.notify(about: .init(group: group, booking: booking, park: cottage.parkId), act)
            }
        }
        try Audit.record(
            "cottage.readiness",
            target: id.uuid,
            park: cottage.parkId,
            reason: request.note,
            after: request.readiness,
            act
        )
    }
}

extension Cottage {
    /// The cottages of a park, with the departures and arrivals of a day, for the staff who clean them.
    static func readiness(at park: Park.ID, on day: LocalDate, _ look: Look) async throws -> [ArrivalSQL.ReadinessRow] {
        try look.principal.require([.reception, .host, .housekeeping, .maintenance], at: park)
        return try await look.reader.all(ArrivalSQL.readiness(in: park, on: day))
    }
}
