import Foundation
import GuestModels
import Postgres

/// Changes of a guest's mail address.
enum MailChangeSQL {
    /// The mail address of a session's owner; no row for a child or a guest without mail.
    static func mail(of session: Session.ID) -> Query<String> {
        Query(
            """
            SELECT coalesce(guest.email, staff.email) AS email
            FROM session LEFT JOIN guest ON guest.id = guest_id LEFT JOIN staff ON staff.id = staff_id
            WHERE session.id = \(session) AND coalesce(guest.email, staff.email) IS NOT NULL
            """
        ) { try $0.decode("email") }
    }

    /// Replaces the change under way with a new one; no row changes if the guest has asked too often within a day.
    static func replace(
        _ change: MailChange,
        of guest: Guest.ID,
        atMost maximum: Int,
        at now: Date
    ) -> Query<MailChange.ID> {
        let dayAgo = now.addingTimeInterval(-86400)
        return Query(
            """
            INSERT INTO mail_change AS change (guest_id, id, email, codes_until, due_at, asked, since)
            VALUES (\(guest), \(change.id), \(change.email), \(change.codesUntil), \(change.due), 1, \(now))
            ON CONFLICT (guest_id) DO UPDATE SET
                id = EXCLUDED.id, email = EXCLUDED.email, codes_until = EXCLUDED.codes_until, due_at = EXCLUDED.due_at,
                tries = 0, is_confirmed = false, is_over = false,
                asked = CASE WHEN change.since <= \(dayAgo) THEN 1 ELSE change.asked + 1 END,
                since = CASE WHEN change.since <= \(dayAgo) THEN EXCLUDED.since ELSE change.since END
                WHERE change.since <= \(dayAgo) OR change.asked < \(maximum)
            RETURNING id
            """
        ) { try $0.decode("id") }
    }

    static func mailChange(of guest: Guest.ID) -> Query<MailChange> {
        Query(
            """
            SELECT id, email, is_confirmed, codes_until, due_at FROM mail_change WHERE guest_id = \(guest) AND NOT is_over
            """
        ) { row in
            MailChange(
                id: try row.decode("id"),
                email: try row.decode("email"),
                isConfirmed: try row.decode("is_confirmed"),
                codesUntil: try row.decode("codes_until"),
                due: try row.decode("due_at")
            )
        }
    }

    static func countMailChangeTry(of guest: Guest.ID, now: Date) -> Command {
        Command(
            """
            UPDATE mail_change SET tries = tries + 1
            WHERE guest_id = \(guest) AND NOT is_over AND tries < \(MailChange.maximumTries) AND codes_until > \(now)
            """
        )
    }

    static func confirm(_ change: MailChange.ID) -> Command {
        Command("UPDATE mail_change SET is_confirmed = true WHERE id = \(change)")
    }

    /// Ends a guest's change of mail address.
    ///
    /// The row stays, because it counts how often the guest has asked for a change.
    static func endMailChange(of guest: Guest.ID) -> Command {
        Command("UPDATE mail_change SET is_over = true, email = '', is_confirmed = false WHERE guest_id = \(guest)")
    }

    static let endAllMailChanges = Command(
        "UPDATE mail_change SET is_over = true, email = '', is_confirmed = false WHERE NOT is_over"
    )

    static func setMail(_ email: String, of guest: Guest.ID) -> Command {
        Command("UPDATE guest SET email = \(email), version = version + 1 WHERE id = \(guest)")
    }
}
