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

    /// The texts of a cottage's guest book, the newest first.
    static func entries(in cottage: Cottage.ID) -> Query<GuestBookEntry> {
        Query(
            """
            SELECT \(columns) FROM guest_book_entry
            WHERE cottage_id = \(cottage) AND text IS NOT NULL ORDER BY written_at DESC, id DESC
            LIMIT \(GuestBookEntry.maximumCount)
            """,
            decoding: entry
        )
    }

    static func entries(by guest: Guest.ID) -> Query<GuestBookEntry> {
        Query(
            """
            SELECT \(columns) FROM guest_book_entry
            WHERE guest_id = \(guest) AND text IS NOT NULL ORDER BY written_at, id
            """,
            decoding: entry
        )
    }

    /// A stored text, with the facts that decide whether the text is replaced or taken back.
    struct EntryRow: Sendable {
        let id: GuestBookEntry.ID
        let household: Household.ID
        let saidAt: Date
        /// Whether the text was taken back.
        let isEmpty: Bool
        /// Whether the next guests have had a notice.
        let isAnnounced: Bool
    }

    private static let rowColumns: SQL = "id, household_id, said_at, text IS NULL AS is_empty, announced_at"

    private static func row(_ row: Row) throws -> EntryRow {
        EntryRow(
            id: try row.decode("id"),
            household: try row.decode("household_id"),
            saidAt: try row.decode("said_at"),
            isEmpty: try row.decode("is_empty"),
            isAnnounced: try row.decodeIfPresent("announced_at", as: Date.self) != nil
        )
    }

    /// The texts of a stay in a cottage that the household or the guest has written.
    static func entries(
        of booking: Booking.ID,
        in cottage: Cottage.ID,
        by household: Household.ID,
        or guest: Guest.ID
    ) -> Query<EntryRow> {
        Query(
            """
            SELECT \(rowColumns) FROM guest_book_entry
            WHERE booking_id = \(booking) AND cottage_id = \(cottage)
                AND (household_id = \(household) OR guest_id = \(guest))
            ORDER BY id FOR NO KEY UPDATE
            """,
            decoding: row
        )
    }

    static func entry(_ id: GuestBookEntry.ID, in cottage: Cottage.ID) -> Query<EntryRow> {
        Query(
            """
            SELECT \(rowColumns) FROM guest_book_entry
            WHERE id = \(id) AND cottage_id = \(cottage) FOR NO KEY UPDATE
            """,
            decoding: row
        )
    }

    /// Writes a household's text, in place of the text that it has for this stay and cottage.
    static func upsert(
        _ entry: GuestBookEntry,
        of booking: Booking.ID,
        _ household: Household.ID,
        by guest: Guest.ID,
        saidAt: Date,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO guest_book_entry (id, cottage_id, booking_id, household_id, guest_id, text, departure, said_at,
                written_at)
            VALUES (\(entry.id), \(entry.cottageId), \(booking), \(household), \(guest), \(entry.text),
                \(entry.departure), \(saidAt), \(now))
            ON CONFLICT ON CONSTRAINT guest_book_entry_once DO UPDATE
            SET text = EXCLUDED.text, guest_id = EXCLUDED.guest_id, departure = EXCLUDED.departure,
                said_at = EXCLUDED.said_at
            """
        )
    }

    /// Empties texts that were taken back; the rows remember whether the next guests have had a notice.
    static func clear(_ ids: [GuestBookEntry.ID], saidAt: Date) -> Command {
        Command("UPDATE guest_book_entry SET text = NULL, said_at = \(saidAt) WHERE id = ANY(\(ids)::uuid[])")
    }

    /// Deletes the oldest texts, so that the newest `GuestBookEntry.maximumCount` stay.
    static func deleteOldest(in cottage: Cottage.ID) -> Query<GuestBookEntry.ID> {
        Query(
            """
            DELETE FROM guest_book_entry WHERE id IN (
                SELECT id FROM guest_book_entry
                WHERE cottage_id = \(cottage) AND text IS NOT NULL
                ORDER BY written_at DESC, id DESC OFFSET \(GuestBookEntry.maximumCount)
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

    /// The texts of a stay that are still news and of which the next guests have had no notice.
    private static func isNews(_ work: AnnounceGuestBook, at now: Date) -> SQL {
        """
        booking_id = \(work.bookingId) AND cottage_id = \(work.cottageId) AND text IS NOT NULL AND announced_at IS NULL
            AND departure >= (\(now)::timestamptz AT TIME ZONE 'UTC')::date - \(AnnounceGuestBook.days)::int
        """
    }

    static func hasNews(_ work: AnnounceGuestBook, at now: Date) -> Query<Bool> {
        Query("SELECT EXISTS (SELECT FROM guest_book_entry WHERE \(isNews(work, at: now))) AS has_news") {
            try $0.decode("has_news")
        }
    }

    /// Marks the texts that are news as announced; returns the author of each.
    static func setAnnounced(_ work: AnnounceGuestBook, at now: Date) -> Query<Guest.ID> {
        Query("UPDATE guest_book_entry SET announced_at = \(now) WHERE \(isNews(work, at: now)) RETURNING guest_id") {
            try $0.decode("guest_id")
        }
    }

    /// Locks the cottages that have texts of a guest in their guest books, in the order of the cottages' ids.
    static func lockCottages(of guest: Guest.ID) -> Command {
        Command(
            """
            SELECT id FROM cottage WHERE id IN (SELECT cottage_id FROM guest_book_entry WHERE guest_id = \(guest))
            ORDER BY id FOR NO KEY UPDATE
            """
        )
    }

    static func erasedAuthors() -> Query<Guest.ID> {
        Query(
            """
            SELECT DISTINCT guest_id FROM guest_book_entry JOIN guest ON guest.id = guest_id
            WHERE erased_at IS NOT NULL ORDER BY guest_id LIMIT \(Command.portion)
            """
        ) { try $0.decode("guest_id") }
    }

    /// Deletes the rows of texts that were taken back, once nobody of the stay can write any more.
    ///
    /// The stay may have been made longer since the text was written.
    static func deleteEmpty(now: Date) -> Command {
        let last: SQL = "(\(now)::timestamptz AT TIME ZONE 'UTC')::date - 30"
        return .forget(
            "guest_book_entry",
            where: """
                text IS NULL AND departure < \(last)
                    AND NOT EXISTS (SELECT FROM booking WHERE booking.id = booking_id AND upper(stay) >= \(last))
                """
        )
    }

    struct NextStay: Sendable {
        let group: TravelGroup.ID
        let booking: Booking.ID
        let park: Park.ID
        /// The time from which phones of the group have the grant for the cottage's scope.
        let grantedAt: Date
    }

    /// The firm stay of another group that has a cottage next after a stay has left it, and has not ended.
    ///
    /// A stay that was moved to another cottage has no allocation here any more; the next stay begins during it.
    static func next(_ work: AnnounceGuestBook, at now: Date) -> Query<NextStay> {
        Query(
            """
            SELECT booking.group_id, booking.id, booking.park_id, lower(allocation.stay) AS arrival
            FROM allocation JOIN booking ON booking.id = booking_id JOIN booking AS former ON former.id = \(work.bookingId)
            WHERE cottage_id = \(work.cottageId) AND is_live AND booking.state IN ('confirmed', 'checkedIn')
                AND booking.group_id <> former.group_id AND lower(allocation.stay) >= coalesce(
                    (SELECT max(upper(own.stay)) FROM allocation AS own
                        WHERE own.booking_id = former.id AND own.cottage_id = \(work.cottageId) AND own.is_live),
                    lower(former.stay)
                )
                AND upper(allocation.stay) >= (\(now)::timestamptz AT TIME ZONE 'UTC')::date
            ORDER BY allocation.stay, booking.id LIMIT 1
            """
        ) { row in
            NextStay(
                group: try row.decode("group_id"),
                booking: try row.decode("id"),
                park: try row.decode("park_id"),
                grantedAt: CottageGrant.begin(arrival: try row.decode("arrival"))
            )
        }
    }
}

extension Publication.Kind {
    static let guestBookEntry = Publication.Kind("guestBookEntry", view: "shown_guest_book_entry")
}
