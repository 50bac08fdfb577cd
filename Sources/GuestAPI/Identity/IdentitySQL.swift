import Foundation
import GuestModels
import Postgres

enum IdentitySQL {
    // MARK: Tokens

    static func credentials(_ hash: Data, now: Date) -> Query<Authenticator.Credentials> {
        Query(
            """
            SELECT session.id, factor_at, guest.id AS guest_id, child.id AS child_id, child.group_id, coalesce(guest.language, staff.language) AS language,
                staff.id AS staff_id, staff.email, staff.name, staff.is_head_office, staff.version,
                (SELECT coalesce(jsonb_agg(jsonb_build_object('parkId', park_id, 'function', function)), '[]')
                 FROM staff_function WHERE staff_id = staff.id) AS posts
            FROM access_token
            JOIN session ON session.id = session_id
            LEFT JOIN guest ON guest.id = session.guest_id AND erased_at IS NULL
            LEFT JOIN staff ON staff.id = session.staff_id AND staff.left_at IS NULL
            LEFT JOIN traveller AS child ON child.id = session.traveller_id AND \(isInCare)
            WHERE hash = \(hash) AND expires_at > \(now) AND revoked_at IS NULL AND ends_at > \(now)
                AND num_nonnulls(guest.id, staff.id, child.id) = 1
            """
        ) { row in
            let principal: Principal =
                if let guest = try row.decodeIfPresent("guest_id", as: Guest.ID.self) {
                    .guest(guest)
                } else if let child = try row.decodeIfPresent("child_id", as: Traveller.ID.self) {
                    .child(child, in: try row.decode("group_id"))
                } else {
                    .staff(try staffMember(row))
                }
            return Authenticator.Credentials(
                principal: principal,
                session: try row.decode("id"),
                language: try row.decodeIfPresent("language", as: String.self).flatMap { Language(rawValue: $0) },
                factorAt: try row.decodeIfPresent("factor_at")
            )
        }
    }

    /// A child travels along without an account of its own, and so does the guardian who answers for it.
    private static let isInCare: SQL = """
        child.left_at IS NULL AND child.guest_id IS NULL AND EXISTS (
            SELECT FROM traveller WHERE traveller.id = child.guardian_id AND traveller.left_at IS NULL
        )
        """

    private static func staffMember(_ row: Row) throws -> StaffMember {
        StaffMember(
            id: try row.decode("staff_id"),
            email: try row.decode("email"),
            name: try row.decode("name"),
            isHeadOffice: try row.decode("is_head_office"),
            posts: try row.decodeJSON("posts"),
            version: try row.decode("version")
        )
    }

    static func insertSession(
        _ id: Session.ID,
        of owner: Session.Owner,
        deviceName: String,
        deviceHash: Data,
        at now: Date,
        endsAt: Date
    ) -> Command {
        let column: SQL
        let person: UUID
        switch owner {
        case .guest(let id): (column, person) = ("guest_id", id.uuid)
        case .staff(let id): (column, person) = ("staff_id", id.uuid)
        case .child(let id): (column, person) = ("traveller_id", id.uuid)
        }
        return Command(
            """
            INSERT INTO session (id, \(column), device_name, device_hash, created_at, last_seen_at, ends_at)
            VALUES (\(id), \(person), \(deviceName), \(deviceHash), \(now), \(now), \(endsAt))
            """
        )
    }

    static func insertRefreshToken(_ token: Token, session: Session.ID, expiresAt: Date) -> Command {
        Command(
            """
            INSERT INTO refresh_token (hash, session_id, expires_at) VALUES (\(token.hash), \(session), \(expiresAt))
            ON CONFLICT (hash) DO UPDATE SET expires_at = EXCLUDED.expires_at
            """
        )
    }

    static func insertAccessToken(_ token: Token, session: Session.ID, expiresAt: Date) -> Command {
        Command(
            """
            INSERT INTO access_token (hash, session_id, expires_at) VALUES (\(token.hash), \(session), \(expiresAt))
            ON CONFLICT (hash) DO UPDATE SET expires_at = EXCLUDED.expires_at
            """
        )
    }

    static func lengthenAccess(_ token: Token, until end: Date) -> Command {
        Command("UPDATE access_token SET expires_at = \(end) WHERE hash = \(token.hash)")
    }

    struct RefreshRow {
        let session: Session.ID
        let isStaff: Bool
        let deviceHash: Data
        let usedAt: Date?
        let expiresAt: Date
        let endsAt: Date
        let isRevoked: Bool

        func isUsable(at now: Date) -> Bool { !isRevoked && now < expiresAt && now < endsAt }
    }

    static func lockedRefreshToken(_ token: Token) -> Query<RefreshRow> {
        Query(
            """
            SELECT session.id, staff_id IS NOT NULL AS is_staff, device_hash, used_at, expires_at, ends_at,
                revoked_at IS NOT NULL AS is_revoked
            FROM refresh_token JOIN session ON session.id = session_id
            WHERE hash = \(token.hash)
            FOR UPDATE
            """
        ) { row in
            RefreshRow(
                session: try row.decode("id"),
                isStaff: try row.decode("is_staff"),
                deviceHash: try row.decode("device_hash"),
                usedAt: try row.decodeIfPresent("used_at"),
                expiresAt: try row.decode("expires_at"),
                endsAt: try row.decode("ends_at"),
                isRevoked: try row.decode("is_revoked")
            )
        }
    }

    static func markUsed(_ token: Token, at now: Date) -> Command {
        Command("UPDATE refresh_token SET used_at = \(now) WHERE hash = \(token.hash)")
    }

    static func touchSession(_ id: Session.ID, at now: Date) -> Command {
        Command("UPDATE session SET last_seen_at = \(now) WHERE id = \(id)")
    }

    static func revoke(_ id: Session.ID, at now: Date) -> Command {
        Command("UPDATE session SET revoked_at = \(now) WHERE id = \(id) AND revoked_at IS NULL")
    }

    /// Signs all devices of those who work here out.
    static func revokeAllStaff(at now: Date) -> Command {
        Command("UPDATE session SET revoked_at = \(now) WHERE staff_id IS NOT NULL AND revoked_at IS NULL")
    }

    static func revoke(_ id: Session.ID, of guest: Guest.ID, at now: Date) -> Command {
        Command(
            """
            UPDATE session SET revoked_at = coalesce(revoked_at, \(now)) WHERE id = \(id) AND guest_id = \(guest)
            """
        )
    }

    static func revoke(_ id: Session.ID, of staff: StaffMember.ID, at now: Date) -> Command {
        Command(
            """
            UPDATE session SET revoked_at = coalesce(revoked_at, \(now)) WHERE id = \(id) AND staff_id = \(staff)
            """
        )
    }

    static func devices(of guest: Guest.ID, current: Session.ID?, now: Date) -> Query<Device> {
        devices("guest_id = \(guest)", current: current, now: now)
    }

    static func devices(of staff: StaffMember.ID, current: Session.ID?, now: Date) -> Query<Device> {
        devices("staff_id = \(staff)", current: current, now: now)
    }

    static func devices(of child: Traveller.ID, now: Date) -> Query<Device> {
        devices("traveller_id = \(child)", current: nil, now: now)
    }

    private static func devices(_ theirs: SQL, current: Session.ID?, now: Date) -> Query<Device> {
        Query(
            """
            SELECT id, device_name, created_at, last_seen_at FROM session
            WHERE \(theirs) AND revoked_at IS NULL AND ends_at > \(now)
            ORDER BY last_seen_at DESC, id
            """
        ) { row in
            let id: Identifier<Device> = try row.decode("id")
            return Device(
                id: id,
                name: try row.decode("device_name"),
                signedInAt: try row.decode("created_at"),
                lastSeenAt: try row.decode("last_seen_at"),
                isThisOne: id.uuid == current?.uuid
            )
        }
    }

    static func revoke(_ id: Session.ID, of child: Traveller.ID, at now: Date) -> Command {
        Command(
            """
            UPDATE session SET revoked_at = coalesce(revoked_at, \(now)) WHERE id = \(id) AND traveller_id = \(child)
            """
        )
    }

    // MARK: A child's phone

    static func insert(_ id: PhoneAdmission.ID, of child: Traveller.ID, by guest: Guest.ID, until end: Date) -> Command
    {
        Command(
            """
            INSERT INTO child_admission (id, traveller_id, admitted_by, expires_at)
            VALUES (\(id), \(child), \(guest), \(end))
            """
        )
    }

    struct Admission: Sendable {
        let child: Traveller.ID
        let expiresAt: Date
        /// The phone that has come already, and when.
        let deviceHash: Data?
        let usedAt: Date?
    }

    /// Locked; none for a child who travels no more, has an account, or lost its guardian.
    static func lockedAdmission(_ id: PhoneAdmission.ID) -> Query<Admission> {
        Query(
            """
            SELECT child.id, child_admission.expires_at, device_hash, session.created_at
            FROM child_admission JOIN traveller AS child ON child.id = child_admission.traveller_id
                LEFT JOIN session ON session.id = session_id
            WHERE child_admission.id = \(id) AND \(isInCare) FOR UPDATE OF child_admission
            """
        ) { row in
            Admission(
                child: try row.decode("id"),
                expiresAt: try row.decode("expires_at"),
                deviceHash: try row.decodeIfPresent("device_hash"),
                usedAt: try row.decodeIfPresent("created_at")
            )
        }
    }

    static func use(_ id: PhoneAdmission.ID, for session: Session.ID) -> Command {
        Command("UPDATE child_admission SET session_id = \(session) WHERE id = \(id)")
    }

    static func deleteOldTokens(now: Date) -> [Command] {
        func ago(_ days: Double) -> Date { now.addingTimeInterval(-86400 * days) }
        return [
            .forget("access_token", where: "expires_at < \(now)"),
            // Used tokens stay until they expire, because a used one that comes again shows a copy.
            .forget("refresh_token", where: "expires_at < \(now)"),
            .forget("known_device", where: "seen_at < \(ago(400))"),
            .forget("sign_in_attempt", where: "created_at < \(ago(2))"),
            .forget("security_notice", where: "told_at < \(ago(2))"),
            .forget("invitation_guess", where: "day < \(ago(2))"),
            .forget("mail_change", where: "due_at < \(ago(30))"),
            .forget("child_admission", where: "expires_at < \(ago(1))"),
            .forget("session", where: "ends_at < \(ago(1))"),
            .forget("session", where: "revoked_at < \(ago(1))"),
        ]
    }

    /// What staff looked at stays a year and some weeks.
    ///
    /// What they did stays ten years, as long as the books that it may explain.
    static func forgetAudit(now: Date) -> [Command] {
        let (looks, deeds) = (now.addingTimeInterval(-86400 * 400), now.addingTimeInterval(-86400 * 3653))
        return [
            .forget("audit", where: "at < \(looks) AND (action LIKE 'look.%' OR action LIKE '%.show')"),
            .forget("audit", where: "at < \(deeds)"),
        ]
    }

    // MARK: Codes

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

    /// No code belongs to it, and no device until one opens the link.
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

    /// Makes whoever tries to sign in to an address wait for the one before.
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

    /// How hard this address has been tried of late; a device that has been signed in to it counts apart.
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
        /// The device that asked; once a link was used, the one that opened it.
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

    // MARK: Telling of what somebody tries

    /// Begins to tell about an address; nothing where that was done within a day.
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

    /// The people who hear about an address: its guest, its colleague, and for a colleague's up to five people at head office.
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

    /// The address of whoever a session belongs to; none for a child and for a guest without mail.
    static func mail(of session: Session.ID) -> Query<String> {
        Query(
            """
            SELECT coalesce(guest.email, staff.email) AS email
            FROM session LEFT JOIN guest ON guest.id = guest_id LEFT JOIN staff ON staff.id = staff_id
            WHERE session.id = \(session) AND coalesce(guest.email, staff.email) IS NOT NULL
            """
        ) { try $0.decode("email") }
    }

    // MARK: Another mail address

    /// Writes a change instead of the one under way; nothing where the guest has asked too often within a day.
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

    /// The row stays, because it counts how often the guest has asked.
    static func endMailChange(of guest: Guest.ID) -> Command {
        Command("UPDATE mail_change SET is_over = true, email = '', is_confirmed = false WHERE guest_id = \(guest)")
    }

    static let endAllMailChanges = Command(
        "UPDATE mail_change SET is_over = true, email = '', is_confirmed = false WHERE NOT is_over"
    )

    static func setMail(_ email: String, of guest: Guest.ID) -> Command {
        Command("UPDATE guest SET email = \(email), version = version + 1 WHERE id = \(guest)")
    }

    /// Devices that were known at an address are known at the next one; a colleague who has the old one keeps it.
    static func forget(address old: String, for new: String) -> [Command] {
        [
            Command(
                """
                INSERT INTO known_device (email, device_hash, seen_at)
                SELECT \(new), device_hash, seen_at FROM known_device WHERE email = \(old)
                ON CONFLICT (email, device_hash) DO NOTHING
                """
            ),
            Command(
                """
                DELETE FROM known_device WHERE email = \(old)
                    AND NOT EXISTS (SELECT FROM staff WHERE staff.email = known_device.email AND left_at IS NULL)
                """
            ),
            Command("DELETE FROM sign_in_attempt WHERE email = \(old) AND audience = 'guest'"),
        ]
    }

    // MARK: People

    static func insertGuest(_ id: Guest.ID, email: String?, name: String, language: Language, at now: Date) -> Command {
        Command(
            """
            INSERT INTO guest (id, email, name, language, created_at)
            VALUES (\(id), \(email), \(name), \(language.rawValue), \(now))
            ON CONFLICT (email) DO NOTHING
            """
        )
    }

    // MARK: The desk

    static func insertDeskGuest(_ guest: DeskGuest, at park: Park.ID, at now: Date) -> Command {
        Command(
            """
            INSERT INTO guest (id, name, language, created_at, desk_park_id)
            VALUES (\(guest.id), \(guest.name), \(guest.language.rawValue), \(now), \(park))
            """
        )
    }

    /// A guest whom the desk of that park has made, locked, and whether they have ever signed in.
    static func lockedDeskGuest(
        _ guest: Guest.ID,
        of park: Park.ID
    ) -> Query<(guest: DeskGuest, hasSignedIn: Bool)> {
        Query(
            """
            SELECT id, name, language, email IS NOT NULL AS has_mail, claimed_at IS NOT NULL AS has_signed_in FROM guest
            WHERE id = \(guest) AND desk_park_id = \(park) AND erased_at IS NULL FOR NO KEY UPDATE
            """
        ) { row in
            (try deskGuest(row), try row.decode("has_signed_in"))
        }
    }

    static func updateDeskGuest(_ guest: DeskGuest) -> Command {
        Command(
            """
            UPDATE guest SET name = \(guest.name), language = \(guest.language.rawValue), version = version + 1
            WHERE id = \(guest.id)
            """
        )
    }

    /// The account is the guest's own from now on.
    static func claim(_ guest: Guest.ID, at now: Date) -> Command {
        Command("UPDATE guest SET claimed_at = \(now) WHERE id = \(guest) AND claimed_at IS NULL")
    }

    private static func deskGuest(_ row: Row) throws -> DeskGuest {
        DeskGuest(
            id: try row.decode("id"),
            name: try row.decode("name"),
            language: Language(rawValue: try row.decode("language")) ?? .english,
            hasMail: try row.decode("has_mail")
        )
    }

    /// Whether a guest has to do with one of the parks; with nil every guest has.
    ///
    /// That is a park whose desk made the account, or where a group of theirs stays or has stayed. A hold that ran out and
    /// a stay that was cancelled make nobody known.
    static func isOf(_ parks: [Park.ID]?) -> SQL {
        guard let parks else { return "true" }
        return """
            (desk_park_id = ANY(\(parks)::uuid[]) OR EXISTS (
                SELECT FROM traveller AS own JOIN booking USING (group_id)
                WHERE own.guest_id = guest.id AND own.left_at IS NULL AND booking.park_id = ANY(\(parks)::uuid[])
                    AND state NOT IN ('expired', 'cancelled')
            ))
            """
    }

    /// Where the desk made the account, and where their groups have booked.
    static func parks(of guest: Guest.ID) -> Query<Park.ID> {
        Query(
            """
            SELECT park_id FROM traveller JOIN booking USING (group_id) WHERE guest_id = \(guest)
            UNION SELECT desk_park_id FROM guest WHERE id = \(guest) AND desk_park_id IS NOT NULL
            ORDER BY park_id
            """
        ) { try $0.decode("park_id") }
    }

    static func isKnown(_ guest: Guest.ID, at parks: [Park.ID]?) -> Query<Bool> {
        Query(
            "SELECT true AS is_known FROM guest WHERE id = \(guest) AND erased_at IS NULL AND \(isOf(parks))"
        ) { try $0.decode("is_known") }
    }

    /// By name or mail; accents, capitals, blanks and hyphens make no difference.
    static func searchGuests(
        _ text: String,
        at park: Park.ID,
        after cursor: Guest.ID?,
        limit: Int
    ) -> Query<DeskGuest> {
        let after: SQL = cursor.map { "id > \($0)" } ?? "true"
        return Query(
            """
            SELECT id, name, language, email IS NOT NULL AS has_mail FROM guest
            WHERE erased_at IS NULL AND \(isOf([park])) AND \(after) AND (
                searchable(name) LIKE search_pattern(\(text)) OR searchable(email) LIKE search_pattern(\(text))
            )
            ORDER BY id LIMIT \(limit)
            """,
            decoding: deskGuest
        )
    }

    /// The deeds in a guest's name, and the looks of staff at what is personal of their groups; newest first.
    static func deskActions(for guest: Guest.ID, limit: Int) -> Query<DeskAction> {
        Query(
            """
            WITH own AS MATERIALIZED (
                SELECT group_id AS target FROM traveller WHERE guest_id = \(guest)
                UNION
                SELECT booking.id FROM booking JOIN traveller USING (group_id) WHERE guest_id = \(guest)
                UNION
                SELECT topic.id FROM topic JOIN traveller USING (group_id) WHERE guest_id = \(guest)
            )
            SELECT at, action, target, reason FROM (
                (SELECT id, at, action, target, reason FROM audit WHERE on_behalf_of = \(guest)
                ORDER BY id DESC LIMIT \(limit))
                UNION ALL
                SELECT id, at, action, looks.target, reason
                FROM own CROSS JOIN LATERAL (
                    SELECT * FROM audit
                    WHERE audit.target = own.target AND on_behalf_of IS NULL AND principal LIKE 'staff:%'
                        AND (action LIKE 'look.%' OR action = 'register.show')
                ) AS looks
            ) AS acts
            ORDER BY id DESC LIMIT \(limit)
            """
        ) { row in
            DeskAction(
                at: try row.decode("at"),
                action: try row.decode("action"),
                target: try row.decodeIfPresent("target"),
                reason: try row.decodeIfPresent("reason")
            )
        }
    }

    static func guestID(email: String) -> Query<Guest.ID> {
        Query("SELECT id FROM guest WHERE email = \(email)") { try $0.decode("id") }
    }

    static func staffID(email: String) -> Query<StaffMember.ID> {
        Query("SELECT id FROM staff WHERE email = \(email) AND left_at IS NULL") { try $0.decode("id") }
    }

    static func guest(_ id: Guest.ID, locked: Bool = false) -> Query<Guest> {
        let lock: SQL = locked ? "FOR NO KEY UPDATE OF guest" : ""
        return Query(
            """
            SELECT id, email, name, language, birthday, interests, version,
                ARRAY(SELECT cottage_id FROM favourite_cottage WHERE guest_id = guest.id ORDER BY cottage_id) AS favourites
            FROM guest
            WHERE id = \(id) AND erased_at IS NULL
            \(lock)
            """
        ) { row in
            Guest(
                id: try row.decode("id"),
                email: try row.decodeIfPresent("email"),
                name: try row.decode("name"),
                language: Language(rawValue: try row.decode("language")) ?? .english,
                birthday: try row.decodeIfPresent("birthday"),
                interests: try row.decode("interests"),
                favouriteCottageIds: try row.decode("favourites"),
                version: try row.decode("version")
            )
        }
    }

    static func updateGuest(_ guest: Guest) -> Command {
        Command(
            """
            UPDATE guest SET name = \(guest.name), language = \(guest.language.rawValue), birthday = \(guest.birthday),
                interests = \(guest.interests), version = \(guest.version)
            WHERE id = \(guest.id)
            """
        )
    }

    static func replaceFavourites(of guest: Guest.ID, with cottages: [Cottage.ID]) -> [Command] {
        [
            Command("DELETE FROM favourite_cottage WHERE guest_id = \(guest)"),
            Command(
                """
                INSERT INTO favourite_cottage (guest_id, cottage_id)
                SELECT DISTINCT \(guest)::uuid, cottage_id FROM unnest(\(cottages)::uuid[]) AS cottage_id
                """
            ),
        ]
    }

    // MARK: Consent

    private static func isOf(_ subject: ConsentSubject) -> SQL {
        switch subject {
        case .guest(let id): "guest_id = \(id)"
        case .child(let id, _): "traveller_id = \(id)"
        }
    }

    static func insertConsent(
        _ id: UUID,
        of subject: ConsentSubject,
        _ consent: ConsentRequest,
        at now: Date
    ) -> Command {
        let guest: Guest.ID?
        let child: Traveller.ID?
        let guardian: Guest.ID?
        switch subject {
        case .guest(let id): (guest, child, guardian) = (id, nil, nil)
        case .child(let id, let by): (guest, child, guardian) = (nil, id, by)
        }
        return Command(
            """
            INSERT INTO consent (id, guest_id, traveller_id, guardian_id, purpose, text_version, is_given, at)
            VALUES (\(id), \(guest), \(child), \(guardian), \(consent.purpose.rawValue), \(consent.textVersion),
                \(consent.isGiven), \(now))
            """
        )
    }

    static func consents(of subject: ConsentSubject) -> Query<ConsentEntry> {
        consents(where: isOf(subject))
    }

    /// What a guest said for the children in their care.
    static func consents(givenBy guardian: Guest.ID) -> Query<ConsentEntry> {
        consents(where: "guardian_id = \(guardian)")
    }

    private static func consents(where condition: SQL) -> Query<ConsentEntry> {
        Query(
            """
            SELECT purpose, text_version, is_given, at, traveller_id, guardian_id FROM consent
            WHERE \(condition) ORDER BY at, id
            """
        ) { row in
            ConsentEntry(
                purpose: try row.word("purpose", as: ConsentPurpose.self),
                textVersion: try row.decode("text_version"),
                isGiven: try row.decode("is_given"),
                at: try row.decode("at"),
                travellerId: try row.decodeIfPresent("traveller_id"),
                guardianId: try row.decodeIfPresent("guardian_id")
            )
        }
    }

    /// Whether the latest entry of the purpose says yes.
    static func hasConsent(_ subject: ConsentSubject, _ purpose: ConsentPurpose) -> Query<Bool> {
        Query(
            """
            SELECT is_given FROM consent WHERE \(isOf(subject)) AND purpose = \(purpose.rawValue)
            ORDER BY at DESC, id DESC LIMIT 1
            """
        ) { try $0.decode("is_given") }
    }

    static func erase(_ guest: Guest.ID, at now: Date) -> [Command] {
        [
            Command(
                """
                DELETE FROM sign_in_attempt
                WHERE guest_id = \(guest) OR email = (SELECT email FROM guest WHERE id = \(guest))
                """
            ),
            // A colleague may have the same address, and then the same devices.
            Command(
                """
                DELETE FROM known_device WHERE email = (SELECT email FROM guest WHERE id = \(guest))
                    AND NOT EXISTS (SELECT FROM staff WHERE staff.email = known_device.email AND left_at IS NULL)
                """
            ),
            Command("DELETE FROM mail_change WHERE guest_id = \(guest)"),
            Command("DELETE FROM invitation_guess WHERE guest_id = \(guest)"),
            Command(
                "DELETE FROM security_notice WHERE email = (SELECT email FROM guest WHERE id = \(guest))"
            ),
            Command("DELETE FROM session WHERE guest_id = \(guest)"),
            Command("DELETE FROM favourite_cottage WHERE guest_id = \(guest)"),
            Command("DELETE FROM idempotency_key WHERE principal = \("guest:\(guest)")"),
            // The answers that a desk was given about the guest.
            Command(
                """
                DELETE FROM idempotency_key
                WHERE principal LIKE 'staff:%' AND position(convert_to(\(guest.description), 'UTF8') IN body) > 0
                """
            ),
            Command(
                """
                UPDATE guest SET email = NULL, name = '', birthday = NULL, interests = '{}', erased_at = \(now),
                    version = version + 1
                WHERE id = \(guest)
                """
            ),
        ]
    }

    static func insertAudit(
        _ id: UUID,
        at now: Date,
        onBehalfOf: Guest.ID?,
        park: Park.ID?,
        action: String,
        target: UUID?,
        reason: String?,
        before: JSONText?,
        after: JSONText?
    ) -> Command {
        Command(
            """
            INSERT INTO audit (id, at, on_behalf_of, park_id, action, target, reason, before, after)
            VALUES (\(id), \(now), \(onBehalfOf), \(park), \(action), \(target), \(reason), \(before), \(after))
            """
        )
    }
}
