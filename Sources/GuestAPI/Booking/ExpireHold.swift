import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Ends an overdue hold and frees its cottages; does nothing to any other booking.
    ///
    /// Payments under way are stopped at the provider first, for up to a minute. So a hold does not end while it can
    /// still be paid. No money comes for cottages that another booking has.
    static func expire(_ id: Booking.ID, _ act: Act) async throws {
        var booking = try await locked(id, act.as(.job(ExpireHold.kind)))
        guard let deadline = booking.holdUntil, booking.expire(at: act.now) else { return }
        if act.now < deadline.addingTimeInterval(graceForPayments),
            try await act.tx.first(AllocationSQL.isBeingPaid(id)) == true
        {
            try Job.enqueue(EndPayments(bookingId: id), key: id.description, at: act.now, act)
            return
        }
        booking.version += 1
        ExtraOrder.cancel(booking.extras, act)
        act.tx.later([
            AllocationSQL.release(id),
            BookingSQL.update(booking),
            ChargeSQL.reverseLines(of: id, at: act.now),
        ])
        try await divide(id, act.as(.job(ExpireHold.kind)))
        let number = booking.number
        try await mailOrganiser("expired", about: id, act) { .holdExpired(number: number, park: $0) }
        try booking.notify(.holdExpired, act.as(.job(ExpireHold.kind)))
        booking.publish(in: act.tx)
    }
}

/// The job that runs at a hold's deadline.
struct ExpireHold: Work {
    static let kind = "expireHold"
    static let queue = Job.Queue.effects

    let bookingId: Booking.ID

    func finish(_ act: Act) async throws {
        try await Booking.expire(bookingId, act)
    }

    /// The time of the job's next run: the deadline if it was moved, or in 2 s while a payment is under way.
    func again(_ act: Act) async throws -> Date? {
        try await act.tx.first(BookingSQL.deadline(of: bookingId)).map {
            $0 > act.now ? $0 : act.now.addingTimeInterval(2)
        }
    }
}
