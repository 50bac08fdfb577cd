import Foundation
import GuestModels
import Postgres
import Sync

enum BookingSQL {
    /// True where the principal may see the booking: the group's members, and hosts of its park.
    static func isVisible(to principal: Principal) -> SQL {
        switch principal {
        case .guest(let guest):
            "booking.group_id IN (SELECT group_id FROM traveller WHERE guest_id = \(guest) AND left_at IS NULL)"
        case .staff(let member) where member.isHeadOffice: "true"
        case .staff(let member):
            "booking.park_id = ANY(\(member.posts.filter { [.reception, .host].contains($0.function) }.map(\.parkId))::uuid[])"
        case .job: "true"
        case .nobody: "false"
        }
    }

    // MARK: Reading a booking, in four questions of one segment

    struct BookingRow: Sendable {
        let id: Booking.ID
        let number: String
        let parkId: Park.ID
        let groupId: TravelGroup.ID?
        let stay: Stay
        let state: Booking.State
        let holdUntil: Date?
        let isExtended: Bool
        let adults: Int
        let children: Int
        let babies: Int
        let pets: Int
        let currency: String
        let deposit: Int64
        let placedAt: Date
        let version: Int
    }

    private static let columns: SQL = """
        booking.id, number, booking.park_id, booking.group_id, stay, state, hold_until, is_extended, adults, children,
        babies, pets, currency, deposit, placed_at, booking.version
        """

    static func rows(where condition: SQL, limit: Int = 1000, locked: Bool = false) -> Query<BookingRow> {
        let lock: SQL = locked ? "FOR UPDATE OF booking" : ""
        return Query(
            "SELECT \(columns) FROM booking WHERE \(condition) ORDER BY lower(stay), booking.id LIMIT \(limit) \(lock)"
        ) { row in
            BookingRow(
                id: try row.decode("id"),
                number: try row.decode("number"),
                parkId: try row.decode("park_id"),
                groupId: try row.decodeIfPresent("group_id"),
                stay: try row.decode("stay"),
                state: Booking.State(rawValue: try row.decode("state")) ?? .cancelled,
                holdUntil: try row.decodeIfPresent("hold_until"),
                isExtended: try row.decode("is_extended"),
                adults: try row.decode("adults"),
                children: try row.decode("children"),
                babies: try row.decode("babies"),
                pets: try row.decode("pets"),
                currency: try row.decode("currency"),
                deposit: try row.decode("deposit"),
                placedAt: try row.decode("placed_at"),
                version: try row.decode("version")
            )
        }
    }

    static func cottages(where condition: SQL) -> Query<(booking: Booking.ID, cottage: Booking.BookedCottage)> {
        Query(
            """
            SELECT booking_id, cottage_id, cottage.number, is_chosen
            FROM booking JOIN allocation ON booking_id = booking.id JOIN cottage ON cottage.id = cottage_id
            WHERE \(condition) ORDER BY booking_id, cottage_id
            """
        ) { row in
            (
                try row.decode("booking_id"),
                .init(
                    id: try row.decode("cottage_id"),
                    number: try row.decode("number"),
                    isChosen: try row.decode("is_chosen")
                )
            )
        }
    }

    static func travellers(where condition: SQL) -> Query<(booking: Booking.ID, traveller: Traveller.ID)> {
        Query(
            """
            SELECT booking_id, traveller_id FROM booking JOIN booking_traveller ON booking_id = booking.id
            WHERE \(condition) ORDER BY booking_id, traveller_id
            """
        ) { (try $0.decode("booking_id"), try $0.decode("traveller_id")) }
    }

    static func lines(where condition: SQL) -> Query<(booking: Booking.ID, line: ChargeLine)> {
        Query(
            """
            SELECT booking_id, kind, cottage_id, traveller_id, quantity, unit_amount
            FROM booking JOIN charge_line ON booking_id = booking.id
            WHERE \(condition) ORDER BY booking_id, charge_line.id
            """
        ) { row in
            (
                try row.decode("booking_id"),
                ChargeLine(
                    ChargeLine.Kind(rawValue: try row.decode("kind")) ?? .imported,
                    cottage: try row.decodeIfPresent("cottage_id"),
                    traveller: try row.decodeIfPresent("traveller_id"),
                    quantity: try row.decode("quantity"),
                    unitAmount: try row.decode("unit_amount")
                )
            )
        }
    }

    // MARK: Placing

    /// Locks cottages in id order, before anything else of a booking is touched.
    static func lock(_ cottages: [Cottage.ID]) -> Query<Cottage.ID> {
        Query(
            """
            SELECT id FROM cottage WHERE id = ANY(\(cottages)::uuid[]) ORDER BY id FOR NO KEY UPDATE
            """
        ) { try $0.decode("id") }
    }

    static func lockCottages(of booking: Booking.ID) -> Query<Cottage.ID> {
        Query(
            """
            SELECT id FROM cottage WHERE id IN (SELECT cottage_id FROM allocation WHERE booking_id = \(booking))
            ORDER BY id FOR NO KEY UPDATE
            """
        ) { try $0.decode("id") }
    }

    struct Conflict: Sendable {
        let cottage: Cottage.ID
        let booking: Booking.ID?
        /// A hold whose time is over but whose job has not come by yet.
        let isDue: Bool
    }

    static func conflicts(_ cottages: [Cottage.ID], _ stay: Stay, now: Date) -> Query<Conflict> {
        Query(
            """
            SELECT cottage_id, booking_id, coalesce(hold_until <= \(now), false) AS is_due
            FROM allocation LEFT JOIN booking ON booking.id = booking_id
            WHERE cottage_id = ANY(\(cottages)::uuid[]) AND is_live AND allocation.stay && \(stay)
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

    static func openCottages(of park: Park.ID, _ ids: [Cottage.ID]) -> Query<(id: Cottage.ID, type: CottageType.ID)> {
        Query(
            """
            SELECT id, type_id FROM cottage WHERE park_id = \(park) AND is_open AND id = ANY(\(ids)::uuid[]) ORDER BY id
            """
        ) { (try $0.decode("id"), try $0.decode("type_id")) }
    }

    static func holds(of guest: Guest.ID, now: Date) -> Query<Int> {
        Query(
            "SELECT count(*) AS count FROM booking WHERE placed_by = \(guest) AND state = 'held' AND hold_until > \(now)"
        ) { try $0.decode("count") }
    }

    static func insert(_ booking: Booking, policy: JSONText, source: String, by guest: Guest.ID?) -> Command {
        Command(
            """
            INSERT INTO booking (id, number, park_id, group_id, stay, state, hold_until, adults, children, babies, pets,
                currency, policy, deposit, source, placed_at, placed_by)
            VALUES (\(booking.id), \(booking.number), \(booking.parkId), \(booking.groupId), \(booking.stay),
                \(booking.state.rawValue), \(booking.holdUntil), \(booking.adults), \(booking.children),
                \(booking.babies), \(booking.pets), \(booking.total.currency), \(policy), \(booking.deposit.amount),
                \(source), \(booking.placedAt), \(guest))
            """
        )
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

    static func insertTravellers(_ booking: Booking) -> Command {
        Command(
            """
            INSERT INTO booking_traveller (booking_id, traveller_id)
            SELECT \(booking.id)::uuid, traveller_id FROM unnest(\(booking.travellerIds)::uuid[]) AS traveller_id
            """
        )
    }

    static func insert(_ line: ChargeLine, id: ChargeLine.ID, booking: Booking.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO charge_line (id, booking_id, kind, cottage_id, traveller_id, quantity, unit_amount, amount, at)
            VALUES (\(id), \(booking), \(line.kind.rawValue), \(line.cottageId), \(line.travellerId), \(line.quantity),
                \(line.unitAmount), \(line.amount), \(now))
            """
        )
    }

    // MARK: Changing

    /// The rules it was placed under, and the park's zone.
    static func policy(of booking: Booking.ID) -> Query<(rules: HouseRules, timeZone: String)> {
        Query(
            "SELECT policy, time_zone FROM booking JOIN park ON park.id = park_id WHERE booking.id = \(booking)"
        ) { (try $0.decodeJSON("policy"), try $0.decode("time_zone")) }
    }

    static func update(_ booking: Booking, confirmedReason: String? = nil, cancelledReason: String? = nil) -> Command {
        Command(
            """
            UPDATE booking SET state = \(booking.state.rawValue), hold_until = \(booking.holdUntil),
                is_extended = \(booking.isExtended), version = \(booking.version),
                confirmed_reason = coalesce(\(confirmedReason), confirmed_reason),
                cancelled_reason = coalesce(\(cancelledReason), cancelled_reason)
            WHERE id = \(booking.id)
            """
        )
    }

    /// Frees the cottages.
    static func release(_ booking: Booking.ID) -> Command {
        Command("UPDATE allocation SET is_live = false WHERE booking_id = \(booking) AND is_live")
    }

    /// Takes back every line that has not been taken back: nothing is owed any more.
    static func reverseLines(of booking: Booking.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO charge_line (id, booking_id, kind, cottage_id, traveller_id, quantity, unit_amount, amount,
                reverses_id, at)
            SELECT gen_random_uuid(), booking_id, kind, cottage_id, traveller_id, quantity, -unit_amount, -amount, id,
                \(now)
            FROM charge_line AS line
            WHERE booking_id = \(booking) AND reverses_id IS NULL
                AND NOT EXISTS (SELECT FROM charge_line WHERE reverses_id = line.id)
            """
        )
    }

    /// Where to write about a booking.
    ///
    /// Who is written to about a booking; none for a group without organiser, or one without mail.
    static func addressee(of booking: Booking.ID) -> Query<(email: String, language: String, park: String)> {
        Query(
            """
            SELECT email, language, park.name
            FROM booking JOIN park ON park.id = park_id JOIN traveller USING (group_id) JOIN guest ON guest.id = guest_id
            WHERE booking.id = \(booking) AND role = 'organiser' AND left_at IS NULL AND email IS NOT NULL
            """
        ) { (try $0.decode("email"), try $0.decode("language"), try $0.decode("name")) }
    }

    /// The guest's role in the booking's group; none for everybody else.
    static func role(of guest: Guest.ID?, in booking: Booking.ID) -> Query<Traveller.Role> {
        Query(
            """
            SELECT role FROM booking JOIN traveller USING (group_id)
            WHERE booking.id = \(booking) AND guest_id = \(guest) AND left_at IS NULL
            """
        ) { Traveller.Role(rawValue: try $0.decode("role")) ?? .member }
    }
}

extension Booking {
    /// Puts the four answers together, in the order of `rows`.
    static func assemble(
        _ rows: [BookingSQL.BookingRow],
        _ cottages: [(booking: Booking.ID, cottage: BookedCottage)],
        _ travellers: [(booking: Booking.ID, traveller: Traveller.ID)],
        _ lines: [(booking: Booking.ID, line: ChargeLine)]
    ) -> [Booking] {
        let cottages = Dictionary(grouping: cottages, by: \.booking)
        let travellers = Dictionary(grouping: travellers, by: \.booking)
        let lines = Dictionary(grouping: lines, by: \.booking)
        return rows.map { row in
            Booking(
                id: row.id,
                number: row.number,
                parkId: row.parkId,
                groupId: row.groupId,
                stay: row.stay,
                state: row.state,
                holdUntil: row.holdUntil,
                isExtended: row.isExtended,
                adults: row.adults,
                children: row.children,
                babies: row.babies,
                pets: row.pets,
                cottages: cottages[row.id]?.map(\.cottage) ?? [],
                travellerIds: travellers[row.id]?.map(\.traveller) ?? [],
                charges: lines[row.id]?.map(\.line) ?? [],
                currency: row.currency,
                deposit: row.deposit,
                placedAt: row.placedAt,
                version: row.version
            )
        }
    }

    /// One booking the principal may see, or nil.
    static func find(_ id: Booking.ID, as principal: Principal, in reader: Reader) async throws -> Booking? {
        let its: SQL = "booking.id = \(id)"
        let (rows, cottages, travellers, lines) = try await reader.all(
            BookingSQL.rows(where: "\(its) AND \(BookingSQL.isVisible(to: principal))"),
            BookingSQL.cottages(where: its),
            BookingSQL.travellers(where: its),
            BookingSQL.lines(where: its)
        )
        return assemble(rows, cottages, travellers, lines).first
    }

    /// One booking the principal may change, locked: first its cottages in id order, then itself.
    ///
    /// Throws `notFound` for a booking that is none of the principal's, `forbidden` for a member where the
    /// organiser is asked for.
    static func locked(_ id: Booking.ID, as principal: Principal, in tx: Transaction) async throws -> Booking {
        let its: SQL = "booking.id = \(id)"
        let (_, rows, cottages, travellers, lines, roles) = try await tx.all(
            BookingSQL.lockCottages(of: id),
            BookingSQL.rows(where: "\(its) AND \(BookingSQL.isVisible(to: principal))", locked: true),
            BookingSQL.cottages(where: its),
            BookingSQL.travellers(where: its),
            BookingSQL.lines(where: its),
            BookingSQL.role(of: principal.guestID, in: id)
        )
        guard let booking = assemble(rows, cottages, travellers, lines).first else { throw Refusal.notFound }
        guard principal.guestID == nil || roles == [.organiser] else { throw Refusal.forbidden }
        return booking
    }

    func publish(in tx: Transaction) {
        if let groupId { tx.publish(id, "booking", to: .group(groupId)) }
    }
}
