import GuestModels
import Postgres

extension Share {
    /// A share that the asker may act for, and its booking.
    ///
    /// A guest may act for the share of the own household, the organiser for any share. Staff of the park may act with
    /// one of the functions.
    ///
    /// Throws `notFound` for an asker outside the group, and `forbidden` for a member of another household.
    ///
    /// - Parameter isLocked: whether the booking is locked until the end of the transaction.
    static func own(
        _ id: ID,
        or functions: Set<StaffMember.Function>,
        isLocked: Bool = false,
        _ act: Act
    ) async throws -> (share: Share, booking: Booking) {
        guard let its = try await act.tx.first(ShareSQL.share(id))?.bookingId,
            let park = try await act.tx.first(JournalSQL.park(of: its)),
            act.principal.guestID != nil || !functions.isEmpty && act.principal.has(functions, at: park)
        else { throw Refusal.notFound }
        // Finance may not see bookings but may handle their money, so load the booking as a job.
        let asker = act.principal.guestID == nil ? Principal.job("share") : act.principal
        let booking =
            isLocked
            ? try await Booking.locked(its, by: .member, act.as(asker))
            : try await Booking.found(its, by: .member, act.as(asker))
        let (shares, terms, roles) = try await act.tx.all(
            ShareSQL.share(id),
            ShareSQL.terms(of: its, for: act.principal.guestID),
            BookingSQL.role(of: act.principal.guestID, in: its)
        )
        guard let share = shares.first else { throw Refusal.notFound }
        guard act.principal.guestID == nil || terms.first?.asker == share.householdId || roles == [.organiser] else {
            throw Refusal.forbidden
        }
        return (share, booking)
    }
}
