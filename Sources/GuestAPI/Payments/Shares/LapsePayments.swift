import Foundation
import GuestModels
import Postgres

/// Acts on a firm stay whose deposit was not covered again in time, by the rule it was booked under.
struct LapseDeposit: Work {
    static let kind = "lapseDeposit"
    static let queue = Job.Queue.effects

    let bookingId: Booking.ID
    /// The day on the park's calendar.
    let day: LocalDate

    func finish(_ act: Act) async throws {
        let worker = Principal.job(Self.kind)
        let booking = try await Booking.locked(bookingId, act.as(worker))
        guard let money = try await BookingMoney.of(bookingId, act.as(worker)), let due = money.terms.depositDue,
            due < day, booking.state == .confirmed
        else { return }
        // The desk decides from the day of arrival on.
        if money.terms.rules.depositLapse == .cancels, day < booking.stay.arrival {
            let reason = CancellationRequest(reason: "The deposit was not covered again in time.")
            _ = try await Booking.cancel(bookingId, reason, act.as(worker))
            return
        }
        try await StaffTask.open(
            StaffTaskRequest(
                title: "The deposit of booking \(booking.number) is not covered",
                detail: "It was to be covered again by now. Speak with the organiser, waive it, or cancel.",
                due: day
            ),
            source: .deposit,
            subject: bookingId.description,
            in: booking.parkId,
            act
        )
    }
}

/// Acts on a future stay with a share that is long overdue, by the rules of the booking.
struct LapseShares: Work {
    static let kind = "lapseShares"
    static let queue = Job.Queue.effects

    let bookingId: Booking.ID
    /// The day on the park's calendar.
    let day: LocalDate

    func finish(_ act: Act) async throws {
        let worker = Principal.job(Self.kind)
        let booking = try await Booking.locked(bookingId, act.as(worker))
        guard booking.state == .confirmed, day < booking.stay.arrival,
            let money = try await BookingMoney.of(bookingId, act.as(worker)),
            let since = try await act.tx.first(DebtSQL.overdueSince(bookingId)),
            try await act.tx.first(AllocationSQL.isBeingPaid(bookingId)) != true
        else { return }
        let daysLate = day.daysSince1970 - since.daysSince1970
        let rule = money.terms.rules.overdueRule
        if let days = rule.cancelAfterDays, daysLate >= days {
            let reason = CancellationRequest(reason: "The stay was not paid in time.")
            _ = try await Booking.cancel(bookingId, reason, act.as(worker))
            return
        }
        guard let days = rule.askAfterDays, daysLate >= days else { return }
        try await booking.askDesk(forDebtOf: money, "is \(daysLate) days late", act)
    }
}

extension LeftOwing: Work {
    static let kind = "leftOwing"
    static let queue = Job.Queue.effects

    func finish(_ act: Act) async throws {
        let worker = Principal.job(Self.kind)
        let booking = try await Booking.locked(bookingId, act.as(worker))
        guard booking.state == .checkedOut, !booking.isPaid,
            let money = try await BookingMoney.of(bookingId, act.as(worker))
        else { return }
        try await booking.askDesk(forDebtOf: money, "has left", act)
    }
}

extension Booking {
    /// Opens a task about the open amount; if a task is open already, it gets a note.
    fileprivate func askDesk(forDebtOf money: BookingMoney, _ what: String, _ act: Act) async throws {
        let open = money.statement.shares.reduce(Int64(0)) { $0 + max($1.amount - $1.paid, 0) }
        guard open > 0 else { return }
        try await StaffTask.open(
            StaffTaskRequest(
                title: "Booking \(number) \(what) and has \(Money(open, total.currency).plainText) to pay",
                detail: "The list of debts says which households owe it."
            ),
            source: .payment,
            subject: "debt \(id)",
            in: parkId,
            act
        )
    }
}
