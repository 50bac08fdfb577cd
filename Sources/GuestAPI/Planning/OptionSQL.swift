import Foundation
import GuestModels
import Postgres

/// The queries of the options that a group votes on.
enum OptionSQL {
    /// The options of a group as JSON of the views; phones receive the same JSON.
    static func options(of group: TravelGroup.ID) -> Query<JSONText> {
        Query(
            """
            SELECT coalesce(json_agg(body::json ORDER BY stay_option.id), '[]')::text AS items
            FROM stay_option JOIN shown_option AS shown ON shown.id = stay_option.id
            WHERE group_id = \(group)
            """,
            decoding: PlanningSQL.items
        )
    }

    static func option(_ id: StayOption.ID) -> Query<JSONText> {
        Query("SELECT body AS items FROM shown_option WHERE id = \(id)", decoding: PlanningSQL.items)
    }

    struct OptionRow: Sendable {
        let id: StayOption.ID
        let parkId: Park.ID
        let stay: Stay
        let state: StayOption.State
        let bookingId: Booking.ID?
        /// Whether the option's booking has expired or was cancelled; the option may then be promoted again.
        let isBookingGone: Bool
        let proposedBy: Traveller.ID
    }

    static func option(_ id: StayOption.ID, in group: TravelGroup.ID, locked: Bool) -> Query<OptionRow> {
        let lock: SQL = locked ? "FOR NO KEY UPDATE" : ""
        return Query(
            """
            SELECT id, park_id, stay, state, booking_id, proposed_by, (
                SELECT booking.state IN ('expired', 'cancelled') FROM booking WHERE booking.id = booking_id
            ) AS is_gone
            FROM stay_option WHERE id = \(id) AND group_id = \(group) AND state <> 'withdrawn' \(lock)
            """
        ) { row in
            OptionRow(
                id: try row.decode("id"),
                parkId: try row.decode("park_id"),
                stay: try row.decode("stay"),
                state: try row.word("state", as: StayOption.State.self),
                bookingId: try row.decodeIfPresent("booking_id"),
                isBookingGone: try row.decodeIfPresent("is_gone") ?? false,
                proposedBy: try row.decode("proposed_by")
            )
        }
    }

    static func choices(of option: StayOption.ID) -> Query<BookingRequest.Choice> {
        Query("SELECT cottage_id, type_id FROM option_cottage WHERE option_id = \(option) ORDER BY place") { row in
            if let cottage: Cottage.ID = try row.decodeIfPresent("cottage_id") { return .init(cottage: cottage) }
            return .init(anyOf: try row.decode("type_id"))
        }
    }

    static func openOptions(of group: TravelGroup.ID) -> Query<Int> {
        Query("SELECT count(*) AS count FROM stay_option WHERE group_id = \(group) AND state = 'open'") {
            try $0.decode("count")
        }
    }

    /// The number of these cottages and types that the park has.
    static func known(cottages: [Cottage.ID], types: [CottageType.ID], in park: Park.ID) -> Query<Int> {
        Query(
            """
            SELECT (SELECT count(*) FROM cottage WHERE id = ANY(\(cottages)::uuid[]) AND park_id = \(park))
                + (SELECT count(*) FROM cottage_type WHERE id = ANY(\(types)::uuid[]) AND park_id = \(park)) AS count
            """
        ) { try $0.decode("count") }
    }

    static func insert(_ option: StayOption) -> [Command] {
        [
            Command(
                """
                INSERT INTO stay_option (id, group_id, park_id, stay, note, proposed_by, proposed_at)
                VALUES (\(option.id), \(option.groupId), \(option.parkId), \(option.stay), \(option.note),
                    \(option.proposedBy), \(option.proposedAt))
                """
            )
        ]
            + option.cottages.enumerated().map { place, choice in
                Command(
                    """
                    INSERT INTO option_cottage (option_id, place, cottage_id, type_id)
                    VALUES (\(option.id), \(place + 1), \(choice.cottageId), \(choice.typeId))
                    """
                )
            }
    }

    static func end(_ option: StayOption.ID, as state: StayOption.State, booking: Booking.ID?) -> Command {
        Command(
            """
            UPDATE stay_option SET state = \(state.rawValue), booking_id = \(booking), version = version + 1
            WHERE id = \(option)
            """
        )
    }
}

extension Publication.Kind {
    static let option = Publication.Kind("option", view: "shown_option")
}
