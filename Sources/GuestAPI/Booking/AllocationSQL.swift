import Foundation
import GuestModels
import Postgres
import SyncMessages

/// The cottages of a booking and their nights.
enum AllocationSQL {
    /// The cottages of overdue holds that stand in the way of a stay.
    ///
    /// The holds are given up, so all their cottages must be locked too.
    private static func cottagesOfDueHolds(in cottages: SQL, _ stay: SQL, now: Date) -> SQL {
        """
        SELECT own.cottage_id FROM allocation AS due JOIN booking ON booking.id = due.booking_id
            JOIN allocation AS own ON own.booking_id = booking.id
        WHERE due.cottage_id = ANY(\(cottages)) AND due.is_live AND due.stay && \(stay)
            AND booking.state = 'held' AND booking.hold_until <= \(now)
        """
    }

    /// Locks cottages in id order, before anything else of a booking is touched.
    ///
    /// The lock includes the cottages of overdue holds that give way to a stay.
    static func lock(_ cottages: [Cottage.ID], for stay: Stay, now: Date) -> Query<Cottage.ID> {
        let wanted: SQL = "\(cottages)::uuid[]"
        return Query(
            """
            SELECT id FROM cottage
            WHERE id = ANY(\(wanted)) OR id IN (\(cottagesOfDueHolds(in: wanted, "\(stay)", now: now)))
            ORDER BY id FOR NO KEY UPDATE
            """
        ) { try $0.decode("id") }
    }

    /// Locks the cottages of a booking, other wanted cottages, and the cottages of overdue holds that give way.
    ///
    /// - Parameter stay: the stay for which the other cottages are wanted; the booking's own stay if nil.
    static func lockCottages(
        of booking: Booking.ID,
        and others: [Cottage.ID] = [],
        for stay: Stay? = nil,
        givingWayAt now: Date? = nil
    ) -> Query<Cottage.ID> {
        let wanted: SQL = """
            \(others)::uuid[]
                || ARRAY(SELECT cottage_id FROM allocation WHERE booking_id = \(booking) OR change_of = \(booking))
            """
        let days: SQL = "coalesce(\(stay)::daterange, (SELECT stay FROM booking WHERE id = \(booking)))"
        let due: SQL = now.map { cottagesOfDueHolds(in: wanted, days, now: $0) } ?? "SELECT NULL::uuid"
        return Query(
            """
            SELECT id FROM cottage WHERE id = ANY(\(wanted)) OR id IN (\(due)) ORDER BY id FOR NO KEY UPDATE
            """
        ) { try $0.decode("id") }
    }

    struct Conflict: Sendable {
        let cottage: Cottage.ID
        let booking: Booking.ID?
        /// Whether the booking is an overdue hold that its job has not ended yet, and for which nobody is paying.
        let isDue: Bool
    }

    static func conflicts(
        _ cottages: [Cottage.ID],
        _ stay: Stay,
        except own: Booking.ID? = nil,
        now: Date
    ) -> Query<Conflict> {
        Query(
            """
            SELECT cottage_id, booking_id, coalesce(hold_until <= \(now) AND (
                    hold_until <= \(now.addingTimeInterval(-Booking.graceForPayments)) OR NOT \(isBeingPaid)
                ), false) AS is_due
            FROM allocation LEFT JOIN booking ON booking.id = booking_id
            WHERE cottage_id = ANY(\(cottages)::uuid[]) AND is_live AND allocation.stay && \(stay)
                AND (\(own)::uuid IS NULL OR coalesce(booking_id, change_of, closure_id) <> \(own)::uuid)
            ORDER BY allocation.id
            """
        ) { row in
            Conflict(
                cottage: try row.decode("cottage_id"),
                booking: try row.decodeIfPresent("booking_id"),
                isDue: try row.decode("is_due")
            )
        }
    }

    private static let isBeingPaid: SQL = """
        EXISTS (
            SELECT FROM share JOIN attempt ON share_id = share.id
            WHERE share.booking_id = booking.id AND attempt.state IN ('created', 'requiresAction', 'processing')
        )
        """

    /// Whether somebody is paying through the provider at this moment.
    static func isBeingPaid(_ booking: Booking.ID) -> Query<Bool> {
        Query("SELECT \(isBeingPaid) AS is_paid FROM booking WHERE id = \(booking)") { try $0.decode("is_paid") }
    }

    static func insertAllocations(_ booking: Booking, ids: [UUID]) -> Command {
        Command(
            """
            INSERT INTO allocation (id, cottage_id, stay, booking_id, is_chosen)
            SELECT id, cottage_id, \(booking.stay), \(booking.id), is_chosen
            FROM unnest(\(ids)::uuid[], \(booking.cottages.map(\.id))::uuid[],
                \(booking.cottages.map(\.isChosen))::boolean[]) AS chosen (id, cottage_id, is_chosen)
            ORDER BY cottage_id
            """
        )
    }

    /// The types of some of a park's cottages, and whether they are let.
    static func types(
        of cottages: [Cottage.ID],
        in park: Park.ID
    ) -> Query<(id: Cottage.ID, type: CottageType.ID, isOpen: Bool, isInOrder: Bool)> {
        Query(
            """
            SELECT id, type_id, is_open, readiness <> 'outOfOrder' AS is_in_order FROM cottage
            WHERE park_id = \(park) AND id = ANY(\(cottages)::uuid[]) ORDER BY id
            """
        ) { row in
            (
                try row.decode("id"), try row.decode("type_id"), try row.decode("is_open"),
                try row.decode("is_in_order")
            )
        }
    }

    /// Deletes the allocations that a plan drops, moves those it keeps, and adds new ones.
    static func reallocate(_ booking: Booking.ID, to plan: BookingPlan, ids: [UUID]) -> [Command] {
        let kept = plan.cottages.map(\.id)
        let planned: SQL = """
            (
                SELECT id, cottage_id, is_chosen, nullif(priced_as, '')::uuid AS priced_as,
                    nullif(priced_from, '')::date AS priced_from, daterange(since, \(plan.stay.departure)) AS nights
                FROM unnest(\(ids)::uuid[], \(kept)::uuid[], \(plan.cottages.map(\.isChosen))::boolean[],
                    \(plan.cottages.map { $0.pricedAs?.description ?? "" })::text[],
                    \(plan.cottages.map { $0.pricedFrom?.description ?? "" })::text[],
                    \(plan.cottages.map { $0.since ?? plan.stay.arrival })::date[])
                    AS given (id, cottage_id, is_chosen, priced_as, priced_from, since)
            ) AS planned
            """
        return [
            Command("DELETE FROM allocation WHERE booking_id = \(booking) AND NOT cottage_id = ANY(\(kept)::uuid[])"),
            Command(
                """
                UPDATE allocation
                SET stay = nights, is_chosen = planned.is_chosen, priced_as = planned.priced_as,
                    priced_from = planned.priced_from
                FROM \(planned) WHERE booking_id = \(booking) AND allocation.cottage_id = planned.cottage_id
                """
            ),
            Command(
                """
                INSERT INTO allocation (id, cottage_id, stay, booking_id, is_chosen, priced_as, priced_from)
                SELECT id, cottage_id, nights, \(booking)::uuid, is_chosen, priced_as, priced_from
                FROM \(planned)
                WHERE NOT EXISTS (
                    SELECT FROM allocation WHERE booking_id = \(booking) AND allocation.cottage_id = planned.cottage_id
                )
                ORDER BY cottage_id
                """
            ),
        ]
    }

    /// Moves a replaced cottage's households and extras to the new cottage.
    ///
    /// Extras of a cottage that is not replaced become extras of the whole booking.
    ///
    /// - Parameters:
    ///   - from: the cottage that was replaced.
    ///   - to: the cottage that replaces it.
    static func rehouse(_ booking: Booking.ID, from: Cottage.ID?, to: Cottage.ID?) -> [Command] {
        let isGone: SQL = """
            NOT EXISTS (SELECT FROM allocation WHERE booking_id = \(booking) AND allocation.cottage_id = mine.cottage_id)
            """
        return [
            Command(
                """
                UPDATE extra_order AS mine SET cottage_id = CASE WHEN cottage_id = \(from)::uuid THEN \(to)::uuid END
                WHERE booking_id = \(booking) AND cottage_id IS NOT NULL AND \(isGone)
                """
            ),
            Command(
                """
                UPDATE cottage_household AS mine SET cottage_id = \(to)::uuid
                WHERE booking_id = \(booking) AND cottage_id = \(from)::uuid AND \(to)::uuid IS NOT NULL AND \(isGone)
                """
            ),
            Command("DELETE FROM cottage_household AS mine WHERE booking_id = \(booking) AND \(isGone)"),
        ]
    }

    /// Frees the cottages of a booking.
    static func release(_ booking: Booking.ID) -> Command {
        Command("UPDATE allocation SET is_live = false WHERE booking_id = \(booking) AND is_live")
    }

    /// Takes the cottages of a booking again.
    static func occupy(_ booking: Booking.ID) -> Command {
        Command("UPDATE allocation SET is_live = true WHERE booking_id = \(booking) AND NOT is_live")
    }

    /// The travellers of households that have left before the others, or did not come.
    ///
    /// Their tourist tax stays as it is.
    static func departed(of booking: Booking.ID) -> Query<Traveller.ID> {
        Query(
            """
            SELECT traveller_id FROM household_stay JOIN traveller USING (household_id)
                JOIN booking_traveller ON traveller_id = traveller.id AND booking_traveller.booking_id = household_stay.booking_id
            WHERE household_stay.booking_id = \(booking) AND state IN ('checkedOut', 'noShow')
            """
        ) { try $0.decode("traveller_id") }
    }

    /// Deletes all allocations of a booking, before it gets others.
    static func vacate(_ booking: Booking.ID) -> Command {
        Command("DELETE FROM allocation WHERE booking_id = \(booking)")
    }
}
