import Foundation
import GuestModels
import Postgres

/// Codes and links to sign in with, and counts of strangers' tries.
enum SignInSQL {
    static func insertAttempt(
        _ id: CodeRequest.AttemptID,
        _ audience: CodeRequest.Audience,
        email: String,
        deviceHash: Data,
        at now: Date,
        expiresAt: Date
    ) -> Command {
        Command(
            """
            INSERT INTO sign_in_attempt (id, audience, email, device_hash, expires_at, link_expires_at, created_at)
            VALUES (\(id), \(audience.rawValue), \(email), \(deviceHash), \(expiresAt),
                \(now.addingTimeInterval(SignInLink.lifetime)), \(now))
            """
        )
    }

    /// Writes a desk link; it has no code, and no device until a device opens the link.
    static func insertDeskLink(
        _ id: CodeRequest.AttemptID,
        of guest: Guest.ID,
        at now: Date,
        expiresAt: Date
    ) -> Command {
        Command(
            """
            INSERT INTO sign_in_attempt (id, audience, guest_id, expires_at, link_expires_at, created_at)
            VALUES (\(id), 'guest', \(guest), \(now), \(expiresAt), \(now))
            """
        )
    }

    static func endDeskLinks(of guest: Guest.ID) -> Command {
        Command("DELETE FROM sign_in_attempt WHERE guest_id = \(guest) AND used_at IS NULL")
    }

    /// Locks an address, so that its sign-in requests run one after the other.
    static func lock(address email: String) -> Query<Bool> {
        Query(
            "SELECT pg_advisory_xact_lock(hashtextextended('sign-in ' || \(email)::text, 0)) IS NULL AS is_alone"
        ) { try $0.decode("is_alone") }
    }

    struct Pressure {
        let codesByDevice: Int
        let codesByStrangers: Int
        let failuresByStrangers: Int
        let isKnownDevice: Bool
    }

    /// Recent codes and tries for an address; strangers' devices are counted apart from known devices.
    static func pressure(on email: String, deviceHash: Data, now: Date) -> Query<Pressure> {
        Query(
            """
            SELECT
                count(*) FILTER (WHERE device_hash = \(deviceHash)
                    AND created_at > \(now.addingTimeInterval(-3600))) AS by_device,
                count(*) FILTER (WHERE NOT is_known
                    AND created_at > \(now.addingTimeInterval(-3600))) AS by_strangers,
                coalesce(sum(tries) FILTER (WHERE NOT is_known AND used_at IS NULL), 0)::int AS failures,
                EXISTS (
                    SELECT FROM known_device WHERE email = \(email) AND device_hash = \(deviceHash)
                ) AS is_known
            FROM (
                SELECT device_hash, created_at, tries, used_at, EXISTS (
                    SELECT FROM known_device AS known
                    WHERE known.email = attempt.email AND known.device_hash = attempt.device_hash
                ) AS is_known
                FROM sign_in_attempt AS attempt
                WHERE email = \(email) AND created_at > \(now.addingTimeInterval(-86400 - CodeRequest.lifetime))
            ) AS attempts
            """
        ) { row in
            Pressure(
                codesByDevice: try row.decode("by_device"),
                codesByStrangers: try row.decode("by_strangers"),
                failuresByStrangers: try row.decode("failures"),
                isKnownDevice: try row.decode("is_known")
            )
        }
    }

    /// Remembers that a device was signed in to an address.
    static func know(_ deviceHash: Data, of email: String, at now: Date) -> Command {
        Command(
            """
            INSERT INTO known_device (email, device_hash, seen_at) VALUES (\(email), \(deviceHash), \(now))
            ON CONFLICT (email, device_hash) DO UPDATE SET seen_at = EXCLUDED.seen_at
            """
        )
    }

    /// A sign-in that was begun, with a mail or at a desk.
    struct Attempt: Sendable {
        enum Person: Sendable {
            case guest(email: String)
            case staff(email: String)
            /// A guest whom the desk lets in without mail.
            case deskGuest(Guest.ID)

            var email: String? {
                switch self {
                case .guest(let email), .staff(let email): email
                case .deskGuest: nil
                }
            }
        }

        let id: CodeRequest.AttemptID
        let person: Person
        /// The device that asked for the attempt; once a link was used, the device that opened it.
        let deviceHash: Data?
        let usedAt: Date?
        let linkExpiresAt: Date
    }

    static func countTry(_ id: CodeRequest.AttemptID, deviceHash: Data, now: Date) -> Query<String> {
        Query(
            """
            UPDATE sign_in_attempt SET tries = tries + 1
            WHERE id = \(id) AND device_hash = \(deviceHash) AND tries < 5 AND expires_at > \(now)
            RETURNING email
            """
        ) { try $0.decode("email") }
    }

    static func attempt(_ id: CodeRequest.AttemptID, locked: Bool = false) -> Query<Attempt> {
        let lock: SQL = locked ? "FOR UPDATE" : ""
        return Query(
            """
            SELECT id, audience, email, guest_id, device_hash, used_at, link_expires_at
            FROM sign_in_attempt WHERE id = \(id) \(lock)
            """
        ) { row in
            let person: Attempt.Person
            if let guest = try row.decodeIfPresent("guest_id", as: Guest.ID.self) {
                person = .deskGuest(guest)
            } else {
                let email: String = try row.decode("email")
                let audience = try row.word("audience", as: CodeRequest.Audience.self)
                person = audience == .staff ? .staff(email: email) : .guest(email: email)
            }
            return Attempt(
                id: try row.decode("id"),
                person: person,
                deviceHash: try row.decodeIfPresent("device_hash"),
                usedAt: try row.decodeIfPresent("used_at"),
                linkExpiresAt: try row.decode("link_expires_at")
            )
        }
    }

    static func attempt(pageCode: Data) -> Query<CodeRequest.AttemptID> {
        Query("SELECT id FROM sign_in_attempt WHERE page_code = \(pageCode)") { try $0.decode("id") }
    }

    static func useAttempt(_ id: CodeRequest.AttemptID, by deviceHash: Data, at now: Date) -> Command {
        Command("UPDATE sign_in_attempt SET used_at = \(now), device_hash = \(deviceHash) WHERE id = \(id)")
    }

    static func setPageCode(_ code: Data, of id: CodeRequest.AttemptID, at now: Date) -> Command {
        Command(
            """
            UPDATE sign_in_attempt SET page_code = \(code)
            WHERE id = \(id) AND used_at IS NULL AND link_expires_at > \(now)
            """
        )
    }

    /// Whether a device was signed in to the address of an attempt before.
    static func isKnown(_ deviceHash: Data, for attempt: CodeRequest.AttemptID) -> Query<Bool> {
        Query(
            """
            SELECT true AS is_known FROM sign_in_attempt JOIN known_device USING (email)
            WHERE id = \(attempt) AND known_device.device_hash = \(deviceHash)
            """
        ) { try $0.decode("is_known") }
    }

    static func isKnown(_ deviceHash: Data, at email: String) -> Query<Bool> {
        Query(
            "SELECT true AS is_known FROM known_device WHERE email = \(email) AND device_hash = \(deviceHash)"
        ) { try $0.decode("is_known") }
    }

    /// Notes that a security notice about an address is sent; no row if it was sent within the last day.
    static func begin(_ notice: SecurityNotice, about email: String, at now: Date) -> Query<Bool> {
        Query(
            """
            INSERT INTO security_notice (email, kind, told_at) VALUES (\(email), \(notice.rawValue), \(now))
            ON CONFLICT (email, kind) DO UPDATE SET told_at = EXCLUDED.told_at
                WHERE security_notice.told_at <= \(now.addingTimeInterval(-86400))
            RETURNING true AS is_told
            """
        ) { try $0.decode("is_told") }
    }

    /// The people who get a security notice about a mail address.
    ///
    /// They are the guest and the colleague with the address. For a colleague's address, up to five people at head
    /// office get the notice too.
    static func readersOfSecurity(about email: String) -> Query<(email: String, language: Language)> {
        Query(
            """
            SELECT email, language FROM guest WHERE email = \(email)
            UNION
            SELECT email, language FROM staff WHERE email = \(email) AND left_at IS NULL
            UNION
            (SELECT email, language FROM staff
            WHERE is_head_office AND left_at IS NULL
                AND EXISTS (SELECT FROM staff WHERE email = \(email) AND left_at IS NULL)
            ORDER BY created_at, id LIMIT 5)
            ORDER BY email, language
            """
        ) { row in
            (try row.decode("email"), Language(rawValue: try row.decode("language")) ?? .english)
        }
    }
}
