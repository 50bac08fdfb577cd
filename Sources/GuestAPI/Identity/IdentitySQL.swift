import Foundation
import GuestModels
import Postgres

enum IdentitySQL {
    // MARK: Tokens

    static func credentials(_ hash: Data, now: Date) -> Query<Credentials> {
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
            return Credentials(
                principal: principal,
                session: try row.decode("id"),
                language: try row.decodeIfPresent("language", as: String.self).flatMap { Language(rawValue: $0) },
                factorAt: try row.decodeIfPresent("factor_at")
            )
        }
    }

    /// True for a child without an account who is still in the group, if its guardian is in the group too.
    static let isInCare: SQL = """
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

    /// Signs out all devices of staff.
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

    // MARK: A child's phone

    static func deleteOldTokens(now: Date) -> [Command] {
        func ago(_ days: Double) -> Date { now.addingTimeInterval(-86400 * days) }
        return [
            .forget("access_token", where: "expires_at < \(now)"),
            // Used tokens stay until they expire: a used token that comes again shows that somebody copied it.
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

    // MARK: Another mail address

    /// Moves the known devices of an old address to the new one; a colleague with the old address keeps them too.
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

    /// The parks whose desk made the guest's account or where the guest's groups have booked.
    static func parks(of guest: Guest.ID) -> Query<Park.ID> {
        Query(
            """
            SELECT park_id FROM traveller JOIN booking USING (group_id) WHERE guest_id = \(guest)
            UNION SELECT desk_park_id FROM guest WHERE id = \(guest) AND desk_park_id IS NOT NULL
            ORDER BY park_id
            """
        ) { try $0.decode("park_id") }
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

    static func erase(_ guest: Guest.ID, at now: Date) -> [Command] {
        [
            Command(
                """
                DELETE FROM sign_in_attempt
                WHERE guest_id = \(guest) OR email = (SELECT email FROM guest WHERE id = \(guest))
                """
            ),
            // If a colleague has the same address, keep its known devices.
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
            // Also delete the answers about the guest that staff were given.
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
}

extension Publication.Kind {
    static let guest = Publication.Kind("guest", view: "shown_guest")
}
