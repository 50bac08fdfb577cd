import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Lengthens a hold, once, while it runs.
    ///
    /// Held or expired, never both: both sides lock the same row.
    static func extend(
        _ id: Booking.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = try await locked(id, as: principal, in: tx)
        guard let rules = try await tx.first(BookingSQL.policy(of: id))?.rules else { throw Refusal.notFound }
        try booking.extend(at: now, rules: rules)
        booking.version += 1
        try await tx.run(BookingSQL.update(booking))
        if let holdUntil = booking.holdUntil {
            try await Job.enqueue(ExpireHold(bookingId: id), key: id.description, at: holdUntil, app, in: tx)
        }
        booking.publish(in: tx)
        return booking
    }

    /// Makes a hold firm and queues the mail.
    ///
    /// Harmless to repeat.
    ///
    /// Throws `depositOpen` for a guest while the deposit is not covered, `reasonNeeded` for staff who do
    /// not say why they waive it.
    static func confirm(
        _ id: Booking.ID,
        reason: String?,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = try await locked(id, as: principal, in: tx)
        guard booking.state != .confirmed else { return booking }
        let isStaff = principal.guestID == nil
        if isStaff, reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        try booking.confirm(at: now, byStaffFor: isStaff ? reason : nil)
        booking.version += 1
        try await tx.run(BookingSQL.update(booking, confirmedReason: isStaff ? reason : nil))
        if isStaff {
            try await Audit.record(
                "booking.confirm",
                target: id.uuid,
                park: booking.parkId,
                reason: reason,
                app,
                at: now,
                in: tx
            )
        }
        if let group = booking.groupId, let park = try await tx.first(BookingSQL.policy(of: id))?.park {
            let letter = Mail.Letter.bookingConfirmed(number: booking.number, park: park, stay: booking.stay)
            try await write(letter, to: group, key: "confirmed \(id)", app, at: now, in: tx)
        }
        booking.publish(in: tx)
        return booking
    }

    /// Cancels a hold, or a confirmed stay for the fee of the policy it was placed under.
    ///
    /// Harmless to repeat.
    static func cancel(
        _ id: Booking.ID,
        reason: String?,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = try await locked(id, as: principal, in: tx)
        guard booking.state != .cancelled else { return booking }
        guard let policy = try await tx.first(BookingSQL.policy(of: id)),
            let clock = ParkClock(timeZone: policy.timeZone)
        else { throw Refusal.notFound }
        let isStaff = principal.guestID == nil
        if isStaff, reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        let fee = try booking.cancel(at: now, today: clock.date(at: now), rules: policy.rules)
        booking.version += 1
        var commands = [
            BookingSQL.release(id),
            BookingSQL.update(booking, cancelledReason: reason),
            BookingSQL.reverseLines(of: id, at: now),
        ]
        if fee > 0 {
            let line = ChargeLine(.cancellation, unitAmount: fee)
            commands.append(BookingSQL.insert(line, id: app.ids.next(at: now), booking: id, at: now))
        }
        try await tx.run(commands)
        if isStaff {
            try await Audit.record(
                "booking.cancel",
                target: id.uuid,
                park: booking.parkId,
                reason: reason,
                app,
                at: now,
                in: tx
            )
        }
        booking.publish(in: tx)
        return try await locked(id, as: principal, in: tx)
    }

    /// Ends a hold whose time is over and frees its cottages; nothing happens to any other booking.
    static func expire(_ id: Booking.ID, _ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        var booking = try await locked(id, as: .job(ExpireHold.kind), in: tx)
        guard booking.expire(at: now) else { return }
        booking.version += 1
        try await tx.run([
            BookingSQL.release(id),
            BookingSQL.update(booking),
            BookingSQL.reverseLines(of: id, at: now),
        ])
        if let group = booking.groupId, let park = try await tx.first(BookingSQL.policy(of: id))?.park {
            let letter = Mail.Letter.holdExpired(number: booking.number, park: park)
            try await write(letter, to: group, key: "expired \(id)", app, at: now, in: tx)
        }
        booking.publish(in: tx)
    }

    private static func write(
        _ letter: Mail.Letter,
        to group: TravelGroup.ID,
        key: String,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        guard let (email, language) = try await tx.first(BookingSQL.organiserMail(of: group)) else { return }
        let mail = Mail(to: email, language: Language(rawValue: language) ?? .english, letter: letter)
        try await Job.enqueue(mail, key: key, at: now, app, in: tx)
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
}
