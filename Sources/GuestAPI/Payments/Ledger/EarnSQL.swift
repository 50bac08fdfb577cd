import Foundation
import GuestModels
import Postgres

enum EarnSQL {
    /// The last day whose earnings are in the ledger, and the VAT rates used for them.
    static func lastDay(of park: Park.ID) -> Query<(day: LocalDate, vat: [HouseRules.VATRates])> {
        Query("SELECT day, vat FROM earned_day WHERE park_id = \(park) FOR UPDATE") {
            (try $0.decode("day"), try $0.decodeJSON("vat"))
        }
    }

    static func setLastDay(_ day: LocalDate, _ vat: JSONText, of park: Park.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO earned_day (park_id, day, at, vat) VALUES (\(park), \(day), \(now), \(vat))
            ON CONFLICT (park_id) DO UPDATE SET day = EXCLUDED.day, at = EXCLUDED.at, vat = EXCLUDED.vat
            """
        )
    }

    /// The bookings whose earnings, payments or price may have changed since the last day.
    ///
    /// The query finds stays after the last day, and bookings whose price or money has changed since `then`. Without a
    /// last day, the query finds all bookings.
    static func bookings(
        of park: Park.ID,
        after last: LocalDate?,
        _ then: Date?,
        through day: LocalDate
    ) -> Query<
        (id: Booking.ID, currency: String)
    > {
        Query(
            """
            SELECT id, currency FROM booking
            WHERE park_id = \(park) AND group_id IS NOT NULL AND state NOT IN ('held', 'expired') AND (
                \(last)::date IS NULL OR stay && daterange(\(last)::date, \(day), '[]') OR id IN (
                    SELECT booking_id FROM charge_line JOIN booking ON booking.id = booking_id
                    WHERE park_id = \(park) AND at >= \(then)
                    UNION SELECT booking_id FROM journal WHERE park_id = \(park) AND day >= \(last)::date AND at >= \(then)
                )
            )
            ORDER BY id
            """
        ) { (try $0.decode("id"), try $0.decode("currency")) }
    }

    /// The parts of a booking's price, each with the household that alone owes it, if there is one.
    static func earnings(
        of bookings: [Booking.ID]
    ) -> Query<
        (booking: Booking.ID, household: Household.ID?, earning: Earning)
    > {
        Query(
            """
            SELECT charge_line.booking_id, kind, coalesce(charge_line.household_id, traveller.household_id) AS household_id,
                sum(amount)::bigint AS amount, CASE
                WHEN kind = 'extra' THEN dates
                WHEN kind = 'cancellation' OR kind = 'goodwill' AND state = 'cancelled' THEN daterange(
                    (at AT TIME ZONE time_zone)::date, (at AT TIME ZONE time_zone)::date, '[]'
                )
                ELSE stay
            END AS days, taxed_as
            FROM charge_line JOIN booking ON booking.id = charge_line.booking_id JOIN park ON park.id = park_id
                LEFT JOIN extra_order ON extra_order.id = extra_order_id
                LEFT JOIN traveller ON traveller.id = traveller_id
            WHERE charge_line.booking_id = ANY(\(bookings)::uuid[])
            GROUP BY 1, 2, 3, 5, 6 HAVING sum(amount) <> 0
            ORDER BY 1, 2, 3, 5, 6
            """
        ) { row in
            (
                try row.decode("booking_id"),
                try row.decodeIfPresent("household_id"),
                Earning(
                    try row.word("kind", as: ChargeLine.Kind.self).tax,
                    rated: try row.decodeIfPresent("taxed_as", as: String.self).flatMap { Earning.Tax(rawValue: $0) },
                    over: try row.decode("days"),
                    amount: try row.decode("amount")
                )
            )
        }
    }

    /// The money paid for a booking's shares, and the part of it that has been released, in minor units.
    static func paidAhead(of bookings: [Booking.ID]) -> Query<(booking: Booking.ID, paid: Int64, released: Int64)> {
        Query(
            """
            SELECT booking.id, (SELECT coalesce(sum(paid), 0)::bigint FROM share WHERE share.booking_id = booking.id) AS paid, (
                    SELECT coalesce(sum(amount), 0)::bigint FROM journal JOIN entry ON journal_id = journal.id
                    WHERE journal.booking_id = booking.id AND account = 'prepaid' AND share_id IS NULL
                ) AS released
            FROM booking WHERE id = ANY(\(bookings)::uuid[])
            """
        ) { (try $0.decode("id"), try $0.decode("paid"), try $0.decode("released")) }
    }

    /// The earned amounts of bookings that are in the ledger, as credits.
    static func posted(of bookings: [Booking.ID]) -> Query<(booking: Booking.ID, line: EarnRevenue.Line, amount: Int64)>
    {
        Query(
            """
            SELECT booking_id, account, rate, -sum(amount)::bigint AS amount
            FROM journal JOIN entry ON journal_id = journal.id
            WHERE booking_id = ANY(\(bookings)::uuid[]) AND account IN ('revenue', 'vat', 'touristTax')
            GROUP BY 1, 2, 3
            """
        ) { row in
            (
                try row.decode("booking_id"),
                EarnRevenue.Line(account: try row.word("account"), rate: try row.decodeIfPresent("rate")),
                try row.decode("amount")
            )
        }
    }

    /// Tourist tax of the stays that ended in some days, by the municipality of the rules they were booked under.
    ///
    /// A household that left early counts until it left; a household that did not come does not count.
    static func touristTax(of park: Park.ID, during days: Stay) -> Query<TouristTaxReport> {
        Query(
            """
            SELECT coalesce(policy #>> '{touristTax,municipality}', park.name) AS municipality, booking.currency,
                count(*) AS bookings, coalesce(sum(people), 0)::bigint AS people, coalesce(sum(nights), 0)::bigint AS nights,
                sum(taxed)::bigint AS taxed, sum(amount)::bigint AS amount
            FROM booking JOIN park ON park.id = park_id
                JOIN LATERAL (
                    SELECT count(*) AS people, sum(CASE WHEN coalesce(its.checked_out_at, booking.checked_out_at) IS NULL
                        THEN upper(stay) ELSE least(upper(stay), greatest(
                            lower(stay), (coalesce(its.checked_out_at, booking.checked_out_at) AT TIME ZONE time_zone)::date
                        )) END - lower(stay)) AS nights
                    FROM booking_traveller JOIN traveller ON traveller.id = traveller_id
                        LEFT JOIN household_stay AS its
                            ON its.booking_id = booking.id AND its.household_id = traveller.household_id
                    WHERE booking_traveller.booking_id = booking.id AND its.state IS DISTINCT FROM 'noShow'
                ) AS staying ON true
                JOIN LATERAL (
                    SELECT count(*) FILTER (WHERE net > 0) AS taxed, coalesce(sum(net), 0) AS amount
                    FROM (
                        SELECT sum(charge_line.amount) AS net FROM charge_line
                        WHERE booking_id = booking.id AND kind = 'touristTax' GROUP BY traveller_id
                    ) AS each
                ) AS owed ON true
            WHERE booking.park_id = \(park) AND upper(stay) >= \(days.arrival) AND upper(stay) < \(days.departure)
                AND state IN ('checkedIn', 'checkedOut') AND group_id IS NOT NULL
            GROUP BY 1, 2 ORDER BY 1, 2
            """
        ) { row in
            TouristTaxReport(
                municipality: try row.decode("municipality"),
                bookings: try row.decode("bookings"),
                people: try row.decode("people"),
                nights: try row.decode("nights"),
                taxed: try row.decode("taxed"),
                amount: Money(try row.decode("amount"), try row.decode("currency"))
            )
        }
    }
}
