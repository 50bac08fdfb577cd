import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Takes over a report of the property system: makes the booking, changes it or cancels it.
    ///
    /// A cancellation that comes before its reservation is kept and applied when the reservation comes.
    ///
    /// A report that cannot be carried out is not lost. The booking then says what the other system said, without a
    /// cottage if none is free, and a task tells the staff. A report that makes things right again ends the task.
    static func report(
        _ said: ReservationReport,
        as number: String,
        in park: Park.ID,
        _ act: Act
    ) async throws -> Booking {
        try act.principal.require([.reception], or: .reports, at: park)
        let (_, parks, types, known) = try await act.tx.all(
            ImportSQL.lockReservation(number, of: park),
            ParkSQL.park(park),
            ParkSQL.types(of: park),
            ImportSQL.reported(number, in: park)
        )
        guard let park = parks.first else { throw Refusal.notFound }
        try allow(said.reportedAt, "/reportedAt", at: act.now)
        var report = said
        if known.isEmpty, let cancelledAt = try await act.tx.first(ImportSQL.removeForestalled(number, in: park.id)),
            let at = said.reportedAt, at <= cancelledAt
        {
            (report.state, report.reportedAt) = (.cancelled, cancelledAt)
        }
        guard let type = types.first(where: { $0.code == report.type }) else {
            throw Refusal.unknownCottage.at("/type")
        }
        if let known = known.first, let last = known.reportedAt, let at = report.reportedAt, at < last {
            return try await found(known.id, act)
        }
        if let known = known.first {
            let booking = try await found(known.id, act)
            if booking.isAs(report, bookedAs: known.type) {
                act.tx.later([ImportSQL.remember(report.reportedAt, of: known.id)])
                try await conclude(number, nil, due: report.stay.arrival, in: park.id, act)
                return booking
            }
        }
        let id: Booking.ID = known.first?.id ?? act.id()
        let cottage = try await lockCottage(for: report, of: type.id, id, in: park.id, act)
        var trouble: String?
        if known.isEmpty {
            try await insert(id, Reservation(report, number: number), of: park, in: cottage, report.state, act)
        } else {
            let booking = try await found(id, isLocked: true, act)
            trouble =
                report.state == .cancelled
                ? booking.cancelAsReported(act)
                : try await booking.follow(report, to: cottage, act)
        }
        if report.state == .confirmed, cottage == nil, trouble == nil {
            trouble = "No cottage is free for it: \(report.summary)."
        }
        act.tx.later([ImportSQL.remember(report.reportedAt, of: id)])
        try Audit.record("reservation.report", target: id.uuid, park: park.id, reason: number, after: said, act)
        try await conclude(number, trouble, due: report.stay.arrival, in: park.id, act)
        let booking = try await found(id, act)
        booking.publish(in: act.tx)
        return booking
    }

    private static func insert(
        _ id: Booking.ID,
        _ reservation: Reservation,
        of park: Park,
        in cottage: Cottage.ID?,
        _ state: ReservationReport.State,
        _ act: Act
    ) async throws {
        let new = ImportSQL.NewBooking(
            id: id,
            number: Booking.number(of: id, act.app.secret),
            reservation: reservation,
            cottage: cottage,
            line: act.id(),
            allocation: act.app.ids.uuid(at: act.now)
        )
        let commands = ImportSQL.insert(
            [new],
            park: park.id,
            currency: park.currency,
            policy: try JSONText(encoding: park.rules),
            at: act.now
        )
        try await act.tx.run(
            commands + (state == .cancelled ? [ChargeSQL.reverseLines(of: id, at: act.now)] : []),
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
    }

    /// Cancels a reservation that the property system no longer has.
    ///
    /// A repeated call changes nothing.
    ///
    /// - Parameter reportedAt: the time of the report. An older report than the last one changes nothing. With a time,
    ///   the cancellation of a reservation that is still unknown is kept.
    static func cancelReservation(_ number: String, reportedAt: Date?, in park: Park.ID, _ act: Act) async throws {
        try act.principal.require([.reception], or: .reports, at: park)
        let (_, known) = try await act.tx.all(
            ImportSQL.lockReservation(number, of: park),
            ImportSQL.reported(number, in: park)
        )
        try allow(reportedAt, "?reportedAt", at: act.now)
        guard let id = known.first?.id else {
            guard let reportedAt, try await act.tx.first(ParkSQL.park(park)) != nil else { throw Refusal.notFound }
            act.tx.later([ImportSQL.forestall(number, in: park, cancelledAt: reportedAt)])
            return try Audit.record("reservation.withdraw", target: nil, park: park, reason: number, act)
        }
        if let last = known.first?.reportedAt, let reportedAt, reportedAt < last { return }
        let booking = try await locked(id, act)
        let trouble = booking.cancelAsReported(act)
        act.tx.later([ImportSQL.remember(reportedAt, of: id)])
        try Audit.record("reservation.withdraw", target: id.uuid, park: park, reason: number, act)
        try await conclude(number, trouble, due: booking.stay.departure, in: park, act)
        booking.publish(in: act.tx)
    }

    /// Refuses a report time more than a day ahead, because all reports before that time would then count as old.
    private static func allow(_ reportedAt: Date?, _ pointer: String, at now: Date) throws {
        guard let reportedAt, reportedAt > now.addingTimeInterval(86400) else { return }
        throw BadRequest(pointer, "must not lie in the future")
    }

    /// Opens a task for a report that cannot be carried out; a report without trouble ends the task.
    private static func conclude(
        _ number: String,
        _ trouble: String?,
        due: LocalDate,
        in park: Park.ID,
        _ act: Act
    ) async throws {
        guard let trouble else {
            let solved = "The property system has made it right."
            return try await StaffTask.resolve(.reservation, number, in: park, note: solved, act)
        }
        try await StaffTask.open(
            StaffTaskRequest(title: "Reservation \(number)", detail: trouble, due: due),
            source: .reservation,
            subject: number,
            in: park,
            act
        )
    }

    /// Whether the booking already is as the report says, and its cottage agrees with the report.
    private func isAs(_ report: ReservationReport, bookedAs type: String?) -> Bool {
        switch (state, report.state) {
        case (.cancelled, .cancelled): return true
        case (.confirmed, .confirmed), (.checkedIn, .confirmed): break
        default: return false
        }
        return stay == report.stay && adults == report.adults && children == report.children
            && babies == report.babies && total.amount == report.nightlyRate * Int64(report.stay.nightCount)
            && type == report.type && cottages.count == 1
            && (report.cottage ?? cottages.first?.number) == cottages.first?.number
    }

    /// Cancels the booking as the property system reported, if the stay has not begun.
    ///
    /// - Returns: the reason why the booking cannot be cancelled; nil if there is none.
    private func cancelAsReported(_ act: Act) -> String? {
        switch state {
        case .checkedIn: return "The property system cancelled the reservation while the guests are here."
        case .checkedOut: return "The property system cancelled the reservation after the guests had left."
        case .cancelled, .expired, .noShow: return nil
        case .held, .confirmed: break
        }
        var booking = self
        booking.state = .cancelled
        booking.holdUntil = nil
        booking.version += 1
        act.tx.later([
            AllocationSQL.release(id), BookingSQL.update(booking), ChargeSQL.reverseLines(of: id, at: act.now),
        ])
        return nil
    }

    /// Changes the booking to agree with the report, as far as the stay still allows it.
    ///
    /// - Returns: the reason why the booking cannot follow the report; nil if there is none.
    private func follow(_ report: ReservationReport, to cottage: Cottage.ID?, _ act: Act) async throws -> String? {
        if state == .checkedOut {
            return "The property system changed it after the guests had left: \(report.summary)."
        }
        if state == .checkedIn, cottage == nil {
            return "The guests are here, and their cottage is not free for what it says now: \(report.summary)."
        }
        try await act.tx.run(
            [AllocationSQL.vacate(id)]
                + ImportSQL.update(
                    id,
                    Reservation(report, number: number, state: state == .checkedIn ? .checkedIn : .confirmed),
                    cottage: cottage,
                    allocation: act.app.ids.uuid(at: act.now),
                    line: act.id(),
                    at: act.now
                ),
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        if state == .checkedIn, let wanted = report.cottage, cottages.first?.number != wanted {
            return "The guests are in \(cottages.first?.number ?? "none"), and the property system says \(wanted)."
        }
        return nil
    }

    /// Locks the booking's cottages and one cottage that suits the report; the booking's own comes first.
    ///
    /// The answer is nil when no cottage is free.
    private static func lockCottage(
        for report: ReservationReport,
        of type: CottageType.ID,
        _ id: Booking.ID,
        in park: Park.ID,
        _ act: Act
    ) async throws -> Cottage.ID? {
        let candidates =
            report.state == .cancelled
            ? []
            : try await act.tx.all(
                ImportSQL.candidates(for: id, of: type, number: report.cottage, in: park, report.stay)
            )
        let (_, conflicts) = try await act.tx.all(
            AllocationSQL.lockCottages(of: id, and: candidates),
            AllocationSQL.conflicts(candidates, report.stay, except: id, now: act.now)
        )
        let taken = Set(conflicts.map(\.cottage))
        return candidates.first { !taken.contains($0) }
    }
}

extension ReservationReport {
    fileprivate var summary: String {
        "\(state.rawValue), \(stay.arrival) to \(stay.departure), type \(type), \(adults + children + babies) people"
    }
}

extension Reservation {
    init(_ report: ReservationReport, number: String, state: Booking.State? = nil) {
        self.init(
            line: 0,
            number: number,
            stay: report.stay,
            state: state ?? (report.state == .confirmed ? .confirmed : .cancelled),
            type: report.type,
            adults: report.adults,
            children: report.children,
            babies: report.babies,
            nightlyRate: report.nightlyRate
        )
    }
}
