import Foundation
import GuestModels
import Postgres

enum ImportSQL {
    struct FileRow: Sendable {
        let id: UUID
    }

    /// The name of another file without reservation numbers that a park has been given.
    static func numberless(in park: Park.ID, besides hash: Data) -> Query<String> {
        Query(
            """
            SELECT name FROM import_file
            WHERE park_id = \(park) AND hash <> \(hash) AND EXISTS (
                SELECT FROM import_row JOIN booking ON booking.id = booking_id
                WHERE import_file_id = import_file.id AND reservation_number IS NULL
            )
            ORDER BY started_at DESC, id LIMIT 1
            """
        ) { try $0.decode("name") }
    }

    /// Begins an import, or finds one that was begun before.
    static func begin(_ id: UUID, park: Park.ID, hash: Data, name: String, rows: Int, at now: Date) -> Query<FileRow> {
        Query(
            """
            INSERT INTO import_file (id, park_id, hash, name, rows, started_at)
            VALUES (\(id), \(park), \(hash), \(name), \(rows), \(now))
            ON CONFLICT (park_id, hash) DO UPDATE SET name = import_file.name
            RETURNING id
            """
        ) { FileRow(id: try $0.decode("id")) }
    }

    static func finish(_ file: UUID, at now: Date) -> Command {
        Command("UPDATE import_file SET finished_at = coalesce(finished_at, \(now)) WHERE id = \(file)")
    }

    static func linesDone(_ file: UUID) -> Query<Int> {
        Query(
            """
            SELECT line FROM import_row WHERE import_file_id = \(file)
            UNION ALL SELECT line FROM import_reject WHERE import_file_id = \(file)
            """
        ) { try $0.decode("line") }
    }

    static func rejects(_ file: UUID) -> Query<(line: Int, reason: String)> {
        Query("SELECT line, reason FROM import_reject WHERE import_file_id = \(file) ORDER BY line") {
            (try $0.decode("line"), try $0.decode("reason"))
        }
    }

    static func insertRejects(_ file: UUID, _ rejects: [(line: Int, reason: String)]) -> Command {
        Command(
            """
            INSERT INTO import_reject (import_file_id, line, reason)
            SELECT \(file)::uuid, line, reason FROM unnest(\(rejects.map(\.line))::int[], \(rejects.map(\.reason))::text[])
                AS rejected (line, reason)
            """
        )
    }

    static func count(_ file: UUID) -> Query<(imported: Int, rejected: Int)> {
        Query(
            """
            SELECT (SELECT count(*) FROM import_row WHERE import_file_id = \(file)) AS imported,
                (SELECT count(*) FROM import_reject WHERE import_file_id = \(file)) AS rejected
            """
        ) { (try $0.decode("imported"), try $0.decode("rejected")) }
    }

    // MARK: A report

    /// Locks a park's reservations during an import's batch, so that no report changes them.
    static func lockReservations(of park: Park.ID) -> Query<Bool> {
        Query(
            "SELECT pg_advisory_xact_lock(hashtextextended('reservations ' || \(park)::text, 0)) IS NULL AS is_locked"
        ) { try $0.decode("is_locked") }
    }

    /// Locks one reservation for a report; the lock waits for other reports of it and for an import's batch.
    static func lockReservation(_ number: String, of park: Park.ID) -> Query<Bool> {
        Query(
            """
            SELECT pg_advisory_xact_lock_shared(hashtextextended('reservations ' || \(park)::text, 0)) IS NULL
                OR pg_advisory_xact_lock(hashtextextended('reservation ' || \(number) || \(park)::text, 0)) IS NULL
                AS is_locked
            """
        ) { try $0.decode("is_locked") }
    }

    struct Reported: Sendable {
        let id: Booking.ID
        let reportedAt: Date?
        /// The code of the type that was booked, also where the desk gives a cottage of another type instead.
        let type: String?
    }

    static func reported(_ number: String, in park: Park.ID) -> Query<Reported> {
        Query(
            """
            SELECT id, reported_at, (
                SELECT code FROM allocation JOIN cottage ON cottage.id = cottage_id
                    JOIN cottage_type ON cottage_type.id = coalesce(priced_as, type_id)
                WHERE booking_id = booking.id ORDER BY allocation.id LIMIT 1
            ) AS type
            FROM booking WHERE park_id = \(park) AND reservation_number = \(number)
            """
        ) {
            Reported(
                id: try $0.decode("id"),
                reportedAt: try $0.decodeIfPresent("reported_at"),
                type: try $0.decodeIfPresent("type")
            )
        }
    }

    /// Notes the cancellation of an unknown reservation, because the report of the reservation itself may come later.
    static func forestall(_ number: String, in park: Park.ID, cancelledAt at: Date) -> Command {
        Command(
            """
            INSERT INTO withdrawn_reservation (park_id, number, reported_at) VALUES (\(park), \(number), \(at))
            ON CONFLICT (park_id, number)
            DO UPDATE SET reported_at = greatest(withdrawn_reservation.reported_at, EXCLUDED.reported_at)
            """
        )
    }

    /// Deletes the note that an unknown reservation was cancelled, and answers when the cancellation was reported.
    static func removeForestalled(_ number: String, in park: Park.ID) -> Query<Date> {
        Query(
            "DELETE FROM withdrawn_reservation WHERE park_id = \(park) AND number = \(number) RETURNING reported_at"
        ) { try $0.decode("reported_at") }
    }

    static func forgetForestalled(before then: Date) -> Command {
        .forget("withdrawn_reservation", where: "reported_at < \(then)")
    }

    static func remember(_ reportedAt: Date?, of booking: Booking.ID) -> Command {
        Command("UPDATE booking SET reported_at = coalesce(\(reportedAt), reported_at) WHERE id = \(booking)")
    }

    /// At most five cottages that may suit a report.
    ///
    /// The booking's own cottage comes first, if it has the right type and number or the guests are in it. Free
    /// cottages follow, unless the guests are in their cottage. So few cottages can all be locked, and one of them is
    /// likely to stay free.
    static func candidates(
        for booking: Booking.ID,
        of type: CottageType.ID,
        number: String?,
        in park: Park.ID,
        _ stay: Stay
    ) -> Query<Cottage.ID> {
        Query(
            """
            SELECT id FROM cottage
            WHERE park_id = \(park) AND (
                type_id = \(type) AND is_open AND cottage.number = coalesce(\(number), cottage.number)
                    AND \(AvailabilitySQL.isFree(stay))
                    AND NOT EXISTS (SELECT FROM booking WHERE booking.id = \(booking) AND state = 'checkedIn')
                OR id IN (
                    SELECT cottage_id FROM allocation JOIN booking ON booking.id = booking_id
                    WHERE booking_id = \(booking) AND is_live AND (state = 'checkedIn'
                        OR coalesce(priced_as, type_id) = \(type) AND cottage.number = coalesce(\(number), cottage.number))
                )
            )
            ORDER BY id IN (SELECT cottage_id FROM allocation WHERE booking_id = \(booking) AND is_live) DESC,
                length(number), number, id
            LIMIT 5
            """
        ) { try $0.decode("id") }
    }

    // MARK: A batch

    static func lockCottages(of park: Park.ID) -> Query<(id: Cottage.ID, type: String)> {
        Query(
            """
            SELECT cottage.id, code FROM cottage JOIN cottage_type ON cottage_type.id = type_id
            WHERE cottage.park_id = \(park) AND is_open ORDER BY cottage.id FOR NO KEY UPDATE OF cottage
            """
        ) { (try $0.decode("id"), try $0.decode("code")) }
    }

    struct Taken: Sendable {
        let cottage: Cottage.ID
        let stay: Stay
        let booking: Booking.ID?
    }

    static func taken(in park: Park.ID, during stay: Stay) -> Query<Taken> {
        Query(
            """
            SELECT cottage_id, stay, booking_id FROM allocation JOIN cottage ON cottage.id = cottage_id
            WHERE park_id = \(park) AND is_live AND stay && \(stay)
            """
        ) {
            Taken(
                cottage: try $0.decode("cottage_id"),
                stay: try $0.decode("stay"),
                booking: try $0.decodeIfPresent("booking_id")
            )
        }
    }

    struct Known: Sendable {
        let id: Booking.ID
        let number: String
        let stay: Stay
        let state: String
        let adults: Int
        let children: Int
        let babies: Int
        let total: Int64
        let cottage: Cottage.ID?
        let cottageType: String?
    }

    static func known(in park: Park.ID, _ numbers: [String]) -> Query<Known> {
        Query(
            """
            SELECT booking.id, reservation_number, booking.stay, state, adults, children, babies,
                (SELECT coalesce(sum(amount), 0)::bigint FROM charge_line WHERE booking_id = booking.id) AS total,
                cottage_id, code
            FROM booking
            LEFT JOIN allocation ON booking_id = booking.id AND is_live
            LEFT JOIN cottage ON cottage.id = cottage_id LEFT JOIN cottage_type ON cottage_type.id = type_id
            WHERE booking.park_id = \(park) AND reservation_number = ANY(\(numbers)::text[])
            FOR UPDATE OF booking
            """
        ) { row in
            Known(
                id: try row.decode("id"),
                number: try row.decode("reservation_number"),
                stay: try row.decode("stay"),
                state: try row.decode("state"),
                adults: try row.decode("adults"),
                children: try row.decode("children"),
                babies: try row.decode("babies"),
                total: try row.decode("total"),
                cottage: try row.decodeIfPresent("cottage_id"),
                cottageType: try row.decodeIfPresent("code")
            )
        }
    }

    struct NewBooking: Sendable {
        let id: Booking.ID
        let number: String
        let reservation: Reservation
        let cottage: Cottage.ID?
        let line: ChargeLine.ID
        let allocation: UUID
    }

    /// Writes many bookings with all their rows in three statements.
    static func insert(
        _ new: [NewBooking],
        park: Park.ID,
        currency: String,
        policy: JSONText,
        at now: Date
    ) -> [Command] {
        let ids = new.map(\.id)
        let placed = new.filter { $0.cottage != nil }
        return [
            Command(
                """
                INSERT INTO booking (id, number, park_id, stay, state, adults, children, babies, pets, currency, policy,
                    deposit, source, reservation_number, placed_at)
                SELECT id, number, \(park)::uuid, stay, state, adults, children, babies, 0, \(currency), \(policy)::jsonb, 0,
                    'import', nullif(reservation_number, ''), \(now)::timestamptz
                FROM unnest(\(ids)::uuid[], \(new.map(\.number))::text[], \(new.map(\.reservation.stay))::daterange[],
                    \(new.map(\.reservation.state.rawValue))::text[], \(new.map(\.reservation.adults))::int[],
                    \(new.map(\.reservation.children))::int[], \(new.map(\.reservation.babies))::int[],
                    \(new.map { $0.reservation.number ?? "" })::text[])
                    AS imported (id, number, stay, state, adults, children, babies, reservation_number)
                """
            ),
            Command(
                """
                INSERT INTO allocation (id, cottage_id, stay, booking_id)
                SELECT id, cottage_id, stay, booking_id
                FROM unnest(\(placed.map(\.allocation))::uuid[], \(placed.compactMap(\.cottage))::uuid[],
                    \(placed.map(\.reservation.stay))::daterange[], \(placed.map(\.id))::uuid[])
                    AS placed (id, cottage_id, stay, booking_id)
                """
            ),
            Command(
                """
                INSERT INTO charge_line (id, booking_id, kind, quantity, unit_amount, amount, at)
                SELECT id, booking_id, 'imported', nights, rate, nights * rate, \(now)::timestamptz
                FROM unnest(\(new.map(\.line))::uuid[], \(ids)::uuid[], \(new.map(\.reservation.stay.nightCount))::int[],
                    \(new.map(\.reservation.nightlyRate))::bigint[]) AS charged (id, booking_id, nights, rate)
                """
            ),
        ]
    }

    static func insertRows(_ file: UUID, lines: [Int], bookings: [Booking.ID]) -> Command {
        Command(
            """
            INSERT INTO import_row (import_file_id, line, booking_id)
            SELECT \(file)::uuid, line, booking_id FROM unnest(\(lines)::int[], \(bookings)::uuid[]) AS done (line, booking_id)
            """
        )
    }

    /// Updates a known booking from a newer export.
    static func update(
        _ booking: Booking.ID,
        _ reservation: Reservation,
        cottage: Cottage.ID?,
        allocation: UUID,
        line: ChargeLine.ID,
        at now: Date
    ) -> [Command] {
        var commands = [
            Command(
                """
                UPDATE booking SET stay = \(reservation.stay), state = \(reservation.state.rawValue), hold_until = NULL,
                    adults = \(reservation.adults), children = \(reservation.children), babies = \(reservation.babies),
                    version = version + 1
                WHERE id = \(booking)
                """
            ),
            ChargeSQL.reverseLines(of: booking, at: now),
            ChargeSQL.insert(
                ChargeLine(.imported, quantity: reservation.stay.nightCount, unitAmount: reservation.nightlyRate),
                id: line,
                booking: booking,
                at: now
            ),
        ]
        if let cottage {
            commands.append(
                Command(
                    """
                    INSERT INTO allocation (id, cottage_id, stay, booking_id)
                    VALUES (\(allocation), \(cottage), \(reservation.stay), \(booking))
                    """
                )
            )
        }
        return commands
    }
}
