import Foundation
import GuestModels
import Postgres

enum AlbumSQL {
    /// A booking's album; no row for a booking without a group.
    static func album(_ id: Booking.ID) -> Query<Album> {
        Query(
            """
            SELECT booking.id, group_id, state, upper(stay) AS departure, time_zone
            FROM booking JOIN park ON park.id = park_id WHERE booking.id = \(id) AND group_id IS NOT NULL
            """
        ) { row in
            Album(
                id: try row.decode("id"),
                groupId: try row.decode("group_id"),
                state: try row.word("state", as: Booking.State.self),
                departure: try row.decode("departure"),
                timeZone: try row.decode("time_zone")
            )
        }
    }

    /// Locks an album until the transaction ends, for verbs that count its photos.
    static func lock(_ album: Booking.ID) -> Query<Bool> {
        let key = "album \(album)"
        return Query("SELECT pg_advisory_xact_lock(hashtextextended(\(key), 3)) IS NULL AS is_ours") {
            try $0.decode("is_ours")
        }
    }

    /// The number of an album's photos, and their bytes together.
    static func room(in album: Booking.ID) -> Query<(photos: Int, bytes: Int)> {
        Query(
            """
            SELECT count(*) AS photos, coalesce(sum(size), 0)::bigint AS bytes FROM photo WHERE booking_id = \(album)
            """
        ) { (try $0.decode("photos"), try $0.decode("bytes")) }
    }

    /// The photo of these bytes in an album.
    static func photo(_ name: PhotoName, size: Int, in album: Booking.ID) -> Query<Photo.ID> {
        Query(
            "SELECT id FROM photo WHERE booking_id = \(album) AND name = \(name.description) AND size = \(size)"
        ) { try $0.decode("id") }
    }

    static func insert(_ photo: Photo) -> Command {
        Command(
            """
            INSERT INTO photo (id, group_id, booking_id, added_by, name, size, taken_at, caption, alt, thumbhash,
                added_at)
            VALUES (\(photo.id), \(photo.groupId), \(photo.bookingId), \(photo.travellerId), \(photo.name.description),
                \(photo.size), \(photo.takenAt), \(photo.caption), \(photo.alt), \(photo.thumbhash), \(photo.addedAt))
            """
        )
    }

    /// The ids of an album's photos, as a subquery.
    static func photos(of album: Booking.ID) -> SQL { "SELECT photo.id FROM photo WHERE booking_id = \(album)" }

    /// A photo for an archive of an album.
    struct Archived: Sendable {
        let picture: Picture.ID
        let takenAt: Date
        let member: String?
        /// The master's bytes and their CRC-32.
        let size: Int
        let crc32: UInt32
    }

    /// The photos that the group sees and that are ready, in the order of their times.
    static func archived(in album: Booking.ID) -> Query<Archived> {
        Query(
            """
            SELECT picture.id, photo.taken_at, traveller.name AS member, picture.size, crc32
            FROM photo JOIN picture ON picture.id = picture_id JOIN traveller ON traveller.id = added_by
            WHERE booking_id = \(album) AND hidden_at IS NULL
                AND NOT EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id)
            ORDER BY photo.taken_at, photo.id
            """
        ) { row in
            Archived(
                picture: try row.decode("id"),
                takenAt: try row.decode("taken_at"),
                member: try row.decodeIfPresent("member"),
                size: try row.decode("size"),
                crc32: UInt32(clamping: try row.decode("crc32", as: Int.self))
            )
        }
    }

    // MARK: One photo

    /// A photo with what decides who sees it.
    struct PhotoRow: Sendable {
        var photo: Photo
        /// nil before the photo is ready.
        let picture: Picture.ID?
        /// Whether somebody pictured wants the photo hidden.
        let isObjected: Bool
        /// Whether the member has corrected the time.
        let isTimeMoved: Bool
    }

    static let photoColumns: SQL = """
        photo.id, photo.group_id, photo.booking_id, added_by, name, size, taken_at, caption, alt, thumbhash, state,
            picture_id, added_at, rank, hidden_at IS NOT NULL AS is_hidden, is_time_moved,
            EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id) AS is_objected
        """

    static func photoRow(_ row: Row) throws -> PhotoRow {
        guard let name = PhotoName(try row.decode("name", as: String.self)) else {
            throw Inconsistency("a photo's name is no SHA-256")
        }
        let request = PhotoRequest(
            name: name,
            size: try row.decode("size"),
            takenAt: try row.decode("taken_at"),
            caption: try row.decodeIfPresent("caption"),
            alt: try row.decodeIfPresent("alt"),
            thumbhash: try row.decodeIfPresent("thumbhash")
        )
        var photo = Photo(
            request,
            id: try row.decode("id"),
            album: try row.decode("booking_id"),
            group: try row.decode("group_id"),
            by: try row.decode("added_by"),
            at: try row.decode("added_at")
        )
        photo.state = try row.word("state", as: Photo.State.self)
        photo.rank = try row.decodeIfPresent("rank", as: String.self).flatMap { Rank($0) }
        photo.isHidden = try row.decode("is_hidden")
        return PhotoRow(
            photo: photo,
            picture: try row.decodeIfPresent("picture_id"),
            isObjected: try row.decode("is_objected"),
            isTimeMoved: try row.decode("is_time_moved")
        )
    }

    /// - Parameter isLocked: whether the row stays as it is until the transaction ends.
    static func photo(_ id: Photo.ID, isLocked: Bool = false) -> Query<PhotoRow> {
        let lock: SQL = isLocked ? "FOR NO KEY UPDATE" : ""
        return Query("SELECT \(photoColumns) FROM photo WHERE id = \(id) \(lock)", decoding: photoRow)
    }

    /// The photos of an album that its member has added, locked in the order of their ids.
    static func photos(_ ids: [Photo.ID], of album: Booking.ID, addedBy traveller: Traveller.ID) -> Query<PhotoRow> {
        Query(
            """
            SELECT \(photoColumns) FROM photo
            WHERE id = ANY(\(ids)::uuid[]) AND booking_id = \(album) AND added_by = \(traveller)
            ORDER BY id FOR NO KEY UPDATE
            """,
            decoding: photoRow
        )
    }

    static func moveTime(of photo: Photo.ID, to instant: Date) -> Command {
        Command("UPDATE photo SET taken_at = \(instant), is_time_moved = true WHERE id = \(photo)")
    }

    /// - Parameter hiddenAt: when a curator hid the photo; nil for one that the group sees.
    static func place(_ photo: Photo.ID, _ rank: Rank?, hiddenAt: Date?) -> Command {
        Command("UPDATE photo SET rank = \(rank?.text), hidden_at = \(hiddenAt) WHERE id = \(photo)")
    }

    /// A photo as everybody sees it who may see it.
    static func shown(_ id: Photo.ID) -> Query<JSONText> {
        Query(
            """
            SELECT photo_body(id, CASE WHEN hidden_at IS NOT NULL
                OR EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id) THEN true END) AS body
            FROM photo WHERE id = \(id)
            """
        ) { try $0.decode("body") }
    }

    static func setTexts(of photo: Photo) -> Command {
        Command("UPDATE photo SET caption = \(photo.caption), alt = \(photo.alt) WHERE id = \(photo.id)")
    }

    /// Adds to a photo's history that somebody gave it a text; the photo's row is locked.
    static func record(
        _ value: String?,
        as field: String,
        of photo: Photo.ID,
        by traveller: Traveller.ID,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO photo_event (photo_id, number, field, value, traveller_id, at)
            SELECT \(photo)::uuid, coalesce(max(number), 0) + 1, \(field)::text, \(value)::text, \(traveller)::uuid,
                \(now)::timestamptz
            FROM photo_event WHERE photo_id = \(photo)
            """
        )
    }

    /// Forgets the oldest texts of a photo's history, so that the newest hundred stay.
    static func forgetEvents(of photo: Photo.ID) -> Command {
        Command(
            """
            DELETE FROM photo_event WHERE photo_id = \(photo)
                AND number <= (SELECT max(number) FROM photo_event WHERE photo_id = \(photo)) - 100
            """
        )
    }

    /// Stores whether a member likes a photo; no row changes if a later answer is stored already.
    static func heart(
        _ photo: Photo.ID,
        _ isHearted: Bool,
        by traveller: Traveller.ID,
        in group: TravelGroup.ID,
        at instant: Date
    ) -> Command {
        Command(
            """
            INSERT INTO photo_heart (photo_id, group_id, traveller_id, is_hearted, said_at)
            VALUES (\(photo), \(group), \(traveller), \(isHearted), \(instant))
            ON CONFLICT (photo_id, traveller_id) DO UPDATE
            SET is_hearted = EXCLUDED.is_hearted, said_at = EXCLUDED.said_at
            WHERE photo_heart.said_at <= EXCLUDED.said_at
            """
        )
    }

    static func setComing(_ photo: Photo.ID) -> Command {
        Command("UPDATE photo SET state = 'coming' WHERE id = \(photo) AND state = 'making'")
    }

    static func setMaking(_ photo: Photo.ID) -> Command {
        Command("UPDATE photo SET state = 'making' WHERE id = \(photo) AND state = 'coming'")
    }

    static func setReady(_ photo: Photo.ID, _ picture: Picture.ID, takenAt: Date) -> Command {
        Command(
            """
            UPDATE photo SET state = 'ready', picture_id = \(picture), taken_at = \(takenAt) WHERE id = \(photo)
            """
        )
    }

    static func setUnreadable(_ photo: Photo.ID) -> Command {
        Command("UPDATE photo SET state = 'unreadable' WHERE id = \(photo) AND state <> 'ready'")
    }

    // MARK: Going

    /// A photo that has been deleted.
    struct Gone: Sendable {
        let id: Photo.ID
        let group: TravelGroup.ID
        let addedBy: Traveller.ID
        let picture: Picture.ID?
        /// Whether the group did not see the photo.
        let wasHidden: Bool
    }

    private static let goneColumns: SQL = """
        id, group_id, added_by, picture_id,
            hidden_at IS NOT NULL OR EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id) AS was_hidden
        """

    private static func gone(_ row: Row) throws -> Gone {
        Gone(
            id: try row.decode("id"),
            group: try row.decode("group_id"),
            addedBy: try row.decode("added_by"),
            picture: try row.decodeIfPresent("picture_id"),
            wasHidden: try row.decode("was_hidden")
        )
    }

    static func delete(_ photo: Photo.ID) -> Query<Gone> {
        Query("DELETE FROM photo WHERE id = \(photo) RETURNING \(goneColumns)", decoding: gone)
    }

    /// - Parameter travellers: a subquery of ids.
    static func delete(addedBy travellers: SQL) -> Query<Gone> {
        Query(
            "DELETE FROM photo WHERE added_by IN (\(travellers)) RETURNING \(goneColumns)",
            decoding: gone
        )
    }

    /// Deletes photos that were added before the instant and whose bytes have never come.
    static func deleteComing(before instant: Date) -> Query<Gone> {
        Query(
            """
            DELETE FROM photo WHERE id IN (
                SELECT id FROM photo WHERE state = 'coming' AND added_at < \(instant)
                ORDER BY added_at, id LIMIT \(Command.portion)
            )
            RETURNING \(goneColumns)
            """,
            decoding: gone
        )
    }
}

extension Publication.Kind {
    static let photo = Publication.Kind("photo", view: "shown_photo")
    static let album = Publication.Kind("album", view: "shown_album")
}
