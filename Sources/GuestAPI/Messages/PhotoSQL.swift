import Foundation
import GuestModels
import Postgres

enum PhotoSQL {
    /// Held until the transaction ends, by whoever changes a photo or its file.
    static func lock(_ name: PhotoName, in group: TravelGroup.ID) -> Query<Bool> {
        let key = "\(group) \(name)"
        return Query("SELECT pg_advisory_xact_lock(hashtextextended(\(key), 1)) IS NULL AS is_ours") {
            try $0.decode("is_ours")
        }
    }

    /// How many bytes of a photo have come, and of how many; nothing when it is there or has not begun.
    static func begun(_ name: PhotoName, in group: TravelGroup.ID) -> Query<(received: Int, size: Int)> {
        Query(
            """
            SELECT max(begins + length(bytes)) AS received, max(size) AS size FROM message_photo_part
            WHERE group_id = \(group) AND name = \(name.description) HAVING count(*) > 0
            """
        ) { (try $0.decode("received"), try $0.decode("size")) }
    }

    static func size(_ name: PhotoName, in group: TravelGroup.ID) -> Query<Int> {
        Query("SELECT size FROM message_photo WHERE group_id = \(group) AND name = \(name.description)") {
            try $0.decode("size")
        }
    }

    /// A group's photos, and those that have begun to come.
    static func count(in group: TravelGroup.ID) -> Query<Int> {
        Query(
            """
            SELECT (SELECT count(*) FROM message_photo WHERE group_id = \(group))
                + (SELECT count(DISTINCT name) FROM message_photo_part WHERE group_id = \(group)) AS count
            """
        ) { try $0.decode("count") }
    }

    /// A guest's photos with messages, in all groups.
    static func count(of guest: Guest.ID) -> Query<Int> {
        Query(
            """
            SELECT count(*) AS count FROM message_photo JOIN traveller ON traveller.id = sent_by WHERE guest_id = \(guest)
            """
        ) { try $0.decode("count") }
    }

    static func insert(
        _ part: PhotoPart,
        _ bytes: Data,
        of name: PhotoName,
        in group: TravelGroup.ID,
        by traveller: Traveller.ID,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO message_photo_part (group_id, name, begins, size, bytes, sent_by, at)
            VALUES (\(group), \(name.description), \(part.from), \(part.of), \(bytes), \(traveller), \(now))
            """
        )
    }

    static func parts(of name: PhotoName, in group: TravelGroup.ID) -> Query<Data> {
        Query(
            """
            SELECT bytes FROM message_photo_part WHERE group_id = \(group) AND name = \(name.description)
            ORDER BY begins
            """
        ) { try $0.decode("bytes") }
    }

    static func deleteParts(of name: PhotoName, in group: TravelGroup.ID) -> Command {
        Command("DELETE FROM message_photo_part WHERE group_id = \(group) AND name = \(name.description)")
    }

    static func insert(
        _ name: PhotoName,
        size: Int,
        in group: TravelGroup.ID,
        by traveller: Traveller.ID,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO message_photo (group_id, name, size, sent_by, at)
            VALUES (\(group), \(name.description), \(size), \(traveller), \(now))
            """
        )
    }

    /// What was said with it.
    static func messages(with name: PhotoName, in group: TravelGroup.ID) -> Query<Message.ID> {
        Query("SELECT id FROM message WHERE group_id = \(group) AND photo = \(name.description) ORDER BY id") {
            try $0.decode("id")
        }
    }

    /// Whether it was said in that topic.
    static func isIn(_ topic: Topic.ID, _ name: PhotoName) -> Query<Bool> {
        Query("SELECT true AS is_in FROM message WHERE topic_id = \(topic) AND photo = \(name.description) LIMIT 1") {
            try $0.decode("is_in")
        }
    }

    // MARK: Going

    static func name(of message: Message.ID) -> Query<PhotoName> {
        Query("SELECT photo FROM message WHERE id = \(message) AND photo IS NOT NULL") { try name($0) }
    }

    private static func name(_ row: Row) throws -> PhotoName {
        guard let name = PhotoName(try row.decode("photo", as: String.self)) else { throw UnknownName() }
        return name
    }

    /// The tables let no other in.
    private struct UnknownName: Error {}

    /// A photo that was said, once nothing said has it any more.
    static func dropUnused(
        _ name: PhotoName,
        in group: TravelGroup.ID
    ) -> Query<(group: TravelGroup.ID, name: PhotoName)> {
        Query(
            """
            DELETE FROM message_photo
            WHERE group_id = \(group) AND name = \(name.description) AND NOT EXISTS (
                SELECT FROM message WHERE message.group_id = \(group) AND photo = \(name.description)
            )
            RETURNING group_id, name AS photo
            """
        ) { (try $0.decode("group_id"), try Self.name($0)) }
    }

    /// Those that were sent before that instant and whose message has never come.
    static func unused(before instant: Date) -> Query<(group: TravelGroup.ID, name: PhotoName)> {
        Query(
            """
            SELECT group_id, name AS photo FROM message_photo WHERE at < \(instant) AND NOT EXISTS (
                SELECT FROM message
                WHERE message.group_id = message_photo.group_id AND photo = message_photo.name
            )
            ORDER BY group_id, name
            """
        ) { (try $0.decode("group_id"), try name($0)) }
    }

    static func drop(sentBy guest: Guest.ID) -> Query<(group: TravelGroup.ID, name: PhotoName)> {
        Query(
            """
            DELETE FROM message_photo USING traveller
            WHERE traveller.id = sent_by AND guest_id = \(guest)
            RETURNING message_photo.group_id, message_photo.name AS photo
            """
        ) { (try $0.decode("group_id"), try name($0)) }
    }

    /// All parts of photos of which the guest has sent any: a photo with a hole would never be whole.
    static func deleteParts(sentBy guest: Guest.ID) -> Command {
        Command(
            """
            DELETE FROM message_photo_part WHERE (group_id, name) IN (
                SELECT part.group_id, part.name FROM message_photo_part AS part
                JOIN traveller ON traveller.id = part.sent_by WHERE guest_id = \(guest)
            )
            """
        )
    }

    /// Of photos of which nothing has come since.
    static func deleteParts(before instant: Date) -> Command {
        Command(
            """
            DELETE FROM message_photo_part WHERE (group_id, name) IN (
                SELECT group_id, name FROM message_photo_part GROUP BY group_id, name HAVING max(at) < \(instant)
            )
            """
        )
    }
}
