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

    private static let photoColumns: SQL = """
        photo.id, photo.group_id, photo.booking_id, added_by, name, size, taken_at, caption, alt, thumbhash, state,
            picture_id, added_at, rank, hidden_at IS NOT NULL AS is_hidden, is_time_moved,
            EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id) AS is_objected
        """

    private static func photoRow(_ row: Row) throws -> PhotoRow {
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

    // MARK: Curators and objections

    static func isCurator(_ traveller: Traveller.ID, of album: Booking.ID) -> Query<Bool> {
        Query(
            """
            SELECT true AS is_curator FROM album_curator WHERE booking_id = \(album) AND traveller_id = \(traveller)
            """
        ) { try $0.decode("is_curator") }
    }

    static func setCurators(_ travellers: [Traveller.ID], of album: Booking.ID, in group: TravelGroup.ID) -> [Command] {
        [
            Command("DELETE FROM album_curator WHERE booking_id = \(album)"),
            Command(
                """
                INSERT INTO album_curator (booking_id, group_id, traveller_id)
                SELECT \(album)::uuid, \(group)::uuid, id FROM unnest(\(travellers)::uuid[]) AS id ORDER BY id
                """
            ),
        ]
    }

    /// Takes travellers off the curators; returns the albums and their groups.
    ///
    /// - Parameter travellers: a subquery of ids.
    static func forgetCurators(_ travellers: SQL) -> Query<(album: Booking.ID, group: TravelGroup.ID)> {
        Query("DELETE FROM album_curator WHERE traveller_id IN (\(travellers)) RETURNING booking_id, group_id") {
            (try $0.decode("booking_id"), try $0.decode("group_id"))
        }
    }

    /// One traveller, as a subquery of ids.
    static func only(_ traveller: Traveller.ID) -> SQL { "SELECT \(traveller)::uuid" }

    static func object(
        to photo: Photo.ID,
        in group: TravelGroup.ID,
        for pictured: Traveller.ID,
        by traveller: Traveller.ID,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO photo_objection (photo_id, group_id, traveller_id, by_id, at)
            VALUES (\(photo), \(group), \(pictured), \(traveller), \(now))
            ON CONFLICT (photo_id, traveller_id) DO NOTHING
            """
        )
    }

    static func withdrawObjection(to photo: Photo.ID, for pictured: Traveller.ID) -> Command {
        Command("DELETE FROM photo_objection WHERE photo_id = \(photo) AND traveller_id = \(pictured)")
    }

    /// The objections that a member has made to photos of an album, newest first.
    static func objections(to album: Booking.ID, by traveller: Traveller.ID) -> Query<PhotoObjection> {
        Query(
            """
            SELECT photo_id, traveller_id, at FROM photo_objection JOIN photo ON photo.id = photo_id
            WHERE booking_id = \(album) AND by_id = \(traveller) ORDER BY at DESC, photo_id, traveller_id
            """
        ) { row in
            PhotoObjection(
                photoId: try row.decode("photo_id"),
                travellerId: try row.decode("traveller_id"),
                at: try row.decode("at")
            )
        }
    }

    /// The photos that curators have hidden and nobody pictured objects to, as JSON.
    static func hidden(in album: Booking.ID) -> Query<JSONText> {
        Query(
            """
            SELECT coalesce(json_agg(body::json ORDER BY photo.id), '[]')::text AS items
            FROM photo JOIN shown_photo AS shown ON shown.id = photo.id AND shown.scope = 'organiser:' || group_id
            WHERE booking_id = \(album)
            """
        ) { try $0.decode("items") }
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
    }

    private static func gone(_ row: Row) throws -> Gone {
        Gone(
            id: try row.decode("id"),
            group: try row.decode("group_id"),
            addedBy: try row.decode("added_by"),
            picture: try row.decodeIfPresent("picture_id")
        )
    }

    static func delete(_ photo: Photo.ID) -> Query<Gone> {
        Query("DELETE FROM photo WHERE id = \(photo) RETURNING id, group_id, added_by, picture_id", decoding: gone)
    }

    /// - Parameter travellers: a subquery of ids.
    static func delete(addedBy travellers: SQL) -> Query<Gone> {
        Query(
            "DELETE FROM photo WHERE added_by IN (\(travellers)) RETURNING id, group_id, added_by, picture_id",
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
            RETURNING id, group_id, added_by, picture_id
            """,
            decoding: gone
        )
    }

    // MARK: Erasing

    /// The travellers whose photos and texts an erasure takes: the guest's rows, and children in the guest's care.
    static func travellers(of guest: Guest.ID) -> SQL {
        "SELECT id FROM traveller WHERE guest_id = \(guest) OR id IN (\(GroupDataSQL.dependants(of: guest)))"
    }

    /// The travellers whom a node of the version before has erased, which knows no albums.
    static let erasedTravellers: SQL = """
        SELECT id FROM traveller WHERE guest_id IS NULL AND left_at IS NOT NULL AND name = '—' AND (
            EXISTS (SELECT FROM photo WHERE added_by = traveller.id)
                OR EXISTS (SELECT FROM photo_event WHERE traveller_id = traveller.id)
                OR EXISTS (SELECT FROM photo_heart WHERE traveller_id = traveller.id)
        )
        """

    /// Removes travellers' hearts; returns the photos that had one.
    ///
    /// - Parameter travellers: a subquery of ids.
    static func forgetHearts(of travellers: SQL) -> Query<PhotoRow> {
        Query(
            """
            WITH gone AS (DELETE FROM photo_heart WHERE traveller_id IN (\(travellers)) RETURNING photo_id)
            SELECT \(photoColumns) FROM photo WHERE id IN (SELECT photo_id FROM gone) ORDER BY id
            """,
            decoding: photoRow
        )
    }

    /// The hidden photos that a traveller has added.
    static func hidden(addedBy traveller: Traveller.ID) -> Query<PhotoRow> {
        Query(
            """
            SELECT \(photoColumns) FROM photo WHERE added_by = \(traveller) AND (
                hidden_at IS NOT NULL OR EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id)
            )
            ORDER BY id
            """,
            decoding: photoRow
        )
    }

    /// Locks the photos with texts by travellers, in the order of the photos' ids.
    static func lockPhotos(withTextsBy travellers: SQL) -> Command {
        Command(
            """
            SELECT id FROM photo WHERE id IN (SELECT photo_id FROM photo_event WHERE traveller_id IN (\(travellers)))
            ORDER BY id FOR NO KEY UPDATE
            """
        )
    }

    /// Removes the present texts that travellers gave to photos; returns the photos that had one.
    static func removeTexts(
        by travellers: SQL
    ) -> Query<(photo: Photo.ID, group: TravelGroup.ID, addedBy: Traveller.ID)> {
        Query(
            """
            WITH last AS (
                SELECT DISTINCT ON (photo_id, field) photo_id, field, traveller_id FROM photo_event
                WHERE photo_id IN (SELECT photo_id FROM photo_event WHERE traveller_id IN (\(travellers)))
                ORDER BY photo_id, field, number DESC
            ), theirs AS (
                SELECT photo_id, bool_or(field = 'caption') AS has_caption, bool_or(field = 'alt') AS has_alt FROM last
                WHERE traveller_id IN (\(travellers)) GROUP BY photo_id
            )
            UPDATE photo SET caption = CASE WHEN has_caption THEN NULL ELSE caption END,
                alt = CASE WHEN has_alt THEN NULL ELSE alt END
            FROM theirs WHERE photo.id = theirs.photo_id
            RETURNING photo.id, group_id, added_by
            """
        ) { (try $0.decode("id"), try $0.decode("group_id"), try $0.decode("added_by")) }
    }

    static func deleteEvents(by travellers: SQL) -> Command {
        Command("DELETE FROM photo_event WHERE traveller_id IN (\(travellers))")
    }

    /// A photo that a guest added, as their export has it.
    struct PersonalPhoto: Encodable, Sendable {
        let id: Photo.ID
        let bookingId: Booking.ID
        let takenAt: Date
        let addedAt: Date
        let caption: String?
        let alt: String?
    }

    static func photos(addedBy guest: Guest.ID) -> Query<PersonalPhoto> {
        Query(
            """
            SELECT photo.id, booking_id, taken_at, added_at, caption, alt
            FROM photo JOIN traveller ON traveller.id = added_by WHERE guest_id = \(guest) ORDER BY photo.id
            """
        ) { row in
            PersonalPhoto(
                id: try row.decode("id"),
                bookingId: try row.decode("booking_id"),
                takenAt: try row.decode("taken_at"),
                addedAt: try row.decode("added_at"),
                caption: try row.decodeIfPresent("caption"),
                alt: try row.decodeIfPresent("alt")
            )
        }
    }

    /// A guest's words and wishes in the albums of a group, as their export has them.
    struct Personal: Encodable, Sendable {
        let groupId: TravelGroup.ID
        /// The texts that the guest gave to photos.
        let texts: [String]
        /// The photos that the guest likes.
        let hearts: [Photo.ID]
        /// The photos that the guest objects to.
        let objections: [Photo.ID]
    }

    static func everything(of guest: Guest.ID) -> Query<Personal> {
        Query(
            """
            SELECT group_id,
                ARRAY(SELECT value FROM photo_event WHERE traveller_id = traveller.id AND value IS NOT NULL
                    ORDER BY photo_id, number) AS texts,
                ARRAY(SELECT photo_id FROM photo_heart WHERE traveller_id = traveller.id AND is_hearted
                    ORDER BY photo_id) AS hearts,
                ARRAY(SELECT photo_id FROM photo_objection WHERE by_id = traveller.id ORDER BY photo_id, traveller_id)
                    AS objections
            FROM traveller WHERE guest_id = \(guest) ORDER BY traveller.id
            """
        ) { row in
            Personal(
                groupId: try row.decode("group_id"),
                texts: try row.decode("texts"),
                hearts: try row.decode("hearts"),
                objections: try row.decode("objections")
            )
        }
    }
}

extension Publication.Kind {
    static let photo = Publication.Kind("photo", view: "shown_photo")
    static let album = Publication.Kind("album", view: "shown_album")
}
