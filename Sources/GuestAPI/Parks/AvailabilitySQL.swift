import Foundation
import GuestModels
import Postgres

/// The statements about free cottages, counted in bits of nights and checked against the allocations.
enum AvailabilitySQL {
    struct FreeCottage: Sendable {
        let id: Cottage.ID
        let typeId: CottageType.ID
        let longitude: Double
        let latitude: Double
    }

    /// The condition that no night of the stay is taken.
    ///
    /// Nights before and after a cottage's bits count as free, because `substring` leaves them out.
    static func isFree(_ stay: Stay) -> SQL {
        "bit_count(substring(nights FROM \(stay.arrival)::date - nights_from + 1 FOR \(stay.nightCount)::int)) = 0"
    }

    /// The free cottages that may be let for a stay.
    static func free(in park: Park.ID, _ stay: Stay, now: Date) -> Query<FreeCottage> {
        let today: SQL = "(SELECT (\(now)::timestamptz AT TIME ZONE time_zone)::date FROM park WHERE id = \(park))"
        return Query(
            """
            SELECT id, type_id, longitude, latitude FROM cottage
            WHERE park_id = \(park) AND is_open AND \(isFree(stay)) AND \(isInOrder(stay, today: today))
            ORDER BY length(number), number, id
            """
        ) { row in
            FreeCottage(
                id: try row.decode("id"),
                typeId: try row.decode("type_id"),
                longitude: try row.decode("longitude"),
                latitude: try row.decode("latitude")
            )
        }
    }

    /// How many cottages of each type are free in all parks.
    static func freeByType(_ stay: Stay, now: Date) -> Query<(type: CottageType.ID, free: Int)> {
        // Use one date for parks in all time zones: the earliest date that any of them can have.
        let today: SQL = "(\(now)::timestamptz AT TIME ZONE 'Etc/GMT+12')::date"
        return Query(
            """
            SELECT type_id, count(*) AS free FROM cottage
            WHERE is_open AND \(isFree(stay)) AND \(isInOrder(stay, today: today))
            GROUP BY type_id ORDER BY type_id
            """
        ) { (try $0.decode("type_id"), try $0.decode("free")) }
    }

    /// Each cottage and its state in the nights of a stay: `closed`, `taken` or `free`.
    static func mapStates(of park: Park.ID, _ stay: Stay, now: Date) -> Query<(id: Cottage.ID, state: String)> {
        Query(
            """
            SELECT cottage.id, CASE
                WHEN NOT is_open THEN 'closed'
                WHEN readiness = 'outOfOrder' AND \(stay.arrival)::date <= (
                    SELECT (\(now)::timestamptz AT TIME ZONE time_zone)::date FROM park WHERE id = \(park)
                ) THEN 'closed'
                WHEN count(closure_id) > 0 THEN 'closed'
                -- By a booking, or by a change that is held.
                WHEN count(allocation.id) > 0 THEN 'taken'
                ELSE 'free' END AS state
            FROM cottage LEFT JOIN allocation ON cottage_id = cottage.id AND is_live AND stay && \(stay)
            WHERE park_id = \(park)
            GROUP BY cottage.id ORDER BY cottage.id
            """
        ) { (try $0.decode("id"), try $0.decode("state")) }
    }

    /// Cottages whose bits differ from the nights of their live allocations.
    static func wrongOccupancy(of park: Park.ID?) -> Query<Cottage.ID> {
        let condition: SQL = park.map { "park_id = \($0)" } ?? "true"
        return Query(
            """
            SELECT id FROM cottage LEFT JOIN (
                SELECT cottage_id, sum(upper(stay) - lower(stay)) AS count, array_agg(stay) AS stays
                FROM allocation WHERE is_live GROUP BY cottage_id
            ) AS taken ON cottage_id = id
            WHERE \(condition) AND (bit_count(nights) <> coalesce(count, 0) OR EXISTS (
                SELECT FROM unnest(stays) AS stay WHERE stay <> daterange(nights_from, nights_from + length(nights)) * stay
                    OR bit_count(substring(nights FROM lower(stay) - nights_from + 1 FOR upper(stay) - lower(stay)))
                        <> upper(stay) - lower(stay)
            ))
            ORDER BY id
            """
        ) { try $0.decode("id") }
    }

    /// The condition that a cottage is in order, or that the stay begins after today.
    private static func isInOrder(_ stay: Stay, today: SQL) -> SQL {
        "(readiness <> 'outOfOrder' OR \(stay.arrival)::date > \(today))"
    }
}
