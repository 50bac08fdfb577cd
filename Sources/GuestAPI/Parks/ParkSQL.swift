import Foundation
import GuestModels
import Postgres

enum ParkSQL {
    private static let parkColumns: SQL = """
        id, slug, name, time_zone, currency, country, longitude, latitude, texts, rules, version
        """

    private static func park(_ row: Row) throws -> Park {
        Park(
            id: try row.decode("id"),
            slug: try row.decode("slug"),
            name: try row.decode("name"),
            timeZone: try row.decode("time_zone"),
            currency: try row.decode("currency"),
            country: try row.decode("country"),
            longitude: try row.decode("longitude"),
            latitude: try row.decode("latitude"),
            texts: try row.decodeJSON("texts"),
            rules: try row.decodeJSON("rules"),
            version: try row.decode("version")
        )
    }

    static let parks = Query("SELECT \(parkColumns) FROM park ORDER BY name, id", decoding: park)

    static func park(_ id: Park.ID, locked: Bool = false) -> Query<Park> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query("SELECT \(parkColumns) FROM park WHERE id = \(id) \(lock)", decoding: park)
    }

    static func park(slug: String) -> Query<Park> {
        Query("SELECT \(parkColumns) FROM park WHERE slug = \(slug)", decoding: park)
    }

    static func insert(_ park: Park, texts: JSONText, rules: JSONText) -> Command {
        Command(
            """
            INSERT INTO park (\(parkColumns))
            VALUES (\(park.id), \(park.slug), \(park.name), \(park.timeZone), \(park.currency), \(park.country),
                \(park.longitude), \(park.latitude), \(texts), \(rules), \(park.version))
            """
        )
    }

    static func update(_ park: Park, texts: JSONText, rules: JSONText) -> Command {
        Command(
            """
            UPDATE park SET slug = \(park.slug), name = \(park.name), time_zone = \(park.timeZone),
                currency = \(park.currency), country = \(park.country), longitude = \(park.longitude),
                latitude = \(park.latitude), texts = \(texts), rules = \(rules), version = \(park.version)
            WHERE id = \(park.id)
            """
        )
    }

    // MARK: Cottage types

    private static let typeColumns: SQL = """
        id, park_id, code, name, texts, capacity, bedrooms, pets, is_step_free, cleaning_fee, version
        """

    private static func type(_ row: Row) throws -> CottageType {
        CottageType(
            id: try row.decode("id"),
            parkId: try row.decode("park_id"),
            code: try row.decode("code"),
            name: try row.decode("name"),
            texts: try row.decodeJSON("texts"),
            capacity: try row.decode("capacity"),
            bedrooms: try row.decode("bedrooms"),
            pets: try row.decode("pets"),
            isStepFree: try row.decode("is_step_free"),
            cleaningFee: try row.decode("cleaning_fee"),
            version: try row.decode("version")
        )
    }

    /// The cottage types of one park, or of all parks if `park` is nil.
    static func types(of park: Park.ID?) -> Query<CottageType> {
        let condition: SQL = park.map { "park_id = \($0)" } ?? "true"
        return Query("SELECT \(typeColumns) FROM cottage_type WHERE \(condition) ORDER BY code, id", decoding: type)
    }

    static func type(_ id: CottageType.ID, locked: Bool = false) -> Query<CottageType> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query("SELECT \(typeColumns) FROM cottage_type WHERE id = \(id) \(lock)", decoding: type)
    }

    static func insert(_ type: CottageType, texts: JSONText) -> Command {
        Command(
            """
            INSERT INTO cottage_type (\(typeColumns))
            VALUES (\(type.id), \(type.parkId), \(type.code), \(type.name), \(texts), \(type.capacity),
                \(type.bedrooms), \(type.pets), \(type.isStepFree), \(type.cleaningFee), \(type.version))
            """
        )
    }

    static func update(_ type: CottageType, texts: JSONText) -> Command {
        Command(
            """
            UPDATE cottage_type SET code = \(type.code), name = \(type.name), texts = \(texts),
                capacity = \(type.capacity), bedrooms = \(type.bedrooms), pets = \(type.pets),
                is_step_free = \(type.isStepFree), cleaning_fee = \(type.cleaningFee), version = \(type.version)
            WHERE id = \(type.id)
            """
        )
    }

    // MARK: Cottages

    private static let cottageColumns: SQL = "id, park_id, type_id, number, longitude, latitude, is_open, version"

    private static func cottage(_ row: Row) throws -> Cottage {
        Cottage(
            id: try row.decode("id"),
            parkId: try row.decode("park_id"),
            typeId: try row.decode("type_id"),
            number: try row.decode("number"),
            longitude: try row.decode("longitude"),
            latitude: try row.decode("latitude"),
            isOpen: try row.decode("is_open"),
            version: try row.decode("version")
        )
    }

    static func groupBookings(of cottage: Cottage.ID) -> Query<(booking: Booking.ID, group: TravelGroup.ID)> {
        Query(
            """
            SELECT DISTINCT booking.id, group_id FROM allocation JOIN booking ON booking.id = booking_id
            WHERE cottage_id = \(cottage) AND group_id IS NOT NULL ORDER BY booking.id
            """
        ) { (try $0.decode("id"), try $0.decode("group_id")) }
    }

    static func cottages(of park: Park.ID) -> Query<Cottage> {
        Query(
            "SELECT \(cottageColumns) FROM cottage WHERE park_id = \(park) ORDER BY length(number), number, id",
            decoding: cottage
        )
    }

    static func cottage(_ id: Cottage.ID, locked: Bool = false) -> Query<Cottage> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query("SELECT \(cottageColumns) FROM cottage WHERE id = \(id) \(lock)", decoding: cottage)
    }

    static func insert(_ cottage: Cottage) -> Command {
        Command(
            """
            INSERT INTO cottage (\(cottageColumns))
            VALUES (\(cottage.id), \(cottage.parkId), \(cottage.typeId), \(cottage.number), \(cottage.longitude),
                \(cottage.latitude), \(cottage.isOpen), \(cottage.version))
            """
        )
    }

    static func update(_ cottage: Cottage) -> Command {
        Command(
            """
            UPDATE cottage SET type_id = \(cottage.typeId), number = \(cottage.number),
                longitude = \(cottage.longitude), latitude = \(cottage.latitude), is_open = \(cottage.isOpen),
                version = \(cottage.version)
            WHERE id = \(cottage.id)
            """
        )
    }

    // MARK: Closures

    private static func closure(_ row: Row) throws -> Closure {
        Closure(
            id: try row.decode("id"),
            cottageId: try row.decode("cottage_id"),
            stay: try row.decode("stay"),
            reason: try row.decode("reason")
        )
    }

    static func closures(of park: Park.ID) -> Query<Closure> {
        Query(
            """
            SELECT closure.id, cottage_id, stay, reason FROM closure JOIN cottage ON cottage.id = cottage_id
            WHERE park_id = \(park) AND ended_at IS NULL ORDER BY stay, closure.id
            """,
            decoding: closure
        )
    }

    static func closure(_ id: Closure.ID) -> Query<Closure> {
        Query(
            "SELECT id, cottage_id, stay, reason FROM closure WHERE id = \(id) AND ended_at IS NULL",
            decoding: closure
        )
    }

    static func insert(_ closure: Closure, allocation: UUID) -> [Command] {
        [
            Command(
                """
                INSERT INTO closure (id, cottage_id, stay, reason)
                VALUES (\(closure.id), \(closure.cottageId), \(closure.stay), \(closure.reason))
                """
            ),
            Command(
                """
                INSERT INTO allocation (id, cottage_id, stay, closure_id)
                VALUES (\(allocation), \(closure.cottageId), \(closure.stay), \(closure.id))
                """
            ),
        ]
    }

    static func end(_ closure: Closure.ID, at now: Date) -> [Command] {
        [
            Command("UPDATE closure SET ended_at = \(now) WHERE id = \(closure)"),
            Command("UPDATE allocation SET is_live = false WHERE closure_id = \(closure)"),
        ]
    }

    /// The numbers of at most ten bookings that have a cottage in some night of a stay.
    static func bookings(in cottage: Cottage.ID, during stay: Stay) -> Query<String> {
        Query(
            """
            SELECT number FROM allocation JOIN booking ON booking.id = coalesce(booking_id, change_of)
            WHERE cottage_id = \(cottage) AND is_live AND allocation.stay && \(stay)
            ORDER BY lower(allocation.stay), number LIMIT 10
            """
        ) { try $0.decode("number") }
    }

    // MARK: Searching

    struct AuditRow: Encodable, Sendable {
        let id: UUID
        let at: Date
        let principal: String
        let onBehalfOf: Guest.ID?
        let action: String
        let target: UUID?
        let reason: String?
    }

    static func audit(of park: Park.ID, before: UUID?, limit: Int) -> Query<AuditRow> {
        let condition: SQL = before.map { "id < \($0)" } ?? "true"
        return Query(
            """
            SELECT id, at, principal, on_behalf_of, action, target, reason FROM audit
            WHERE park_id = \(park) AND \(condition) ORDER BY id DESC LIMIT \(limit)
            """
        ) { row in
            AuditRow(
                id: try row.decode("id"),
                at: try row.decode("at"),
                principal: try row.decode("principal"),
                onBehalfOf: try row.decodeIfPresent("on_behalf_of"),
                action: try row.decode("action"),
                target: try row.decodeIfPresent("target"),
                reason: try row.decodeIfPresent("reason")
            )
        }
    }

    static func setReadiness(_ cottages: [Cottage.ID], _ readiness: Readiness, note: String?, at now: Date) -> Command {
        Command(
            """
            UPDATE cottage SET readiness = \(readiness.rawValue), readiness_note = \(note), readiness_at = \(now)
            WHERE id = ANY(\(cottages)::uuid[])
            """
        )
    }

    /// Keeps a cottage's bookings at the price of their first type when the cottage gets another type.
    static func freezePrices(of cottage: Cottage.ID, as type: CottageType.ID) -> Command {
        Command(
            """
            UPDATE allocation SET priced_as = \(type)
            WHERE cottage_id = \(cottage) AND is_live AND booking_id IS NOT NULL AND priced_as IS NULL
            """
        )
    }

    static func hasBookings(_ park: Park.ID) -> Query<Bool> {
        Query("SELECT EXISTS (SELECT FROM booking WHERE park_id = \(park)) AS has_some") { try $0.decode("has_some") }
    }
}

extension Publication.Kind {
    static let park = Publication.Kind("park", view: "shown_park")
    static let cottageType = Publication.Kind("cottageType", view: "shown_cottage_type")
    static let cottage = Publication.Kind("cottage", view: "shown_cottage")
    static let readiness = Publication.Kind("readiness", view: "shown_readiness")
}
