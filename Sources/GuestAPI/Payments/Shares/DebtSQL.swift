import Foundation
import GuestModels
import Postgres

/// The debts of households, and the people who are reminded of them.
enum DebtSQL {
    /// The condition that a share is open: of a firm stay, of a stay that is over, or the fee of a cancelled stay.
    ///
    /// A share whose direct debit is under way is left out.
    private static let isOpen: SQL = """
        state IN ('confirmed', 'checkedIn', 'checkedOut', 'noShow', 'cancelled') AND paid < share.amount
            AND NOT EXISTS (SELECT FROM attempt WHERE share_id = share.id AND attempt.state = 'processing')
        """

    struct Reminder: Sendable {
        let share: Share.ID
        let guest: Guest.ID
        let group: TravelGroup.ID
        let booking: Booking.ID
        /// The household that owes the share; the letter may go to the organiser.
        let debtor: Household.ID
        let email: String
        let language: String
        let number: String
        let park: String
        let household: String
        let open: Money
        let due: LocalDate
    }

    /// The letters about open shares that are due on a day.
    ///
    /// The household's members get them, also after they have left the group. The organiser gets letters about late
    /// shares. The first letter comes in the week before a share is due. The next comes once it is late, then one a
    /// week for a quarter.
    static func reminders(of park: Park.ID, on day: LocalDate) -> Query<Reminder> {
        Query(
            """
            SELECT share.id, guest.id AS guest_id, email, language, number, park.name AS park, household.name AS household,
                booking.group_id, booking.id AS booking_id, share.household_id, share.amount - paid AS open, booking.currency, due
            FROM booking JOIN share ON booking_id = booking.id JOIN park ON park.id = booking.park_id
                JOIN household ON household.id = household_id
                JOIN traveller ON traveller.group_id = booking.group_id AND (
                    traveller.household_id = share.household_id AND (left_at IS NULL OR NOT EXISTS (
                        SELECT FROM traveller AS other
                        WHERE other.household_id = share.household_id AND guest_id IS NOT NULL AND left_at IS NULL
                    ))
                    OR role = 'organiser' AND left_at IS NULL AND due < \(day)::date
                )
                JOIN guest ON guest.id = guest_id AND email IS NOT NULL
            WHERE booking.park_id = \(park) AND \(isOpen) AND CASE
                WHEN due < \(day)::date THEN due > \(day)::date - 90
                    AND (reminded_on IS NULL OR reminded_on <= due OR reminded_on <= \(day)::date - 7)
                ELSE due <= \(day)::date + 7 AND (reminded_on IS NULL OR reminded_on < due - 7)
            END
            ORDER BY share.id, guest.id
            """
        ) { row in
            Reminder(
                share: try row.decode("id"),
                guest: try row.decode("guest_id"),
                group: try row.decode("group_id"),
                booking: try row.decode("booking_id"),
                debtor: try row.decode("household_id"),
                email: try row.decode("email"),
                language: try row.decode("language"),
                number: try row.decode("number"),
                park: try row.decode("park"),
                household: try row.decode("household"),
                open: Money(try row.decode("open"), try row.decode("currency")),
                due: try row.decode("due")
            )
        }
    }

    static func reminded(_ shares: [Share.ID], on day: LocalDate) -> Command {
        Command("UPDATE share SET reminded_on = \(day) WHERE id = ANY(\(shares)::uuid[])")
    }

    /// An open share that is late, as staff see it.
    struct Debt: Encodable, Sendable {
        let shareId: Share.ID
        let bookingId: Booking.ID
        let number: String
        let state: String
        let household: String
        let open: Money
        let due: LocalDate
        let daysLate: Int
    }

    static func debts(of park: Park.ID, on day: LocalDate, after cursor: Share.ID?, limit: Int) -> Query<Debt> {
        Query(
            """
            SELECT share.id, booking.id AS booking_id, number, state, household.name, share.amount - paid AS open,
                booking.currency, due, \(day)::date - due AS days
            FROM booking JOIN share ON booking_id = booking.id JOIN household ON household.id = household_id
            WHERE booking.park_id = \(park) AND \(isOpen) AND due < \(day)::date AND (
                \(cursor)::uuid IS NULL
                OR (due, share.id) > (SELECT due, id FROM share WHERE id = \(cursor)::uuid)
            )
            ORDER BY due, share.id LIMIT \(limit)
            """
        ) { row in
            Debt(
                shareId: try row.decode("id"),
                bookingId: try row.decode("booking_id"),
                number: try row.decode("number"),
                state: try row.decode("state"),
                household: try row.decode("name"),
                open: Money(try row.decode("open"), try row.decode("currency")),
                due: try row.decode("due"),
                daysLate: try row.decode("days")
            )
        }
    }

    struct OwnDebt: Sendable {
        let share: Share.ID
        let number: String
        let park: Park.ID
        let parkName: String
        let open: Money
        /// True if the guest is the only one of the household with an account.
        let isAlone: Bool
    }

    /// The open shares of a guest's households in bookings that stand, due or not.
    static func debts(of guest: Guest.ID) -> Query<OwnDebt> {
        Query(
            """
            SELECT share.id, number, booking.park_id, park.name, share.amount - paid AS open, booking.currency, NOT EXISTS (
                    SELECT FROM traveller AS other
                    WHERE other.household_id = share.household_id AND left_at IS NULL
                        AND other.guest_id IS NOT NULL AND other.guest_id <> \(guest)
                ) AS is_alone
            FROM share JOIN booking ON booking.id = booking_id JOIN park ON park.id = booking.park_id
            WHERE household_id IN (SELECT household_id FROM traveller WHERE guest_id = \(guest) AND left_at IS NULL)
                AND state NOT IN ('held', 'expired') AND paid < share.amount
            ORDER BY share.id
            """
        ) { row in
            OwnDebt(
                share: try row.decode("id"),
                number: try row.decode("number"),
                park: try row.decode("park_id"),
                parkName: try row.decode("name"),
                open: Money(try row.decode("open"), try row.decode("currency")),
                isAlone: try row.decode("is_alone")
            )
        }
    }

    /// Firm stays whose deposit is overdue again and for which no attempt is under way.
    static func lapsed(in park: Park.ID, on day: LocalDate) -> Query<(booking: Booking.ID, number: String)> {
        Query(
            """
            SELECT id, number FROM booking
            WHERE park_id = \(park) AND deposit_due < \(day)::date AND state = 'confirmed' AND NOT EXISTS (
                SELECT FROM share JOIN attempt ON share_id = share.id
                WHERE booking_id = booking.id AND attempt.state IN ('created', 'requiresAction', 'processing')
            )
            ORDER BY id
            """
        ) { (try $0.decode("id"), try $0.decode("number")) }
    }

    /// The day since which a share has been overdue.
    ///
    /// That is its due day, or a later day on which the price rose or money was taken back. A household that owed
    /// nothing yesterday is not late today.
    private static let overdueSince: SQL = """
        greatest(
            due,
            (SELECT max(at)::date FROM charge_line WHERE charge_line.booking_id = booking.id AND charge_line.amount > 0),
            (
                SELECT max(day) FROM entry JOIN journal ON journal.id = journal_id
                WHERE entry.share_id = share.id AND account = 'prepaid' AND entry.amount > 0
            )
        )
        """

    /// Future stays with a share that is overdue for longer than the rules of the booking allow.
    static func longOverdue(in park: Park.ID, on day: LocalDate) -> Query<Booking.ID> {
        Query(
            """
            SELECT DISTINCT booking.id FROM booking JOIN share ON booking_id = booking.id
            WHERE booking.park_id = \(park) AND lower(stay) > \(day)::date AND state = 'confirmed' AND paid < share.amount
                AND due < \(day)::date AND \(overdueSince) <= \(day)::date - least(
                    coalesce((policy #>> '{overdue,askAfterDays}')::int, \(HouseRules.Overdue.usual.askAfterDays)::int),
                    (policy #>> '{overdue,cancelAfterDays}')::int
                )
            ORDER BY booking.id
            """
        ) { try $0.decode("id") }
    }

    /// The first day since when some share of a booking has been overdue.
    static func overdueSince(_ booking: Booking.ID) -> Query<LocalDate> {
        Query(
            """
            SELECT min(\(overdueSince)) AS since FROM booking JOIN share ON booking_id = booking.id
            WHERE booking.id = \(booking) AND paid < share.amount HAVING count(*) > 0
            """
        ) { try $0.decode("since") }
    }

    /// Bookings that have money to give back and no open task for it.
    static func overpaid(in park: Park.ID) -> Query<Booking.ID> {
        Query(
            """
            SELECT DISTINCT booking.id FROM share JOIN booking ON booking.id = booking_id
            WHERE booking.park_id = \(park) AND refundable > 0 AND NOT EXISTS (
                SELECT FROM task
                WHERE task.park_id = \(park) AND source = 'refund' AND subject = share.id::text AND task.state = 'open'
            )
            ORDER BY booking.id
            """
        ) { try $0.decode("id") }
    }
}
