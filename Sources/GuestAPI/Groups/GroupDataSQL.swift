import Foundation
import GuestModels
import Postgres

/// The data that groups hold about a guest, and its erasure.
enum GroupDataSQL {
    struct Own: Encodable, Sendable {
        let groupId: TravelGroup.ID
        let groupName: String
        let travellerId: Traveller.ID
        let name: String
        let birthDate: LocalDate?
        let role: String?
        let leftAt: Date?
        let bookingNumbers: [String]
    }

    static func everything(about guest: Guest.ID) -> Query<Own> {
        Query(
            """
            SELECT group_id, travel_group.name AS group_name, traveller.id, traveller.name, birth_date, role, left_at,
                ARRAY(
                    SELECT number FROM booking JOIN booking_traveller ON booking_id = booking.id
                    WHERE traveller_id = traveller.id ORDER BY number
                ) AS numbers
            FROM traveller JOIN travel_group ON travel_group.id = group_id
            WHERE guest_id = \(guest) ORDER BY traveller.id
            """
        ) { row in
            Own(
                groupId: try row.decode("group_id"),
                groupName: try row.decode("group_name"),
                travellerId: try row.decode("id"),
                name: try row.decode("name"),
                birthDate: try row.decodeIfPresent("birth_date"),
                role: try row.decodeIfPresent("role"),
                leftAt: try row.decodeIfPresent("left_at"),
                bookingNumbers: try row.decode("numbers")
            )
        }
    }

    /// The travellers without account whose household has no other account than the guest's.
    static func dependants(of guest: Guest.ID) -> SQL {
        """
        SELECT dependant.id FROM traveller AS dependant
        WHERE dependant.guest_id IS NULL
            AND dependant.household_id IN (SELECT household_id FROM traveller WHERE guest_id = \(guest))
            AND NOT EXISTS (
                SELECT FROM traveller AS other
                WHERE other.household_id = dependant.household_id AND other.left_at IS NULL
                    AND other.guest_id IS NOT NULL AND other.guest_id <> \(guest)
            )
        """
    }

    /// The other travellers whose rows an erasure changes, and their groups.
    static func affected(by guest: Guest.ID) -> Query<(traveller: Traveller.ID, group: TravelGroup.ID)> {
        Query(
            """
            SELECT id, group_id FROM traveller
            WHERE id IN (\(dependants(of: guest)))
                OR guardian_id IN (SELECT id FROM traveller WHERE guest_id = \(guest))
            ORDER BY id
            """
        ) { (try $0.decode("id"), try $0.decode("group_id")) }
    }

    /// Erases a guest from every group; the rows stay for the bookings, without a name.
    ///
    /// Travellers without account are erased too if nobody else in their household has an account. A household or a
    /// group without another account loses its name. Stored answers that contain an erased name are emptied. A child
    /// that stays has no guardian until the group names one.
    static func erase(_ guest: Guest.ID, at now: Date) -> [Command] {
        let going: SQL = "traveller.guest_id = \(guest) OR traveller.id IN (\(dependants(of: guest)))"
        return [
            Command(
                """
                UPDATE idempotency_key SET body = '{}'
                WHERE body IS NOT NULL AND principal IN (
                    SELECT 'guest:' || theirs.guest_id FROM traveller AS mine
                    JOIN traveller AS theirs ON theirs.group_id = mine.group_id WHERE mine.guest_id = \(guest)
                ) AND EXISTS (
                    SELECT FROM traveller WHERE (\(going)) AND position(convert_to(name, 'UTF8') IN body) > 0
                )
                """
            ),
            Command(
                """
                UPDATE household SET name = '—' WHERE id IN (SELECT household_id FROM traveller WHERE guest_id = \(guest))
                    AND NOT EXISTS (
                        SELECT FROM traveller WHERE household_id = household.id AND left_at IS NULL
                            AND guest_id IS NOT NULL AND guest_id <> \(guest)
                    )
                """
            ),
            Command(
                """
                UPDATE travel_group SET name = '—', version = version + 1
                WHERE id IN (SELECT group_id FROM traveller WHERE guest_id = \(guest))
                    AND NOT EXISTS (
                        SELECT FROM traveller WHERE group_id = travel_group.id AND left_at IS NULL
                            AND role IS NOT NULL AND guest_id <> \(guest)
                    )
                """
            ),
            Command(
                """
                UPDATE travel_group SET name = replace(travel_group.name, traveller.name, '—'),
                    version = travel_group.version + 1
                FROM traveller
                WHERE guest_id = \(guest) AND group_id = travel_group.id AND length(traveller.name) > 2
                    AND position(traveller.name IN travel_group.name) > 0
                """
            ),
            Command(
                """
                UPDATE traveller SET guardian_id = NULL, version = version + 1
                WHERE guardian_id IN (SELECT id FROM traveller WHERE guest_id = \(guest))
                """
            ),
            Command(
                """
                UPDATE traveller SET name = '—', birth_date = NULL, left_at = coalesce(left_at, \(now)),
                    version = version + 1
                WHERE id IN (\(dependants(of: guest)))
                """
            ),
            Command(
                """
                UPDATE traveller SET guest_id = NULL, role = NULL, name = '—', birth_date = NULL,
                    left_at = coalesce(left_at, \(now)), version = version + 1
                WHERE guest_id = \(guest)
                """
            ),
        ]
    }

    static let travellersForgotten = 500

    /// Forgets names and birth dates of travellers without account whose group had no stay since `then`.
    ///
    /// - Returns: the travellers that were forgotten; at most `travellersForgotten`.
    static func forgetTravellers(
        before then: Date
    ) -> Query<(traveller: Traveller.ID, group: TravelGroup.ID)> {
        Query(
            """
            UPDATE traveller SET name = '—', birth_date = NULL, version = version + 1
            WHERE id IN (
                SELECT id FROM traveller AS old
                WHERE guest_id IS NULL AND joined_at < \(then) AND (name <> '—' OR birth_date IS NOT NULL)
                    AND NOT EXISTS (
                        SELECT FROM booking WHERE booking.group_id = old.group_id AND upper(stay) > \(then)::date
                    )
                ORDER BY id LIMIT \(travellersForgotten)
            )
            RETURNING id, group_id
            """
        ) { (try $0.decode("id"), try $0.decode("group_id")) }
    }

    /// The stays of a guest that are not over.
    static func staysAhead(
        of guest: Guest.ID,
        today: LocalDate
    ) -> Query<(number: String, park: String, stay: Stay)> {
        Query(
            """
            SELECT DISTINCT number, park.name, stay
            FROM traveller JOIN booking_traveller ON traveller_id = traveller.id JOIN booking ON booking.id = booking_id
                JOIN park ON park.id = park_id
            WHERE guest_id = \(guest) AND left_at IS NULL AND state IN ('held', 'confirmed', 'checkedIn')
                AND upper(stay) > \(today)
            ORDER BY number
            """
        ) { (try $0.decode("number"), try $0.decode("name"), try $0.decode("stay")) }
    }
}
