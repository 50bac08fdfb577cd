import Foundation
import GuestModels
import Postgres

enum ShareSQL {
    private static let columns: SQL = """
        share.id, share.booking_id, share.household_id, share.amount, asked, paid, due, share.version,
        covered_by, kept_percent
        """

    private static func share(_ row: Row) throws -> Share {
        Share(
            id: try row.decode("id"),
            bookingId: try row.decode("booking_id"),
            householdId: try row.decode("household_id"),
            amount: try row.decode("amount"),
            asked: try row.decodeIfPresent("asked"),
            paid: try row.decode("paid"),
            due: try row.decode("due"),
            version: try row.decode("version"),
            cover: try row.decodeIfPresent("covered_by", as: Household.ID.self).map {
                Share.Cover(by: $0, keptPercent: try row.decode("kept_percent"))
            }
        )
    }

    static func shares(of booking: Booking.ID) -> Query<Share> {
        Query("SELECT \(columns) FROM share WHERE booking_id = \(booking) ORDER BY household_id", decoding: share)
    }

    static func shares(ofGuest guest: Guest.ID) -> Query<Share> {
        Query("SELECT \(columns) FROM share WHERE id IN (\(own(by: guest))) ORDER BY share.id", decoding: share)
    }

    /// The ids of the shares of a guest's households.
    static func own(by guest: Guest.ID) -> SQL {
        """
        SELECT share.id FROM share JOIN traveller USING (household_id) WHERE guest_id = \(guest) AND left_at IS NULL
        """
    }

    static func share(_ id: Share.ID) -> Query<Share> {
        Query("SELECT \(columns) FROM share WHERE id = \(id)", decoding: share)
    }

    /// What a division needs to know beside lines and people.
    struct Terms: Sendable {
        let groupId: TravelGroup.ID
        let stay: Stay
        let rule: SplitRule
        let rules: HouseRules
        let timeZone: String
        let placedAt: Date
        /// The organiser's household; nil for a group without organiser.
        let backstop: Household.ID?
        /// The household of the guest who changes something.
        let author: Household.ID?
    }

    static func terms(of booking: Booking.ID, for guest: Guest.ID?) -> Query<Terms> {
        Query(
            """
            SELECT group_id, stay, split, policy, time_zone, placed_at,
                (SELECT household_id FROM traveller WHERE group_id = booking.group_id AND role = 'organiser' AND left_at IS NULL) AS backstop,
                (SELECT household_id FROM traveller
                 WHERE group_id = booking.group_id AND guest_id = \(guest) AND left_at IS NULL) AS author
            FROM booking JOIN park ON park.id = park_id
            WHERE booking.id = \(booking) AND group_id IS NOT NULL
            """
        ) { row in
            Terms(
                groupId: try row.decode("group_id"),
                stay: try row.decode("stay"),
                rule: try row.decodeIfPresent("split", as: JSONText.self) == nil
                    ? SplitRule(.equally) : row.decodeJSON("split"),
                rules: try row.decodeJSON("policy"),
                timeZone: try row.decode("time_zone"),
                placedAt: try row.decode("placed_at"),
                backstop: try row.decodeIfPresent("backstop"),
                author: try row.decodeIfPresent("author")
            )
        }
    }

    static func homes(of booking: Booking.ID) -> Query<(cottage: Cottage.ID, household: Household.ID)> {
        Query(
            "SELECT cottage_id, household_id FROM cottage_household WHERE booking_id = \(booking)"
        ) { (try $0.decode("cottage_id"), try $0.decode("household_id")) }
    }

    static func names(of booking: Booking.ID) -> Query<(household: Household.ID, name: String)> {
        Query(
            """
            SELECT household.id, household.name FROM share JOIN household ON household.id = household_id
            WHERE booking_id = \(booking)
            """
        ) { (try $0.decode("id"), try $0.decode("name")) }
    }

    /// A share with what decides how much of it a guest sees.
    struct Seen: Sendable {
        let share: Share
        let parkId: Park.ID
        let householdName: String
        let currency: String
        let timeZone: String
        let isOwn: Bool
        let isOrganiser: Bool
        /// The attempt under way.
        let attemptId: Attempt.ID?
    }

    static func seen(where condition: SQL, by guest: Guest.ID?) -> Query<Seen> {
        Query(
            """
            SELECT \(columns), park_id, household.name AS household_name, booking.currency, time_zone,
                coalesce(viewer.household_id = share.household_id, false) AS is_own,
                coalesce(viewer.role = 'organiser', false) AS is_organiser,
                (SELECT attempt.id FROM attempt
                 WHERE share_id = share.id AND state IN ('created', 'requiresAction', 'processing')) AS attempt_id
            FROM booking JOIN share ON share.booking_id = booking.id JOIN household ON household.id = share.household_id
                JOIN park ON park.id = park_id
                LEFT JOIN traveller AS viewer
                    ON viewer.group_id = booking.group_id AND viewer.guest_id = \(guest) AND viewer.left_at IS NULL
            WHERE \(condition) ORDER BY booking.id, share.household_id
            """
        ) { row in
            Seen(
                share: try share(row),
                parkId: try row.decode("park_id"),
                householdName: try row.decode("household_name"),
                currency: try row.decode("currency"),
                timeZone: try row.decode("time_zone"),
                isOwn: try row.decode("is_own"),
                isOrganiser: try row.decode("is_organiser"),
                attemptId: try row.decodeIfPresent("attempt_id")
            )
        }
    }

    static func setRule(_ rule: JSONText, of booking: Booking.ID) -> Command {
        Command("UPDATE booking SET split = \(rule) WHERE id = \(booking)")
    }

    /// Writes a division: new households come, the others change, nobody goes.
    static func write(_ shares: [Share]) -> Command {
        Command(
            """
            INSERT INTO share (id, booking_id, household_id, amount, asked, due)
            SELECT id, booking_id, household_id, amount, nullif(asked, '')::bigint, due
            FROM unnest(\(shares.map(\.id))::uuid[], \(shares.map(\.bookingId))::uuid[],
                \(shares.map(\.householdId))::uuid[], \(shares.map(\.amount))::bigint[],
                \(shares.map { $0.asked.map(String.init) ?? "" })::text[], \(shares.map(\.due))::date[])
                AS divided (id, booking_id, household_id, amount, asked, due)
            ON CONFLICT (booking_id, household_id) DO UPDATE
            SET amount = EXCLUDED.amount, asked = EXCLUDED.asked, due = EXCLUDED.due, version = share.version + 1
            WHERE (share.amount, share.due) <> (EXCLUDED.amount, EXCLUDED.due)
                OR share.asked IS DISTINCT FROM EXCLUDED.asked
            """
        )
    }

    /// Somebody else owes what the household does not keep.
    static func cover(_ share: Share.ID, by household: Household.ID, keptPercent: Int) -> Command {
        Command(
            """
            UPDATE share SET covered_by = \(household), kept_percent = \(keptPercent), version = version + 1
            WHERE id = \(share)
            """
        )
    }

    /// - Returns: whose share it is.
    static func addPaid(_ amount: Int64, to share: Share.ID) -> Query<Household.ID> {
        Query(
            """
            UPDATE share SET paid = paid + \(amount), version = version + 1 WHERE id = \(share) RETURNING household_id
            """
        ) { try $0.decode("household_id") }
    }
}
