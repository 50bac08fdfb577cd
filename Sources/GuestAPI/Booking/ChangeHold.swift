import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Lengthens a hold while it runs: the organiser or whoever placed it once, staff with a reason.
    ///
    /// Held or expired, never both: both sides lock the same row.
    static func extend(_ id: Booking.ID, _ request: ExtensionRequest, _ act: Act) async throws -> Booking {
        var booking = try await locked(id, orWhoPlacedIt: true, act)
        guard let rules = try await act.tx.first(BookingSQL.policy(of: id))?.rules else { throw Refusal.notFound }
        let isStaff = act.principal.guestID == nil
        if isStaff, request.reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        guard isStaff || request.minutes == nil else { throw Refusal.forbidden.at("/minutes") }
        try booking.extend(at: act.now, rules: rules, byStaff: isStaff, minutes: request.minutes)
        booking.version += 1
        act.tx.later([BookingSQL.update(booking)])
        if isStaff {
            try Audit.record(
                "booking.extend",
                target: id.uuid,
                park: booking.parkId,
                reason: request.reason,
                after: booking.holdUntil,
                act
            )
        }
        if let holdUntil = booking.holdUntil {
            try Job.enqueue(ExpireHold(bookingId: id), key: id.description, at: holdUntil, act)
        }
        booking.publish(in: act.tx)
        return booking
    }

    /// Makes a hold firm and queues the mail.
    ///
    /// Harmless to repeat.
    ///
    /// - Parameter isCovered: somebody's payment has just covered the deposit, so nobody waives it.
    ///
    /// Throws `depositOpen` for a guest while the deposit is not covered, `reasonNeeded` for staff who do
    /// not say why they waive it.
    static func confirm(_ id: Booking.ID, reason: String?, isCovered: Bool = false, _ act: Act) async throws -> Booking
    {
        var booking = try await locked(id, act)
        let isStaff = act.principal.guestID == nil
        guard booking.state != .confirmed else {
            return try await booking.waiveDeposit(for: isStaff ? reason : nil, act)
        }
        if isStaff, reason == nil, !isCovered { throw Refusal.reasonNeeded.at("/reason") }
        try booking.confirm(at: act.now, byStaffFor: isStaff ? reason : nil, isCovered: isCovered)
        booking.version += 1
        act.tx.later([BookingSQL.update(booking, confirmedReason: isStaff ? reason : nil)])
        if isStaff {
            try Audit.record("booking.confirm", target: id.uuid, park: booking.parkId, reason: reason, act)
        }
        let (number, stay) = (booking.number, booking.stay)
        try await write("confirmed", about: id, act) { park in
            .bookingConfirmed(number: number, park: park, stay: stay)
        }
        if let group = booking.groupId {
            // Who joins at this moment waits, and then tells of themselves.
            let (_, members) = try await act.tx.all(GroupSQL.hold(group), GroupSQL.members(of: group))
            for member in members { act.tx.tell(booking.parkId, of: .guest, member) }
        }
        try booking.tell(.bookingConfirmed, act)
        booking.publish(in: act.tx)
        return booking
    }

    /// Staff waive the deposit of a stay that is firm and whose deposit is due again; else nothing happens.
    private func waiveDeposit(for reason: String?, _ act: Act) async throws -> Booking {
        guard let reason, let money = try await BookingMoney.of(id, act.as(.job("deposit"))),
            money.terms.depositDue != nil
        else { return self }
        act.tx.later([ShareSQL.setDepositDue(nil, of: id), BookingSQL.update(self, confirmedReason: reason)])
        try Audit.record("booking.waiveDeposit", target: id.uuid, park: parkId, reason: reason, act)
        return self
    }

    /// Cancels a hold, or a confirmed stay for the fee of the policy it was placed under.
    ///
    /// A cancellation by the park costs the guest nothing: staff give a reason, and the fee that the guest is spared
    /// counts in their mandate. Harmless to repeat.
    static func cancel(_ id: Booking.ID, _ request: CancellationRequest, _ act: Act) async throws -> Booking {
        let reason = request.reason
        var booking = try await locked(id, orWhoPlacedIt: true, act)
        guard booking.state != .cancelled else {
            // A colleague who wants to spare the guests the fee must hear that this does not.
            guard request.isByPark != true || booking.total.amount <= 0 else { throw Refusal.notChangeable }
            return booking
        }
        guard let policy = try await act.tx.first(BookingSQL.policy(of: id)) else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        let isStaff = act.principal.guestID == nil
        if isStaff, reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        let isByPark = request.isByPark ?? false
        let wasFirm = booking.state == .confirmed
        guard isStaff || !isByPark else { throw Refusal.forbidden.at("/isByPark") }
        let own = Set(try await act.tx.all(ShareSQL.ownOrders(of: id)))
        let earlier = booking.charges.filter { $0.kind == .cancellation }.total
        var fees = try booking.cancel(at: act.now, today: clock.date(at: act.now), rules: policy.rules, own: own)
        if isByPark {
            let given = fees.total + max(earlier, 0)
            try await Mandate.give(given, as: .fee, on: booking, for: reason ?? "", act)
            fees = []
        }
        booking.version += 1
        ExtraOrder.cancel(booking.extras, act)
        act.tx.later(
            [
                BookingSQL.endHeldChange(of: id), BookingSQL.release(id),
                BookingSQL.update(booking, cancelledReason: reason),
                BookingSQL.reverseLines(of: id, andFees: isByPark, at: act.now),
            ] + fees.map { BookingSQL.insert($0, id: act.id(), booking: id, at: act.now) }
        )
        try await divide(id, act)
        try Job.enqueue(EndPayments(bookingId: id), key: id.description, at: act.now, act)
        if isStaff {
            try Audit.record(
                isByPark ? "booking.cancelByPark" : "booking.cancel",
                target: id.uuid,
                park: booking.parkId,
                reason: reason,
                act
            )
        }
        if wasFirm {
            let number = booking.number
            let alternatives = isByPark ? try await booking.alternatives(act) : nil
            try await write("cancelled \(id)", about: id, to: nil, act) {
                .bookingCancelled(number: number, park: $0, isByPark: isByPark, alternatives: alternatives)
            }
        }
        try booking.tell(.bookingCancelled, act)
        booking.publish(in: act.tx)
        return try await found(id, by: .member, act)
    }

    /// Names of types with free cottages for the same days, people and pets, without the booking's own cottages.
    private func alternatives(_ act: Act) async throws -> [String] {
        let (free, types) = try await act.tx.all(
            ParkSQL.free(in: parkId, stay, now: act.now),
            ParkSQL.types(of: parkId)
        )
        let own = Set(cottages.map(\.id))
        let counts = Dictionary(grouping: free.filter { !own.contains($0.id) }, by: \.typeId).mapValues(\.count)
        return types.filter { type in
            let count = Swift.min(counts[type.id] ?? 0, cottages.count)
            return count > 0 && count * type.capacity >= adults + children && count * type.pets >= pets
        }
        .map(\.name).sorted()
    }

    /// Ends a hold whose time is over and frees its cottages; nothing happens to any other booking.
    ///
    /// Who is still paying is stopped at the provider first, for up to a minute: a hold never outlives what can still
    /// be paid for it, and money never comes for cottages that somebody else has.
    static func expire(_ id: Booking.ID, _ act: Act) async throws {
        var booking = try await locked(id, act.as(.job(ExpireHold.kind)))
        guard let deadline = booking.holdUntil, booking.expire(at: act.now) else { return }
        if act.now < deadline.addingTimeInterval(graceForPayments),
            try await act.tx.first(BookingSQL.isBeingPaid(id)) == true
        {
            try Job.enqueue(EndPayments(bookingId: id), key: id.description, at: act.now, act)
            return
        }
        booking.version += 1
        ExtraOrder.cancel(booking.extras, act)
        act.tx.later([
            BookingSQL.release(id),
            BookingSQL.update(booking),
            BookingSQL.reverseLines(of: id, at: act.now),
        ])
        try await divide(id, act.as(.job(ExpireHold.kind)))
        let number = booking.number
        try await write("expired", about: id, act) { .holdExpired(number: number, park: $0) }
        try booking.tell(.holdExpired, act.as(.job(ExpireHold.kind)))
        booking.publish(in: act.tx)
    }

    /// Queues a mail to each member of a household, or of the whole group, in their own language.
    ///
    /// - Parameter occasion: what it is about; a second letter about the same is not queued while the first waits.
    static func write(
        _ occasion: String,
        about id: Booking.ID,
        to household: Household.ID?,
        _ act: Act,
        letter: (_ park: String) -> Mail.Letter
    ) async throws {
        for person in try await act.tx.all(BookingSQL.addressees(of: id, in: household)) {
            let language = Language(rawValue: person.language) ?? .english
            let mail = Mail(to: person.email, language: language, letter: letter(person.park))
            try Job.enqueue(mail, key: "\(occasion) \(person.guest)", at: act.now, act)
        }
    }

    /// Queues a mail to the organiser, once per booking and occasion.
    private static func write(
        _ occasion: String,
        about id: Booking.ID,
        _ act: Act,
        letter: (_ park: String) -> Mail.Letter
    ) async throws {
        guard let (email, language, park) = try await act.tx.first(BookingSQL.addressee(of: id)) else { return }
        let mail = Mail(to: email, language: Language(rawValue: language) ?? .english, letter: letter(park))
        try Job.enqueue(mail, key: "\(occasion) \(id)", at: act.now, act)
    }
}

/// Comes by at a hold's deadline.
struct ExpireHold: Work {
    static let kind = "expireHold"
    static let queue = Job.Queue.effects

    let bookingId: Booking.ID

    func finish(_ act: Act) async throws {
        try await Booking.expire(bookingId, act)
    }

    /// At the deadline, should it be a later one by now; soon, while somebody is still paying.
    func again(_ act: Act) async throws -> Date? {
        try await act.tx.first(BookingSQL.deadline(of: bookingId)).map {
            $0 > act.now ? $0 : act.now.addingTimeInterval(2)
        }
    }
}
