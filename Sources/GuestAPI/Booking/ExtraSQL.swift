import Foundation
import GuestModels
import Postgres

enum ExtraSQL {
    // MARK: What a park offers

    private static let columns: SQL = """
        extra.id, extra.park_id, code, names, is_daily, price, slots, stock,
        to_char(extra.check_out_by, 'HH24:MI') AS check_out_by, extra.taxed_as, is_open, extra.version
        """

    private static func extra(_ row: Row) throws -> Extra {
        Extra(
            ExtraRequest(
                code: try row.decode("code"),
                names: try row.decodeJSON("names"),
                isDaily: try row.decode("is_daily"),
                price: try row.decode("price"),
                slots: try row.decode("slots", as: [String].self).compactMap { LocalTime($0) },
                stock: try row.decode("stock"),
                checkOutBy: try row.timeIfPresent("check_out_by"),
                taxedAs: try row.word("taxed_as"),
                isOpen: try row.decode("is_open")
            ),
            id: try row.decode("id"),
            parkId: try row.decode("park_id"),
            version: try row.decode("version")
        )
    }

    static func extra(_ id: Extra.ID, locked: Bool = false) -> Query<Extra> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query("SELECT \(columns) FROM extra WHERE id = \(id) \(lock)", decoding: extra)
    }

    static func extras(of park: Park.ID) -> Query<Extra> {
        Query("SELECT \(columns) FROM extra WHERE park_id = \(park) ORDER BY code, id", decoding: extra)
    }

    static func insert(_ extra: Extra) throws -> Command {
        Command(
            """
            INSERT INTO extra (id, park_id, code, names, is_daily, price, slots, stock, check_out_by, taxed_as,
                is_open, version)
            VALUES (\(extra.id), \(extra.parkId), \(extra.code), \(try JSONText(encoding: extra.names)),
                \(extra.isDaily), \(extra.price), \(extra.slots.map(\.description)), \(extra.stock),
                \(extra.checkOutBy?.description)::time, \((extra.taxedAs ?? .extras).rawValue), \(extra.isOpen), \(extra.version))
            """
        )
    }

    static func update(_ extra: Extra) throws -> Command {
        Command(
            """
            UPDATE extra SET code = \(extra.code), names = \(try JSONText(encoding: extra.names)),
                is_daily = \(extra.isDaily), price = \(extra.price), slots = \(extra.slots.map(\.description)),
                stock = \(extra.stock), check_out_by = \(extra.checkOutBy?.description)::time,
                taxed_as = \((extra.taxedAs ?? .extras).rawValue), is_open = \(extra.isOpen), version = \(extra.version)
            WHERE id = \(extra.id)
            """
        )
    }

    // MARK: Stock

    static func setStock(_ extra: Extra.ID, _ request: StockRequest) -> Command {
        Command(
            """
            INSERT INTO extra_stock (extra_id, date, slot, stock)
            VALUES (\(extra), \(request.date), \(request.slot?.description ?? ""), \(request.stock))
            ON CONFLICT (extra_id, date, slot) DO UPDATE SET stock = EXCLUDED.stock
            """
        )
    }

    /// Takes an order from the stock of each of its dates.
    ///
    /// The dates are locked in order, so that two orders queue and never deadlock.
    static func reserve(_ order: ExtraOrder) -> [Command] {
        let slot = order.slot?.description ?? ""
        return [
            Command(
                """
                INSERT INTO extra_stock (extra_id, date, slot)
                SELECT \(order.extraId), date, \(slot) FROM unnest(\(order.dates)::date[]) AS date ORDER BY date
                ON CONFLICT (extra_id, date, slot) DO NOTHING
                """
            ),
            Command(
                """
                UPDATE extra_stock SET taken = taken + \(order.quantity)::int
                FROM (
                    SELECT date FROM extra_stock
                    WHERE extra_id = \(order.extraId) AND slot = \(slot) AND date = ANY(\(order.dates)::date[])
                    ORDER BY date FOR UPDATE
                ) AS locked
                WHERE extra_id = \(order.extraId) AND slot = \(slot) AND extra_stock.date = locked.date
                """
            ),
        ]
    }

    /// Gives the stock of orders back; the stock's rows are locked in one fixed order, so that no deadlock occurs.
    static func release(_ orders: [ExtraOrder.ID]) -> Command {
        Command(
            """
            UPDATE extra_stock SET taken = taken - quantity
            FROM (
                SELECT stock.extra_id, stock.date, stock.slot, back.quantity
                FROM extra_stock AS stock JOIN (
                    SELECT extra_id, date::date, slot, sum(quantity)::int AS quantity
                    FROM extra_order, generate_series(lower(dates), upper(dates) - 1, interval '1 day') AS date
                    WHERE id = ANY(\(orders)::uuid[]) AND cancelled_at IS NULL
                    GROUP BY extra_id, date, slot
                ) AS back USING (extra_id, date, slot)
                ORDER BY extra_id, date, slot FOR UPDATE OF stock
            ) AS locked
            WHERE extra_stock.extra_id = locked.extra_id AND extra_stock.date = locked.date
                AND extra_stock.slot = locked.slot
            """
        )
    }

    /// The stock of a park's extras on dates that have orders or an unusual stock.
    static func stock(
        of park: Park.ID,
        from: LocalDate,
        through: LocalDate
    ) -> Query<(extra: Extra.ID, stock: ExtraStock)> {
        Query(
            """
            SELECT extra_id, date, slot, coalesce(extra_stock.stock, extra.stock) AS stock, taken
            FROM extra_stock JOIN extra ON extra.id = extra_id
            WHERE park_id = \(park) AND date BETWEEN \(from) AND \(through)
            ORDER BY extra_id, date, slot
            """
        ) { row in
            let stock: Int = try row.decode("stock")
            return (
                try row.decode("extra_id"),
                ExtraStock(
                    date: try row.decode("date"),
                    slot: LocalTime(try row.decode("slot", as: String.self)),
                    stock: stock,
                    left: max(stock - (try row.decode("taken", as: Int.self)), 0)
                )
            )
        }
    }

    // MARK: Orders

    private static let orderColumns: SQL = """
        extra_order.id, booking_id, extra_id, lower(dates) AS first, upper(dates) - 1 AS last, slot, quantity,
        household_id, extra_order.cottage_id, to_char(extra_order.check_out_by, 'HH24:MI') AS check_out_by, unit_amount,
        cancelled_at IS NOT NULL AS is_cancelled
        """

    private static func order(_ row: Row) throws -> ExtraOrder {
        ExtraOrder(
            id: try row.decode("id"),
            bookingId: try row.decode("booking_id"),
            extraId: try row.decode("extra_id"),
            from: try row.decode("first"),
            through: try row.decode("last"),
            slot: LocalTime(try row.decode("slot", as: String.self)),
            quantity: try row.decode("quantity"),
            householdId: try row.decodeIfPresent("household_id"),
            cottageId: try row.decodeIfPresent("cottage_id"),
            checkOutBy: try row.timeIfPresent("check_out_by"),
            unitAmount: try row.decode("unit_amount"),
            isCancelled: try row.decode("is_cancelled")
        )
    }

    /// The orders of extras of some bookings, without cancelled orders.
    static func orders(where condition: SQL) -> Query<ExtraOrder> {
        Query(
            """
            SELECT \(orderColumns) FROM booking JOIN extra_order ON booking_id = booking.id
            WHERE \(condition) AND cancelled_at IS NULL ORDER BY extra_order.id
            """,
            decoding: order
        )
    }

    static func order(_ id: ExtraOrder.ID, of booking: Booking.ID) -> Query<ExtraOrder> {
        Query(
            "SELECT \(orderColumns) FROM extra_order WHERE id = \(id) AND booking_id = \(booking)",
            decoding: order
        )
    }

    static func insert(
        _ order: ExtraOrder,
        taxedAs: Extra.Taxed,
        isOwn: Bool,
        by guest: Guest.ID?,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO extra_order (id, booking_id, extra_id, dates, slot, quantity, household_id, cottage_id,
                check_out_by, taxed_as, unit_amount, is_own, ordered_by, ordered_at)
            VALUES (\(order.id), \(order.bookingId), \(order.extraId),
                daterange(\(order.from), \(order.through), '[]'), \(order.slot?.description ?? ""), \(order.quantity),
                \(order.householdId), \(order.cottageId), \(order.checkOutBy?.description)::time, \(taxedAs.rawValue),
                \(order.unitAmount), \(isOwn), \(guest), \(now))
            """
        )
    }

    static func cancel(_ orders: [ExtraOrder.ID], at now: Date) -> Command {
        Command(
            "UPDATE extra_order SET cancelled_at = \(now) WHERE id = ANY(\(orders)::uuid[]) AND cancelled_at IS NULL"
        )
    }

    /// An order that hosts prepare on a day.
    ///
    /// `cottages` has the number of the order's cottage; all cottages of the booking if the order is for no single one.
    struct ToPrepare: Encodable, Sendable {
        let orderId: ExtraOrder.ID
        let bookingId: Booking.ID
        let bookingNumber: String
        let extraId: Extra.ID
        let code: String
        let names: [String: String]
        let slot: LocalTime?
        let quantity: Int
        let household: String?
        let cottages: [String]
        /// Whether the order begins on this day, so that it has to be brought.
        let isFirstDay: Bool
    }

    static func toPrepare(in park: Park.ID, on day: LocalDate) -> Query<ToPrepare> {
        Query(
            """
            SELECT extra_order.id, booking.id AS booking_id, booking.number, extra_id, code, names, slot, quantity,
                household.name AS household, lower(dates) = \(day) AS is_first_day,
                ARRAY(
                    SELECT cottage.number FROM allocation JOIN cottage ON cottage.id = cottage_id
                    WHERE allocation.booking_id = booking.id
                        AND (extra_order.cottage_id IS NULL OR extra_order.cottage_id = cottage.id)
                    ORDER BY length(cottage.number), cottage.number
                ) AS cottages
            FROM extra JOIN extra_order ON extra_id = extra.id JOIN booking ON booking.id = booking_id
                LEFT JOIN household ON household.id = household_id
            WHERE extra.park_id = \(park) AND cancelled_at IS NULL AND dates @> \(day)::date
                AND state IN ('confirmed', 'checkedIn')
            ORDER BY slot, code, extra_order.id
            """
        ) { row in
            ToPrepare(
                orderId: try row.decode("id"),
                bookingId: try row.decode("booking_id"),
                bookingNumber: try row.decode("number"),
                extraId: try row.decode("extra_id"),
                code: try row.decode("code"),
                names: try row.decodeJSON("names"),
                slot: LocalTime(try row.decode("slot", as: String.self)),
                quantity: try row.decode("quantity"),
                household: try row.decodeIfPresent("household"),
                cottages: try row.decode("cottages"),
                isFirstDay: try row.decode("is_first_day")
            )
        }
    }
}

extension Publication.Kind {
    static let extra = Publication.Kind("extra", view: "shown_extra")
}
