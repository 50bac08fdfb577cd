import Foundation
import GuestModels
import Postgres

enum GuestBookSQL {
    private static let columns: SQL = "id, cottage_id, text, departure"

    private static func entry(_ row: Row) throws -> GuestBookEntry {
        GuestBookEntry(
            id: try row.decode("id"),
            cottageId: try row.decode("cottage_id"),
            text: try row.decode("text"),
            departure: try row.decode("departure")
        )
    }

    /// The entries of a cottage's guest book, the newest first.
    static func entries(in cottage: Cottage.ID) -> Query<GuestBookEntry> {
        Query(
            """
            SELECT \(columns) FROM guest_book_entry
            WHERE cottage_id = \(cottage) ORDER BY written_at DESC, id DESC
            """,
            decoding: entry
        )
    }

    static func entries(by guest: Guest.ID) -> Query<GuestBookEntry> {
        Query(
            "SELECT \(columns) FROM guest_book_entry WHERE guest_id = \(guest) ORDER BY written_at, id",
            decoding: entry
        )
    }

    /// Writes a household's text, in place of the text that it has for this stay and cottage.
    static func upsert(
        _ entry: GuestBookEntry,
        of booking: Booking.ID,
        _ household: Household.ID,
        by guest: Guest.ID,
        at now: Date
    ) -> Query<(id: GuestBookEntry.ID, isNew: Bool)> {
        Query(
            """
            INSERT INTO guest_book_entry (id, cottage_id, booking_id, household_id, guest_id, text, departure, written_at)
            VALUES (\(entry.id), \(entry.cottageId), \(booking), \(household), \(guest), \(entry.text),
                \(entry.departure), \(now))
            ON CONFLICT ON CONSTRAINT guest_book_entry_once DO UPDATE
            SET text = EXCLUDED.text, guest_id = EXCLUDED.guest_id, departure = EXCLUDED.departure
            RETURNING id, xmax = 0 AS is_new
            """
        ) { (try $0.decode("id"), try $0.decode("is_new")) }
    }

    /// Deletes a household's text.
    static func delete(
        in cottage: Cottage.ID,
        of booking: Booking.ID,
        by household: Household.ID
    ) -> Query<GuestBookEntry.ID> {
        Query(
            """
            DELETE FROM guest_book_entry
            WHERE booking_id = \(booking) AND cottage_id = \(cottage) AND household_id = \(household)
            RETURNING id
            """
        ) { try $0.decode("id") }
    }

    /// Deletes the oldest entries, so that the newest `GuestBookEntry.maximumCount` stay.
    static func deleteOldest(in cottage: Cottage.ID) -> Query<GuestBookEntry.ID> {
        Query(
            """
            DELETE FROM guest_book_entry WHERE id IN (
                SELECT id FROM guest_book_entry
                WHERE cottage_id = \(cottage) ORDER BY written_at DESC, id DESC OFFSET \(GuestBookEntry.maximumCount)
            )
            RETURNING id
            """
        ) { try $0.decode("id") }
    }

    static func delete(by guest: Guest.ID) -> Query<(cottage: Cottage.ID, entry: GuestBookEntry.ID)> {
        Query("DELETE FROM guest_book_entry WHERE guest_id = \(guest) RETURNING cottage_id, id") {
            (try $0.decode("cottage_id"), try $0.decode("id"))
        }
    }

    /// The group that lives in a cottage next, when its phones have the grant for the cottage's scope.
    static func next(
        in cottage: Cottage.ID,
        after departure: LocalDate,
        at now: Date
    ) -> Query<(group: TravelGroup.ID, booking: Booking.ID)> {
        Query(
            """
            SELECT group_id, booking.id FROM allocation JOIN booking ON booking.id = booking_id
            WHERE cottage_id = \(cottage) AND is_live AND state IN ('confirmed', 'checkedIn') AND group_id IS NOT NULL
                AND lower(allocation.stay) >= \(departure)
                AND lower(allocation.stay) <= (\(now)::timestamptz AT TIME ZONE 'UTC')::date + 2
            ORDER BY allocation.stay, booking.id LIMIT 1
            """
        ) { (try $0.decode("group_id"), try $0.decode("id")) }
    }
}

extension Publication.Kind {
    static let guestBookEntry = Publication.Kind("guestBookEntry", view: "shown_guest_book_entry")
}
