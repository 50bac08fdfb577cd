import Foundation
import GuestModels
import Postgres

enum PhotoSQL {
    /// Locks a photo until the transaction ends.
    ///
    /// Every change of a photo or of its file takes this lock.
    static func lock(_ name: PhotoName, in group: TravelGroup.ID) -> Query<Bool> {
        let key = "\(group) \(name)"
        return Query("SELECT pg_advisory_xact_lock(hashtextextended(\(key), 1)) IS NULL AS is_ours") {
            try $0.decode("is_ours")
        }
    }

    /// A photo in the object store.
    struct Stored: Sendable {
        let group: TravelGroup.ID
        let name: PhotoName
        /// nil for a photo of former versions, whose object has the photo's name.
        let object: UUID?
    }

    private static func stored(_ row: Row) throws -> Stored {
        Stored(
            group: try row.decode("group_id"),
            name: try name(row),
            object: try row.decodeIfPresent("object")
        )
    }

    static func stored(_ name: PhotoName, in group: TravelGroup.ID) -> Query<Stored> {
        Query(
            """
            SELECT group_id, name AS photo, object FROM message_photo
            WHERE group_id = \(group) AND name = \(name.description)
            """,
            decoding: stored
        )
    }

    /// The last part of an upload of the version before: who sent it, and the photo's size; no row if it is deleted.
    static func lastPart(_ work: StorePhotoParts) -> Query<(sender: Traveller.ID, size: Int)> {
        Query(
            """
            SELECT sent_by, size FROM message_photo_part
            WHERE group_id = \(work.groupId) AND name = \(work.name.description) AND object = \(work.object)
            """
        ) { (try $0.decode("sent_by"), try $0.decode("size")) }
    }

    static func size(_ name: PhotoName, in group: TravelGroup.ID) -> Query<Int> {
        Query("SELECT size FROM message_photo WHERE group_id = \(group) AND name = \(name.description)") {
            try $0.decode("size")
        }
    }

    /// The number of a group's photos, including photos that have begun to arrive.
    static func count(in group: TravelGroup.ID) -> Query<Int> {
        Query(
            """
            SELECT (SELECT count(*) FROM message_photo WHERE group_id = \(group)) + (
                SELECT count(*) FROM upload
                WHERE kind = 'messagePhoto' AND owner = \(group) AND gone_at IS NULL
            ) AS count
            """
        ) { try $0.decode("count") }
    }

    /// The number of complete photos that a guest has sent, in all groups.
    static func count(of guest: Guest.ID) -> Query<Int> {
        Query(
            """
            SELECT count(*) AS count FROM message_photo JOIN traveller ON traveller.id = sent_by WHERE guest_id = \(guest)
            """
        ) { try $0.decode("count") }
    }

    /// The traveller that a guest is, or was, in a group.
    static func traveller(of guest: Guest.ID, in group: TravelGroup.ID) -> Query<Traveller.ID> {
        Query(
            """
            SELECT id FROM traveller WHERE group_id = \(group) AND guest_id = \(guest)
            ORDER BY left_at DESC NULLS FIRST, id LIMIT 1
            """
        ) { try $0.decode("id") }
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
        as object: UUID,
        in group: TravelGroup.ID,
        by traveller: Traveller.ID,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO message_photo (group_id, name, size, object, sent_by, at)
            VALUES (\(group), \(name.description), \(size), \(object), \(traveller), \(now))
            """
        )
    }

    /// The messages that have the photo.
    static func messages(with name: PhotoName, in group: TravelGroup.ID) -> Query<Message.ID> {
        Query("SELECT id FROM message WHERE group_id = \(group) AND photo = \(name.description) ORDER BY id") {
            try $0.decode("id")
        }
    }

    /// Whether a message of the topic has the photo.
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

    /// A stored photo name that cannot be read; the tables accept no such name.
    private struct UnknownName: Error {}

    /// Deletes a photo once no message has it any more.
    static func dropUnused(_ name: PhotoName, in group: TravelGroup.ID) -> Query<Stored> {
        Query(
            """
            DELETE FROM message_photo
            WHERE group_id = \(group) AND name = \(name.description) AND NOT EXISTS (
                SELECT FROM message WHERE message.group_id = \(group) AND photo = \(name.description)
            )
            RETURNING group_id, name AS photo, object
            """,
            decoding: stored
        )
    }

    /// The photos that arrived before the instant and whose message has never come.
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

    static func drop(sentBy guest: Guest.ID) -> Query<Stored> {
        Query(
            """
            DELETE FROM message_photo USING traveller
            WHERE traveller.id = sent_by AND guest_id = \(guest)
            RETURNING message_photo.group_id, message_photo.name AS photo, message_photo.object
            """,
            decoding: stored
        )
    }

    /// Deletes all parts of photos of which the guest has sent any part.
    ///
    /// A photo with a missing part can never become whole.
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

    /// Deletes the parts of photos of which nothing has arrived since the instant.
    ///
    /// The parts of a photo that waits to be stored stay 30 days longer, because its phone sends it no more.
    static func deleteParts(before instant: Date) -> Command {
        Command(
            """
            DELETE FROM message_photo_part WHERE (group_id, name) IN (
                SELECT group_id, name FROM message_photo_part GROUP BY group_id, name
                HAVING max(at) < \(instant) AND (count(object) = 0 OR max(at) < \(instant)::timestamptz - interval '30 days')
            )
            """
        )
    }
}
