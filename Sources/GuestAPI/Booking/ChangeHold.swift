import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Lengthens a hold while it runs: the organiser or whoever placed it once, staff with a reason.
    ///
    /// Held or expired, never both: both sides lock the same row.
    static func extend(
        _ id: Booking.ID,
        _ request: ExtensionRequest,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = try await locked(id, orWhoPlacedIt: true, as: principal, in: tx)
        guard let rules = try await tx.first(BookingSQL.policy(of: id))?.rules else { throw Refusal.notFound }
        let isStaff = principal.guestID == nil
        if isStaff, request.reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        guard isStaff || request.minutes == nil else { throw Refusal.forbidden.at("/minutes") }
        try booking.extend(at: now, rules: rules, byStaff: isStaff, minutes: request.minutes)
        booking.version += 1
        tx.later([BookingSQL.update(booking)])
        if isStaff {
            try Audit.record(
                "booking.extend",
                target: id.uuid,
                park: booking.parkId,
                reason: request.reason,
                after: booking.holdUntil,
                app,
                at: now,
                in: tx
            )
        }
        if let holdUntil = booking.holdUntil {
            try Job.enqueue(ExpireHold(bookingId: id), key: id.description, at: holdUntil, app, in: tx)
        }
        booking.publish(in: tx)
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
    static func confirm(
        _ id: Booking.ID,
        reason: String?,
        isCovered: Bool = false,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = try await locked(id, as: principal, in: tx)
        let isStaff = principal.guestID == nil
        guard booking.state != .confirmed else {
            return try await booking.waiveDeposit(for: isStaff ? reason : nil, app, at: now, in: tx)
        }
        if isStaff, reason == nil, !isCovered { throw Refusal.reasonNeeded.at("/reason") }
        try booking.confirm(at: now, byStaffFor: isStaff ? reason : nil, isCovered: isCovered)
        booking.version += 1
        tx.later([BookingSQL.update(booking, confirmedReason: isStaff ? reason : nil)])
        if isStaff {
            try Audit.record(
                "booking.confirm",
                target: id.uuid,
                park: booking.parkId,
                reason: reason,
                app,
                at: now,
                in: tx
            )
        }
        let (number, stay) = (booking.number, booking.stay)
        try await write("confirmed", about: id, app, at: now, in: tx) { park in
            .bookingConfirmed(number: number, park: park, stay: stay)
        }
        if let group = booking.groupId {
            // Who joins at this moment waits, and then tells of themselves.
            let (_, members) = try await tx.all(GroupSQL.hold(group), GroupSQL.members(of: group))
            for member in members { tx.tell(booking.parkId, of: .guest, member) }
        }
        try booking.tell(.bookingConfirmed, by: principal, app, at: now, in: tx)
        booking.publish(in: tx)
        return booking
    }

    /// Staff waive the deposit of a stay that is firm and whose deposit is due again; else nothing happens.
    private func waiveDeposit(
        for reason: String?,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        guard let reason, let money = try await BookingMoney.of(id, as: .job("deposit"), in: tx),
            money.terms.depositDue != nil
        else { return self }
        tx.later([ShareSQL.setDepositDue(nil, of: id), BookingSQL.update(self, confirmedReason: reason)])
        try Audit.record("booking.waiveDeposit", target: id.uuid, park: parkId, reason: reason, app, at: now, in: tx)
        return self
    }

    /// Cancels a hold, or a confirmed stay for the fee of the policy it was placed under.
    ///
    /// A cancellation by the park costs the guest nothing: staff give a reason, and the fee that the guest is spared
    /// counts in their mandate. Harmless to repeat.
    static func cancel(
        _ id: Booking.ID,
        _ request: CancellationRequest,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        let reason = request.reason
        var booking = try await locked(id, orWhoPlacedIt: true, as: principal, in: tx)
        guard booking.state != .cancelled else {
            // A colleague who wants to spare the guests the fee must hear that this does not.
            guard request.isByPark != true || booking.total.amount <= 0 else { throw Refusal.notChangeable }
            return booking
        }
        guard let policy = try await tx.first(BookingSQL.policy(of: id)) else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        let isStaff = principal.guestID == nil
        if isStaff, reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        let isByPark = request.isByPark ?? false
        let wasFirm = booking.state == .confirmed
        guard isStaff || !isByPark else { throw Refusal.forbidden.at("/isByPark") }
        let own = Set(try await tx.all(ShareSQL.ownOrders(of: id)))
        let earlier = booking.charges.filter { $0.kind == .cancellation }.total
        var fees = try booking.cancel(at: now, today: clock.date(at: now), rules: policy.rules, own: own)
        if isByPark {
            let given = fees.total + max(earlier, 0)
            try await Mandate.give(given, as: .fee, on: booking, for: reason ?? "", as: principal, app, at: now, in: tx)
            fees = []
        }
        booking.version += 1
        ExtraOrder.cancel(booking.extras, at: now, in: tx)
        tx.later(
            [
                BookingSQL.endHeldChange(of: id), BookingSQL.release(id),
                BookingSQL.update(booking, cancelledReason: reason),
                BookingSQL.reverseLines(of: id, andFees: isByPark, at: now),
            ] + fees.map { BookingSQL.insert($0, id: app.ids.next(at: now), booking: id, at: now) }
        )
        try await divide(id, as: principal, app, at: now, in: tx)
        try Job.enqueue(EndPayments(bookingId: id), key: id.description, at: now, app, in: tx)
        if isStaff {
            try Audit.record(
                isByPark ? "booking.cancelByPark" : "booking.cancel",
                target: id.uuid,
                park: booking.parkId,
                reason: reason,
                app,
                at: now,
                in: tx
            )
        }
        if wasFirm {
            let number = booking.number
            let alternatives = isByPark ? try await booking.alternatives(at: now, in: tx) : nil
            try await write("cancelled \(id)", about: id, to: nil, app, at: now, in: tx) {
                .bookingCancelled(number: number, park: $0, isByPark: isByPark, alternatives: alternatives)
            }
        }
        try booking.tell(.bookingCancelled, by: principal, app, at: now, in: tx)
        booking.publish(in: tx)
        return try await found(id, by: .member, as: principal, in: tx)
    }

    /// Names of types with free cottages for the same days, people and pets, without the booking's own cottages.
    private func alternatives(at now: Date, in tx: Transaction) async throws -> [String] {
        let (free, types) = try await tx.all(ParkSQL.free(in: parkId, stay, now: now), ParkSQL.types(of: parkId))
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
    static func expire(_ id: Booking.ID, _ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        var booking = try await locked(id, as: .job(ExpireHold.kind), in: tx)
        guard let deadline = booking.holdUntil, booking.expire(at: now) else { return }
        if now < deadline.addingTimeInterval(graceForPayments),
            try await tx.first(BookingSQL.isBeingPaid(id)) == true
        {
            try Job.enqueue(EndPayments(bookingId: id), key: id.description, at: now, app, in: tx)
            return
        }
        booking.version += 1
        ExtraOrder.cancel(booking.extras, at: now, in: tx)
        tx.later([
            BookingSQL.release(id),
            BookingSQL.update(booking),
            BookingSQL.reverseLines(of: id, at: now),
        ])
        try await divide(id, as: .job(ExpireHold.kind), app, at: now, in: tx)
        let number = booking.number
        try await write("expired", about: id, app, at: now, in: tx) { .holdExpired(number: number, park: $0) }
        try booking.tell(.holdExpired, by: .job(ExpireHold.kind), app, at: now, in: tx)
        booking.publish(in: tx)
    }

    /// Queues a mail to each member of a household, or of the whole group, in their own language.
    ///
    /// - Parameter occasion: what it is about; a second letter about the same is not queued while the first waits.
    static func write(
        _ occasion: String,
        about id: Booking.ID,
        to household: Household.ID?,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction,
        letter: (_ park: String) -> Mail.Letter
    ) async throws {
        for person in try await tx.all(BookingSQL.addressees(of: id, in: household)) {
            let language = Language(rawValue: person.language) ?? .english
            let mail = Mail(to: person.email, language: language, letter: letter(person.park))
            try Job.enqueue(mail, key: "\(occasion) \(person.guest)", at: now, app, in: tx)
        }
    }

    /// Queues a mail to the organiser, once per booking and occasion.
    private static func write(
        _ occasion: String,
        about id: Booking.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction,
        letter: (_ park: String) -> Mail.Letter
    ) async throws {
        guard let (email, language, park) = try await tx.first(BookingSQL.addressee(of: id)) else { return }
        let mail = Mail(to: email, language: Language(rawValue: language) ?? .english, letter: letter(park))
        try Job.enqueue(mail, key: "\(occasion) \(id)", at: now, app, in: tx)
    }
}

/// Comes by at a hold's deadline.
struct ExpireHold: Work {
    static let kind = "expireHold"
    static let queue = Job.Queue.effects

    let bookingId: Booking.ID

    func finish(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        try await Booking.expire(bookingId, app, at: now, in: tx)
    }

    /// At the deadline, should it be a later one by now; soon, while somebody is still paying.
    func again(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws -> Date? {
        try await tx.first(BookingSQL.deadline(of: bookingId)).map { $0 > now ? $0 : now.addingTimeInterval(2) }
    }
}
