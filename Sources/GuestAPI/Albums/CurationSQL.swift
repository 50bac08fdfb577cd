import Foundation
import GuestModels
import Postgres

/// The curators of albums, and the objections of those who are pictured.
enum CurationSQL {
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
}
