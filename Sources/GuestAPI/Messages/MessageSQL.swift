import Foundation
import GuestModels
import Postgres

enum MessageSQL {
    // MARK: Topics

    private static let columns: SQL = """
        id, group_id, booking_id, park_id, kind, urgency, state, opened_by, opened_at, waiting_since, version
        """

    private static func topic(_ row: Row) throws -> (topic: Topic, park: Park.ID) {
        (
            Topic(
                id: try row.decode("id"),
                groupId: try row.decode("group_id"),
                bookingId: try row.decode("booking_id"),
                kind: try row.word("kind", as: Topic.Kind.self),
                urgency: try row.word("urgency", as: Topic.Urgency.self),
                state: try row.word("state", as: Topic.State.self),
                openedBy: try row.decode("opened_by"),
                openedAt: try row.decode("opened_at"),
                waitingSince: try row.decodeIfPresent("waiting_since"),
                version: try row.decode("version")
            ), try row.decode("park_id")
        )
    }

    static func topic(_ id: Topic.ID, locked: Bool = false) -> Query<(topic: Topic, park: Park.ID)> {
        let lock: SQL = locked ? "FOR NO KEY UPDATE" : ""
        return Query("SELECT \(columns) FROM topic WHERE id = \(id) \(lock)", decoding: topic)
    }

    static func topics(of group: TravelGroup.ID) -> Query<Topic> {
        Query("SELECT \(columns) FROM topic WHERE group_id = \(group) ORDER BY id") { try topic($0).topic }
    }

    static func insert(_ topic: Topic, at park: Park.ID) -> Command {
        Command(
            """
            INSERT INTO topic (id, group_id, booking_id, park_id, kind, urgency, state, opened_by, opened_at,
                waiting_since)
            VALUES (\(topic.id), \(topic.groupId), \(topic.bookingId), \(park), \(topic.kind.rawValue),
                \(topic.urgency.rawValue), \(topic.state.rawValue), \(topic.openedBy), \(topic.openedAt),
                \(topic.waitingSince))
            """
        )
    }

    static func update(_ topic: Topic) -> Command {
        Command(
            """
            UPDATE topic SET state = \(topic.state.rawValue), waiting_since = \(topic.waitingSince),
                version = \(topic.version)
            WHERE id = \(topic.id)
            """
        )
    }

    static func park(of booking: Booking.ID, in group: TravelGroup.ID) -> Query<(park: Park.ID, number: String)> {
        Query("SELECT park_id, number FROM booking WHERE id = \(booking) AND group_id = \(group)") {
            (try $0.decode("park_id"), try $0.decode("number"))
        }
    }

    /// A topic as hosts see it.
    struct InboxRow: Encodable, Sendable {
        let topic: Topic
        let bookingNumber: String
        let groupName: String
        /// The text of the newest message.
        let lastText: String?
        /// The open task about the topic, and the colleague who owns it.
        let taskId: StaffTask.ID?
        let ownerId: StaffMember.ID?
    }

    /// The topics of a park: urgent ones first, then the longest wait.
    ///
    /// Topics of a state in which nobody waits come newest first.
    static func inbox(
        _ park: Park.ID,
        _ state: Topic.State,
        owner: StaffMember.ID?,
        after offset: Int,
        limit: Int
    ) -> Query<InboxRow> {
        let ofOwner: SQL = owner.map { "task.owner_id = \($0)" } ?? "true"
        return Query(
            """
            SELECT topic.id, topic.group_id, booking_id, topic.park_id, topic.kind, urgency, topic.state, opened_by,
                opened_at, waiting_since, topic.version, booking.number, travel_group.name, task.id AS task_id,
                task.owner_id, (
                    SELECT text FROM message WHERE topic_id = topic.id AND text IS NOT NULL
                    ORDER BY message.at DESC, message.id DESC LIMIT 1
                ) AS last_text
            FROM topic JOIN booking ON booking.id = booking_id JOIN travel_group ON travel_group.id = topic.group_id
            LEFT JOIN task ON task.park_id = topic.park_id AND task.source = 'message'
                AND task.subject = topic.id::text
                AND task.state = 'open'
            WHERE topic.park_id = \(park) AND topic.state = \(state.rawValue) AND \(ofOwner)
            ORDER BY urgency = 'urgent' DESC, waiting_since, topic.id DESC
            OFFSET \(offset) LIMIT \(limit)
            """
        ) { row in
            InboxRow(
                topic: try topic(row).topic,
                bookingNumber: try row.decode("number"),
                groupName: try row.decode("name"),
                lastText: try row.decodeIfPresent("last_text"),
                taskId: try row.decodeIfPresent("task_id"),
                ownerId: try row.decodeIfPresent("owner_id")
            )
        }
    }

    // MARK: Messages

    private static let said: SQL = """
        id, group_id, topic_id, traveller_id, host, text, photo, CASE WHEN photo IS NOT NULL THEN EXISTS (
            SELECT FROM message_photo WHERE message_photo.group_id = message.group_id AND name = photo
        ) END AS is_photo_there, said_at, at
        """

    private static func message(_ row: Row) throws -> Message {
        Message(
            id: try row.decode("id"),
            groupId: try row.decode("group_id"),
            topicId: try row.decodeIfPresent("topic_id"),
            travellerId: try row.decodeIfPresent("traveller_id"),
            host: try row.decodeIfPresent("host"),
            text: try row.decode("text"),
            photo: try row.decodeIfPresent("photo", as: String.self).flatMap { PhotoName($0) },
            isPhotoThere: try row.decodeIfPresent("is_photo_there"),
            saidAt: try row.decode("said_at"),
            at: try row.decode("at")
        )
    }

    /// The messages of a topic, in the order in which the service received them.
    static func messages(in topic: Topic.ID) -> Query<Message> {
        Query(
            "SELECT \(said) FROM message WHERE topic_id = \(topic) AND text IS NOT NULL ORDER BY at, id",
            decoding: message
        )
    }

    /// Messages of the group's own thread, newest first.
    static func messages(
        of group: TravelGroup.ID,
        before cursor: Message.ID?,
        limit: Int
    ) -> Query<Message> {
        let before: SQL =
            cursor.map { "(at, id) < (SELECT at, id FROM message WHERE id = \($0) AND group_id = \(group))" } ?? "true"
        return Query(
            """
            SELECT \(said) FROM message
            WHERE group_id = \(group) AND topic_id IS NULL AND text IS NOT NULL AND \(before)
            ORDER BY at DESC, id DESC LIMIT \(limit)
            """,
            decoding: message
        )
    }

    /// The number of entities that a group's scope shows to phones.
    ///
    /// Every change updates the count, so the query is cheap.
    static func shown(in group: TravelGroup.ID) -> Query<Int> {
        Query("SELECT count FROM scope WHERE name = \("group:\(group)")") { try $0.decode("count") }
    }

    static func insert(_ message: Message, by host: StaffMember.ID?) -> Command {
        Command(
            """
            INSERT INTO message (id, group_id, topic_id, traveller_id, staff_id, host, text, photo, said_at, at)
            VALUES (\(message.id), \(message.groupId), \(message.topicId), \(message.travellerId), \(host),
                \(message.host), \(message.text), \(message.photo?.description), \(message.saidAt), \(message.at))
            """
        )
    }

    static func takeBack(
        _ id: Message.ID,
        in group: TravelGroup.ID,
        by traveller: Traveller.ID
    ) -> Command {
        Command(
            """
            UPDATE message SET text = NULL, photo = NULL
            WHERE id = \(id) AND group_id = \(group) AND traveller_id = \(traveller) AND topic_id IS NULL
            """
        )
    }

    // MARK: A guest's

    static func everything(of guest: Guest.ID) -> Query<PersonalMessage> {
        Query(
            """
            SELECT message.group_id, topic_id, text, photo, said_at
            FROM message JOIN traveller ON traveller.id = traveller_id
            WHERE guest_id = \(guest) AND text IS NOT NULL ORDER BY message.at, message.id
            """
        ) { row in
            PersonalMessage(
                groupId: try row.decode("group_id"),
                topicId: try row.decodeIfPresent("topic_id"),
                text: try row.decode("text"),
                photo: try row.decodeIfPresent("photo"),
                saidAt: try row.decode("said_at")
            )
        }
    }

    static func erase(_ guest: Guest.ID) -> Query<(group: TravelGroup.ID, message: Message.ID)> {
        Query(
            """
            UPDATE message SET text = NULL, photo = NULL FROM traveller
            WHERE traveller.id = traveller_id AND guest_id = \(guest) AND text IS NOT NULL
            RETURNING message.group_id, message.id
            """
        ) { (try $0.decode("group_id"), try $0.decode("id")) }
    }
}

struct PersonalMessage: Encodable, Sendable {
    let groupId: TravelGroup.ID
    let topicId: Topic.ID?
    let text: String
    let photo: String?
    let saidAt: Date
}

extension Publication.Kind {
    static let topic = Publication.Kind("topic", view: "shown_topic")
    static let message = Publication.Kind("message", view: "shown_message")
}
