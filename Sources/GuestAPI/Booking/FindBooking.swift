import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Booking {
    /// Puts the rows of bookings and their parts together, in the order of `rows`.
    static func assemble(
        _ rows: [BookingSQL.BookingRow],
        _ cottages: [(booking: Booking.ID, cottage: BookedCottage)],
        _ travellers: [(booking: Booking.ID, traveller: Traveller.ID)],
        _ lines: [(booking: Booking.ID, line: ChargeLine)],
        _ extras: [ExtraOrder]
    ) -> [Booking] {
        let cottages = Dictionary(grouping: cottages, by: \.booking)
        let travellers = Dictionary(grouping: travellers, by: \.booking)
        let lines = Dictionary(grouping: lines, by: \.booking)
        let extras = Dictionary(grouping: extras, by: \.bookingId)
        return rows.map { row in
            Booking(
                id: row.id,
                number: row.number,
                parkId: row.parkId,
                groupId: row.groupId,
                stay: row.stay,
                state: row.state,
                holdUntil: row.holdUntil,
                isExtended: row.isExtended,
                adults: row.adults,
                children: row.children,
                babies: row.babies,
                pets: row.pets,
                cottages: cottages[row.id]?.map(\.cottage) ?? [],
                travellerIds: travellers[row.id]?.map(\.traveller) ?? [],
                charges: lines[row.id]?.map(\.line) ?? [],
                extras: extras[row.id] ?? [],
                currency: row.currency,
                deposit: row.deposit,
                paid: row.paid,
                placedAt: row.placedAt,
                arrivalTime: row.arrivalTime,
                households: row.households,
                checkedInAt: row.checkedInAt,
                checkedOutAt: row.checkedOutAt,
                leastFeePercent: row.leastFeePercent,
                version: row.version
            )
        }
    }

    /// One booking the principal may see, or nil.
    static func find(_ id: Booking.ID, _ look: Look) async throws -> Booking? {
        let its = BookingSQL.isBooking(id)
        let (rows, cottages, travellers, lines, extras, viewers) = try await look.reader.all(
            BookingSQL.rows(where: "\(its) AND \(BookingSQL.isVisible(to: look.principal))"),
            BookingSQL.cottages(where: its),
            BookingSQL.travellers(where: its),
            ChargeSQL.lines(where: its),
            ExtraSQL.orders(where: its),
            BookingSQL.viewer(of: id, look.principal.guestID)
        )
        return assemble(rows, cottages, travellers, lines, extras).first?.seen(by: viewers.first)
    }

    /// The booking as the principal may see it.
    ///
    /// Members see common lines and the lines of their household; the organiser and staff see all.
    func shown(_ act: Act) async throws -> Booking {
        guard hasOwnLines, act.principal.guestID != nil else { return self }
        return seen(by: try await act.tx.first(BookingSQL.viewer(of: id, act.principal.guestID)))
    }

    private func seen(by viewer: BookingSQL.Viewer?) -> Booking {
        guard let viewer, !viewer.isOrganiser else { return self }
        return seen(by: viewer.household, Set(viewer.people))
    }

    /// Reads and locks one booking that the principal may change.
    ///
    /// Its cottages and `others` are locked first, in id order, then the booking.
    ///
    /// - Parameters:
    ///   - stay: the stay for which the other cottages are wanted.
    ///   - now: the time by which overdue holds give way; their cottages are locked in the same order. If nil, no hold
    ///     gives way.
    ///   - orWhoPlacedIt: whether the member who placed a hold may change it too.
    ///
    /// Throws `notFound` for a booking that the principal may not see. Throws `forbidden` for a member if the organiser
    /// is required.
    static func locked(
        _ id: Booking.ID,
        and others: [Cottage.ID] = [],
        for stay: Stay? = nil,
        giveWayAt now: Date? = nil,
        by role: Traveller.Role = .organiser,
        orWhoPlacedIt: Bool = false,
        _ act: Act
    ) async throws -> Booking {
        _ = try await act.tx.all(AllocationSQL.lockCottages(of: id, and: others, for: stay, givingWayAt: now))
        return try await found(id, by: role, orWhoPlacedIt: orWhoPlacedIt, isLocked: true, act)
    }

    /// Reads one booking that the principal may change, without a lock, to see what a change would mean.
    static func found(
        _ id: Booking.ID,
        by role: Traveller.Role = .organiser,
        orWhoPlacedIt: Bool = false,
        isLocked: Bool = false,
        _ act: Act
    ) async throws -> Booking {
        let its = BookingSQL.isBooking(id)
        let (rows, cottages, travellers, lines, extras, roles) = try await act.tx.all(
            BookingSQL.rows(where: "\(its) AND \(BookingSQL.isVisible(to: act.principal))", locked: isLocked),
            BookingSQL.cottages(where: its),
            BookingSQL.travellers(where: its),
            ChargeSQL.lines(where: its),
            ExtraSQL.orders(where: its),
            BookingSQL.role(of: act.principal.guestID, in: id, isPlacerOrganiser: orWhoPlacedIt)
        )
        guard let booking = assemble(rows, cottages, travellers, lines, extras).first else { throw Refusal.notFound }
        guard act.principal.guestID == nil || role == .member || roles == [.organiser] else { throw Refusal.forbidden }
        return booking
    }

    func publish(in tx: Transaction) {
        if let groupId { tx.publish(id, .booking, to: .group(groupId)) }
        tx.feed(id, .booking, to: parkId)
    }
}
