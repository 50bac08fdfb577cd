import Foundation
import GuestModels
import Postgres

/// The statements about rates, which are the prices of nights.
enum RateSQL {
    private static let rateColumns: SQL = "id, type_id, season, night, weekend_night, version"

    private static func rate(_ row: Row) throws -> Rate {
        Rate(
            id: try row.decode("id"),
            typeId: try row.decode("type_id"),
            season: try row.decode("season"),
            night: try row.decode("night"),
            weekendNight: try row.decode("weekend_night"),
            version: try row.decode("version")
        )
    }

    static func rates(of type: CottageType.ID) -> Query<Rate> {
        Query("SELECT \(rateColumns) FROM rate WHERE type_id = \(type) ORDER BY season, id", decoding: rate)
    }

    /// The rates that price some night of the stay, for the types of one park or of all.
    static func rates(during stay: Stay, park: Park.ID?) -> Query<Rate> {
        let condition: SQL = park.map { "type_id IN (SELECT id FROM cottage_type WHERE park_id = \($0))" } ?? "true"
        return Query(
            "SELECT \(rateColumns) FROM rate WHERE season && \(stay) AND \(condition) ORDER BY season, id",
            decoding: rate
        )
    }

    /// The rates that priced the stay on the day it was placed; today's rates follow, for nights without a price then.
    static func rates(during stay: Stay, park: Park.ID, asOf placed: Date) -> Query<Rate> {
        let its: SQL = "season && \(stay) AND type_id IN (SELECT id FROM cottage_type WHERE park_id = \(park))"
        return Query(
            """
            SELECT \(rateColumns), since > \(placed) AS is_newer FROM rate WHERE \(its)
            UNION ALL
            SELECT id, type_id, season, night, weekend_night, 0, false FROM past_rate
            WHERE since <= \(placed) AND until > \(placed) AND \(its)
            ORDER BY is_newer, season, id
            """,
            decoding: rate
        )
    }

    static func rate(_ id: Rate.ID, locked: Bool = false) -> Query<Rate> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query("SELECT \(rateColumns) FROM rate WHERE id = \(id) \(lock)", decoding: rate)
    }

    static func insert(_ rate: Rate, at now: Date) -> Command {
        Command(
            """
            INSERT INTO rate (\(rateColumns), since)
            VALUES (\(rate.id), \(rate.typeId), \(rate.season), \(rate.night), \(rate.weekendNight), \(rate.version),
                \(now))
            """
        )
    }

    /// Changes a rate, and keeps the old one for bookings that were placed under it.
    static func update(_ rate: Rate, at now: Date) -> Command {
        Command(
            """
            WITH \(recordPast(of: rate.id, at: now))
            UPDATE rate SET season = \(rate.season), night = \(rate.night), weekend_night = \(rate.weekendNight),
                version = \(rate.version), since = \(now)
            WHERE id = \(rate.id)
            """
        )
    }

    static func delete(_ rate: Rate.ID, at now: Date) -> Command {
        Command("WITH \(recordPast(of: rate, at: now)) DELETE FROM rate WHERE id = \(rate)")
    }

    private static func recordPast(of rate: Rate.ID, at now: Date) -> SQL {
        """
        past AS (
            INSERT INTO past_rate (id, type_id, season, night, weekend_night, since, until)
            SELECT id, type_id, season, night, weekend_night, since, \(now) FROM rate WHERE id = \(rate)
            ON CONFLICT DO NOTHING
        )
        """
    }
}

extension Publication.Kind {
    static let rate = Publication.Kind("rate", view: "shown_rate")
}
