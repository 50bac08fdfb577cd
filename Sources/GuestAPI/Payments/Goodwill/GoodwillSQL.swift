import Foundation
import GuestModels
import Postgres

/// The statements about goodwill.
enum GoodwillSQL {
    /// - Parameter day: the mandate's day on which the goodwill counts; nil for goodwill above the mandate.
    static func insert(_ goodwill: Goodwill, of booking: Booking.ID, day: LocalDate?) -> Command {
        Command(
            """
            INSERT INTO goodwill (id, share_id, booking_id, amount, reason, state, is_above_limit, day, at)
            VALUES (\(goodwill.id), \(goodwill.shareId), \(booking), \(goodwill.amount.amount), \(goodwill.reason),
                \(goodwill.state.rawValue), \(day == nil), \(day), \(goodwill.at))
            """
        )
    }

    private static func goodwill(_ row: Row) throws -> Goodwill {
        Goodwill(
            id: try row.decode("id"),
            shareId: try row.decode("share_id"),
            amount: Money(try row.decode("amount"), try row.decode("currency")),
            reason: try row.decode("reason"),
            state: try row.word("state"),
            at: try row.decode("at")
        )
    }

    static func goodwill(_ id: Goodwill.ID) -> Query<(goodwill: Goodwill, askedBy: String)> {
        Query(
            """
            SELECT goodwill.id, share_id, goodwill.amount, currency, reason, goodwill.state, at, asked_by
            FROM goodwill JOIN share ON share.id = share_id JOIN booking ON booking.id = share.booking_id
            WHERE goodwill.id = \(id)
            """
        ) { (try goodwill($0), try $0.decode("asked_by")) }
    }

    /// The goodwill that waits for a second person's approval, the oldest first.
    static func goodwillAsked(in park: Park.ID, after cursor: Goodwill.ID?, limit: Int) -> Query<Goodwill> {
        Query(
            """
            SELECT goodwill.id, share_id, goodwill.amount, currency, reason, goodwill.state, at
            FROM goodwill JOIN share ON share.id = share_id JOIN booking ON booking.id = share.booking_id
            WHERE park_id = \(park) AND goodwill.state = 'asked'
                AND (\(cursor)::uuid IS NULL OR goodwill.id > \(cursor)::uuid)
            ORDER BY goodwill.id LIMIT \(limit)
            """,
            decoding: goodwill
        )
    }

    static func refuse(_ id: Goodwill.ID) -> Command {
        Command("UPDATE goodwill SET state = 'refused' WHERE id = \(id) AND state = 'asked'")
    }

    static func approve(_ id: Goodwill.ID) -> Command {
        Command(
            "UPDATE goodwill SET state = 'given', approved_by = current_setting('app.principal', true) WHERE id = \(id)"
        )
    }
}
