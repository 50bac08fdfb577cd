import Foundation
import GuestModels
import Postgres

/// The parts of albums that belong to one person, for departures, erasures and exports.
enum AlbumDataSQL {
    /// One traveller, as a subquery of ids.
    static func only(_ traveller: Traveller.ID) -> SQL { "SELECT \(traveller)::uuid" }

    /// Takes travellers off the curators; returns the albums and their groups.
    ///
    /// - Parameter travellers: a subquery of ids.
    static func forgetCurators(_ travellers: SQL) -> Query<(album: Booking.ID, group: TravelGroup.ID)> {
        Query("DELETE FROM album_curator WHERE traveller_id IN (\(travellers)) RETURNING booking_id, group_id") {
            (try $0.decode("booking_id"), try $0.decode("group_id"))
        }
    }

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
    static func forgetHearts(of travellers: SQL) -> Query<AlbumSQL.PhotoRow> {
        Query(
            """
            WITH gone AS (DELETE FROM photo_heart WHERE traveller_id IN (\(travellers)) RETURNING photo_id)
            SELECT \(AlbumSQL.photoColumns) FROM photo WHERE id IN (SELECT photo_id FROM gone) ORDER BY id
            """,
            decoding: AlbumSQL.photoRow
        )
    }

    /// The hidden photos that a traveller has added.
    static func hidden(addedBy traveller: Traveller.ID) -> Query<AlbumSQL.PhotoRow> {
        Query(
            """
            SELECT \(AlbumSQL.photoColumns) FROM photo WHERE added_by = \(traveller) AND (
                hidden_at IS NOT NULL OR EXISTS (SELECT FROM photo_objection WHERE photo_id = photo.id)
            )
            ORDER BY id
            """,
            decoding: AlbumSQL.photoRow
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
