import Foundation
import GuestModels
import Postgres

enum PlanningSQL {
    // MARK: As everybody sees it

    /// The plan items of a group, ordered by list (plan, shopping, packing), then by rank.
    static func items(of group: TravelGroup.ID) -> Query<JSONText> {
        Query(
            """
            SELECT coalesce(json_agg(body::json ORDER BY list, rank, plan_item.id), '[]')::text AS items
            FROM plan_item JOIN shown_plan_item AS shown ON shown.id = plan_item.id
            WHERE group_id = \(group)
            """,
            decoding: items
        )
    }

    static func item(_ id: PlanItem.ID) -> Query<JSONText> {
        Query("SELECT body AS items FROM shown_plan_item WHERE id = \(id)", decoding: items)
    }

    static func items(_ row: Row) throws -> JSONText { try row.decode("items") }

    // MARK: Replies

    enum Question {
        case vote(StayOption.ID)
        case attendance(StayOption.ID)
        case taking(PlanItem.ID)
    }

    /// Stores a reply; no row changes if a later reply is stored already.
    static func reply(
        _ said: Reply?,
        to question: Question,
        by traveller: Traveller.ID,
        in group: TravelGroup.ID,
        at instant: Date
    ) -> Command {
        let (option, item, name): (StayOption.ID?, PlanItem.ID?, String) =
            switch question {
            case .vote(let option): (option, nil, "vote")
            case .attendance(let option): (option, nil, "attendance")
            case .taking(let item): (nil, item, "attendance")
            }
        let key: SQL =
            item == nil
            ? "(option_id, traveller_id, question) WHERE option_id IS NOT NULL"
            : "(item_id, traveller_id) WHERE item_id IS NOT NULL"
        return Command(
            """
            INSERT INTO reply (option_id, item_id, group_id, traveller_id, question, said, said_at)
            VALUES (\(option), \(item), \(group), \(traveller), \(name), \(said?.rawValue), \(instant))
            ON CONFLICT \(key) DO UPDATE SET said = EXCLUDED.said, said_at = EXCLUDED.said_at
            WHERE reply.said_at <= EXCLUDED.said_at
            """
        )
    }

    /// The travellers who said that they come and who have not left.
    static func coming(to option: StayOption.ID) -> Query<Traveller.ID> {
        Query(
            """
            SELECT traveller.id FROM reply JOIN traveller ON traveller.id = traveller_id
            WHERE option_id = \(option) AND question = 'attendance' AND said = 'yes' AND left_at IS NULL
            ORDER BY traveller.id
            """
        ) { try $0.decode("id") }
    }

    // MARK: Plan items

    /// A plan item with the latest change of each field, and whether it is deleted.
    struct ItemRow: Sendable {
        var item: PlanItem
        var revisions: [PlanItem.Field: PlanItem.Revision]
        let isDeleted: Bool
    }

    private static let itemColumns: SQL = """
        id, group_id, list, booking_id, title, note, place, day, to_char(time, 'HH24:MI') AS time, quantity, bringer_id,
            is_done, rank, revisions, added_by, added_at, deleted_at IS NOT NULL AS is_deleted, version
        """

    static func item(_ id: PlanItem.ID, in group: TravelGroup.ID, locked: Bool) -> Query<ItemRow> {
        let lock: SQL = locked ? "FOR NO KEY UPDATE" : ""
        return Query(
            "SELECT \(itemColumns) FROM plan_item WHERE id = \(id) AND group_id = \(group) \(lock)",
            decoding: itemRow
        )
    }

    /// Reads items and locks them in the order of their ids.
    ///
    /// A guest who is no member of the group reads and locks none.
    static func items(_ ids: Set<PlanItem.ID>, in group: TravelGroup.ID, of guest: Guest.ID) -> Query<ItemRow> {
        Query(
            """
            SELECT \(itemColumns) FROM plan_item
            WHERE id = ANY(\(Array(ids))::uuid[]) AND group_id = \(group) AND EXISTS (
                SELECT FROM traveller WHERE group_id = \(group) AND guest_id = \(guest) AND left_at IS NULL
            )
            ORDER BY id FOR NO KEY UPDATE
            """,
            decoding: itemRow
        )
    }

    /// Locks a guest's items in the order of their ids, so that two guests queue and never deadlock.
    static func lock(_ items: [PlanItem.ID], of guest: Guest.ID) -> Command {
        Command(
            """
            SELECT id FROM plan_item
            WHERE id = ANY(\(items)::uuid[])
                AND group_id IN (SELECT group_id FROM traveller WHERE guest_id = \(guest) AND left_at IS NULL)
            ORDER BY id FOR NO KEY UPDATE
            """
        )
    }

    private static func itemRow(_ row: Row) throws -> ItemRow {
        let request = PlanItemRequest(
            list: try row.word("list", as: PlanItem.List.self),
            bookingId: try row.decodeIfPresent("booking_id"),
            title: try row.decode("title"),
            note: try row.decodeIfPresent("note"),
            place: try row.decodeIfPresent("place"),
            day: try row.decodeIfPresent("day"),
            time: try row.timeIfPresent("time"),
            quantity: try row.decodeIfPresent("quantity"),
            bringerId: try row.decodeIfPresent("bringer_id"),
            rank: Rank(try row.decode("rank", as: String.self))
        )
        var item = PlanItem(
            request,
            id: try row.decode("id"),
            group: try row.decode("group_id"),
            by: try row.decode("added_by"),
            at: try row.decode("added_at")
        )
        item.isDone = try row.decode("is_done")
        item.version = try row.decode("version")
        let revisions: [String: PlanItem.Revision] = try row.decodeJSON("revisions")
        return ItemRow(
            item: item,
            revisions: Dictionary(
                revisions.compactMap { name, revision in PlanItem.Field(rawValue: name).map { ($0, revision) } }
            ) { first, _ in first },
            isDeleted: try row.decode("is_deleted")
        )
    }

    static func items(in group: TravelGroup.ID) -> Query<Int> {
        Query("SELECT count(*) AS count FROM plan_item WHERE group_id = \(group) AND deleted_at IS NULL") {
            try $0.decode("count")
        }
    }

    static func lastRank(in list: PlanItem.List, of group: TravelGroup.ID) -> Query<Rank?> {
        Query(
            """
            SELECT max(rank) AS rank FROM plan_item
            WHERE group_id = \(group) AND list = \(list.rawValue) AND deleted_at IS NULL
            """
        ) { try $0.decodeIfPresent("rank", as: String.self).flatMap { Rank($0) } }
    }

    static func isBooking(_ id: Booking.ID, of group: TravelGroup.ID) -> Query<Bool> {
        Query("SELECT true AS is_theirs FROM booking WHERE id = \(id) AND group_id = \(group)") {
            try $0.decode("is_theirs")
        }
    }

    static func insert(_ item: PlanItem) -> Command {
        Command(
            """
            INSERT INTO plan_item (id, group_id, list, booking_id, title, note, place, day, time, quantity, bringer_id,
                is_done, rank, added_by, added_at)
            VALUES (\(item.id), \(item.groupId), \(item.list.rawValue), \(item.bookingId), \(item.title), \(item.note),
                \(item.place), \(item.day), \(item.time?.description)::time, \(item.quantity), \(item.bringerId),
                \(item.isDone), \(item.rank.text), \(item.addedBy), \(item.addedAt))
            """
        )
    }

    /// A changed item as JSON, by the names that the statement for many items uses.
    private struct Written: Encodable {
        let id: PlanItem.ID
        let title: String
        let note: String?
        let place: String?
        let day: LocalDate?
        let time: LocalTime?
        let quantity: String?
        let bringer: Traveller.ID?
        let isDone: Bool
        let rank: Rank
        let revisions: [String: PlanItem.Revision]
        let version: Int

        init(_ row: ItemRow) {
            let item = row.item
            (id, title, note, place, day, time) = (item.id, item.title, item.note, item.place, item.day, item.time)
            (quantity, bringer, isDone, rank) = (item.quantity, item.bringerId, item.isDone, item.rank)
            revisions = Dictionary(row.revisions.map { ($0.key.rawValue, $0.value) }) { first, _ in first }
            version = item.version
        }
    }

    private struct WrittenEvent: Encodable {
        let item: PlanItem.ID
        let number: Int
        let field: PlanItem.Field
        let former: String?
        let value: String?
        let isOverwriting: Bool
        let traveller: Traveller.ID

        init(_ event: PlanEvent, of item: PlanItem.ID) {
            self.item = item
            (number, field, former, value) = (event.number, event.field, event.former, event.value)
            (isOverwriting, traveller) = (event.isOverwriting, event.travellerId)
        }
    }

    /// Writes changed items, and the events that changed them.
    static func update(
        _ rows: [ItemRow],
        _ events: [(item: PlanItem.ID, event: PlanEvent)],
        at now: Date
    ) throws -> [Command] {
        guard !rows.isEmpty else { return [] }
        let items = try JSONText(encoding: rows.map(Written.init))
        let history = try JSONText(encoding: events.map { WrittenEvent($0.event, of: $0.item) })
        return [
            Command(
                """
                UPDATE plan_item SET title = new.title, note = new.note, place = new.place, day = new.day,
                    time = new.time, quantity = new.quantity, bringer_id = new.bringer, is_done = new."isDone",
                    rank = new.rank, revisions = new.revisions, version = new.version
                FROM json_to_recordset(\(items)) AS new (id uuid, title text, note text, place text, day date, time time,
                    quantity text, bringer uuid, "isDone" boolean, rank text, revisions jsonb, version int)
                WHERE plan_item.id = new.id AND plan_item.id = ANY(\(rows.map(\.item.id))::uuid[])
                """
            ),
            Command(
                """
                INSERT INTO plan_event (item_id, number, field, former, value, is_overwriting, traveller_id, at)
                SELECT item, number, field, former, value, "isOverwriting", traveller, \(now)::timestamptz
                FROM json_to_recordset(\(history)) AS new (item uuid, number int, field text, former text, value text,
                    "isOverwriting" boolean, traveller uuid)
                """
            ),
        ]
    }

    /// Marks an item as deleted at a time; nil restores the item.
    static func delete(_ item: PlanItem.ID, at now: Date?) -> Command {
        Command("UPDATE plan_item SET deleted_at = \(now), version = version + 1 WHERE id = \(item)")
    }

    // MARK: History

    /// The approximate number of newest events that are kept of an item's history.
    private static let events = 200

    static func forgetEvents(of item: PlanItem.ID, before version: Int) -> Command {
        Command("DELETE FROM plan_event WHERE item_id = \(item) AND number <= \(version - events)")
    }

    private static let eventColumns: SQL = "number, field, former, value, is_overwriting, traveller_id, at"

    private static func event(_ row: Row) throws -> PlanEvent {
        PlanEvent(
            number: try row.decode("number"),
            field: try row.word("field", as: PlanItem.Field.self),
            former: try row.decodeIfPresent("former"),
            value: try row.decodeIfPresent("value"),
            isOverwriting: try row.decode("is_overwriting"),
            travellerId: try row.decode("traveller_id"),
            at: try row.decode("at")
        )
    }

    /// The events of an item, newest first.
    static func history(of item: PlanItem.ID) -> Query<PlanEvent> {
        Query(
            "SELECT \(eventColumns) FROM plan_event WHERE item_id = \(item) ORDER BY number DESC, field",
            decoding: event
        )
    }

    static func event(_ number: Int, _ field: PlanItem.Field, of item: PlanItem.ID) -> Query<PlanEvent> {
        Query(
            """
            SELECT \(eventColumns) FROM plan_event
            WHERE item_id = \(item) AND number = \(number) AND field = \(field.rawValue)
            """,
            decoding: event
        )
    }

    // MARK: Leaving

    static func forgetReplies(of traveller: Traveller.ID) -> Query<(option: StayOption.ID?, item: PlanItem.ID?)> {
        Query("DELETE FROM reply WHERE traveller_id = \(traveller) RETURNING option_id, item_id") {
            (try $0.decodeIfPresent("option_id"), try $0.decodeIfPresent("item_id"))
        }
    }

    /// Frees the items that a traveller was to bring.
    static func forgetBringer(_ traveller: Traveller.ID) -> Query<PlanItem.ID> {
        Query(
            """
            UPDATE plan_item SET bringer_id = NULL, version = version + 1,
                revisions = revisions || jsonb_build_object(
                    'bringerId', jsonb_build_object('version', version + 1, 'by', \(traveller)::uuid)
                )
            WHERE bringer_id = \(traveller) RETURNING id
            """
        ) { try $0.decode("id") }
    }

    /// Deletes items that were marked as deleted before the instant.
    static func deleteOld(before instant: Date) -> Command {
        .forget("plan_item", where: "deleted_at < \(instant)")
    }

    static func everything(of guest: Guest.ID) -> Query<PersonalPlanning> {
        Query(
            """
            SELECT traveller.group_id,
                ARRAY(SELECT title FROM plan_item WHERE added_by = traveller.id ORDER BY plan_item.id) AS added,
                ARRAY(SELECT note FROM stay_option WHERE proposed_by = traveller.id AND note IS NOT NULL ORDER BY id)
                    AS proposed,
                ARRAY(SELECT coalesce(value, '') FROM plan_event WHERE traveller_id = traveller.id
                    ORDER BY item_id, number, field) AS changed,
                ARRAY(SELECT question || ' ' || said FROM reply
                    WHERE traveller_id = traveller.id AND said IS NOT NULL ORDER BY option_id, item_id, question)
                    AS replies
            FROM traveller WHERE guest_id = \(guest) ORDER BY traveller.id
            """
        ) { row in
            PersonalPlanning(
                groupId: try row.decode("group_id"),
                added: try row.decode("added"),
                proposed: try row.decode("proposed"),
                changed: try row.decode("changed"),
                replies: try row.decode("replies")
            )
        }
    }
}

/// The texts and replies of a guest in the plans of a group.
struct PersonalPlanning: Encodable, Sendable {
    let groupId: TravelGroup.ID
    /// The titles of the items that the guest added.
    let added: [String]
    /// The notes on the options that the guest proposed.
    let proposed: [String]
    /// The values that the guest gave to fields.
    let changed: [String]
    let replies: [String]
}

extension Publication.Kind {
    static let planItem = Publication.Kind("planItem", view: "shown_plan_item")
}
