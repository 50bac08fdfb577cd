import Foundation
import GuestModels
import Postgres

/// Links that open one share for somebody without an account.
enum PayLinkSQL {
    static func insert(_ link: PayLink, at now: Date) -> Command {
        Command(
            """
            INSERT INTO pay_link (id, share_id, created_at, expires_at)
            VALUES (\(link.id), \(link.shareId), \(now), \(link.expiresAt))
            """
        )
    }

    private static func links(_ condition: SQL) -> Query<PayLink> {
        Query("SELECT id, share_id, expires_at FROM pay_link WHERE revoked_at IS NULL AND \(condition) ORDER BY id") {
            row in
            PayLink(
                id: try row.decode("id"),
                shareId: try row.decode("share_id"),
                expiresAt: try row.decode("expires_at")
            )
        }
    }

    static func link(_ id: PayLink.ID) -> Query<PayLink> { links("id = \(id)") }

    static func links(of share: Share.ID, now: Date) -> Query<PayLink> {
        links("share_id = \(share) AND expires_at > \(now)")
    }

    static func revoke(_ link: PayLink.ID, of share: Share.ID, at now: Date) -> Command {
        Command(
            "UPDATE pay_link SET revoked_at = \(now) WHERE id = \(link) AND share_id = \(share) AND revoked_at IS NULL"
        )
    }

    /// The data that a person with a link sees.
    static func linkView(_ share: Share.ID) -> Query<PayLinkView.Row> {
        Query(
            """
            SELECT park.name AS park, time_zone, number, stay, household.name AS household, booking.currency
            FROM share JOIN booking ON booking.id = booking_id JOIN park ON park.id = park_id
                JOIN household ON household.id = household_id
            WHERE share.id = \(share)
            """
        ) { row in
            .init(
                park: try row.decode("park"),
                timeZone: try row.decode("time_zone"),
                number: try row.decode("number"),
                stay: try row.decode("stay"),
                household: try row.decode("household"),
                currency: try row.decode("currency")
            )
        }
    }
}
