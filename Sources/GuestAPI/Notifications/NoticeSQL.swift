import Foundation
import GuestModels
import Postgres

enum NoticeSQL {
    // MARK: Tokens and preferences

    /// Registers the phone's token, and removes it from all other sessions.
    static func register(_ token: PushToken, for session: Session.ID, at now: Date) -> [Command] {
        [
            Command(
                """
                DELETE FROM push_token
                WHERE service = \(token.service.rawValue) AND token = \(token.token) AND session_id <> \(session)
                """
            ),
            Command(
                """
                INSERT INTO push_token (session_id, service, token, registered_at)
                VALUES (\(session), \(token.service.rawValue), \(token.token), \(now))
                ON CONFLICT (session_id) DO UPDATE
                SET service = EXCLUDED.service, token = EXCLUDED.token, registered_at = EXCLUDED.registered_at
                """
            ),
        ]
    }

    static func forgetToken(of session: Session.ID) -> Command {
        Command("DELETE FROM push_token WHERE session_id = \(session)")
    }

    /// Forgets a token that its service does not know, unless the phone has registered anew since.
    static func forget(_ address: Address, unlessSince instant: Date?) -> Command {
        Command(
            """
            DELETE FROM push_token
            WHERE session_id = \(address.session) AND token = \(address.token.token)
                AND registered_at <= \(instant ?? .distantFuture)
            """
        )
    }

    /// Forgets the tokens of phones that have been signed out.
    static func forgetTokens(now: Date) -> Command {
        .forget(
            "push_token",
            where: "session_id IN (SELECT id FROM session WHERE revoked_at IS NOT NULL OR ends_at <= \(now))"
        )
    }

    static func preferences(of guest: Guest.ID) -> Query<NoticePreferences> {
        Query("SELECT muted FROM notice_preference WHERE guest_id = \(guest)") { row in
            NoticePreferences(
                muted: try row.decode("muted", as: [String].self).compactMap { Notice.Category(rawValue: $0) }
            )
        }
    }

    static func set(_ preferences: NoticePreferences, of guest: Guest.ID) -> Command {
        Command(
            """
            INSERT INTO notice_preference (guest_id, muted) VALUES (\(guest), \(preferences.muted.map(\.rawValue)))
            ON CONFLICT (guest_id) DO UPDATE SET muted = EXCLUDED.muted
            """
        )
    }

    static func erasePreferences(of guest: Guest.ID) -> Command {
        Command("DELETE FROM notice_preference WHERE guest_id = \(guest)")
    }

    static func services(of guest: Guest.ID) -> Query<String> {
        Query(
            """
            SELECT service FROM push_token JOIN session ON session.id = session_id
            WHERE guest_id = \(guest) ORDER BY service
            """
        ) { try $0.decode("service") }
    }

    // MARK: Who hears of it

    /// The FROM and WHERE of a query for the signed-in phones that a notice concerns.
    ///
    /// The row `person` is the guest or colleague who owns the phone.
    private static func phones(
        _ notice: Notice,
        about subject: Notice.Subject,
        except actor: UUID?,
        at now: Date
    )
        -> SQL
    {
        let live: SQL = "revoked_at IS NULL AND ends_at > \(now)"
        switch notice.rule.audience {
        case .group, .household:
            let category = notice.rule.category?.rawValue ?? ""
            let household: SQL =
                notice.rule.audience == .household ? "household_id = \(subject.householdId)" : "true"
            return """
                FROM push_token JOIN session ON session.id = session_id
                    JOIN guest AS person ON person.id = session.guest_id AND erased_at IS NULL
                    JOIN traveller ON traveller.guest_id = person.id AND traveller.left_at IS NULL
                WHERE traveller.group_id = \(subject.groupId) AND \(household) AND \(live)
                    AND person.id IS DISTINCT FROM \(actor)
                    AND NOT EXISTS (
                        SELECT FROM notice_preference WHERE guest_id = person.id AND \(category) = ANY(muted)
                    )
                """
        case .hosts:
            return """
                FROM push_token JOIN session ON session.id = session_id
                    JOIN staff AS person ON person.id = session.staff_id AND person.left_at IS NULL
                WHERE \(live) AND EXISTS (
                    SELECT FROM staff_function
                    WHERE staff_id = person.id AND park_id = \(subject.parkId) AND function IN ('reception', 'host')
                )
                """
        }
    }

    /// Queues a notice, unless no phone would show it.
    static func insert(
        _ id: Job.ID,
        _ notify: Notify,
        arguments: JSONText,
        at now: Date
    ) -> Command {
        Command(
            """
            INSERT INTO job (id, queue, kind, arguments, run_at)
            SELECT \(id), \(Notify.queue.rawValue), \(Notify.kind), \(arguments), \(now)
            WHERE EXISTS (SELECT \(phones(notify.notice, about: notify.subject, except: notify.actor, at: now)))
            """
        )
    }

    static func sessions(_ notify: Notify, at now: Date) -> Query<Session.ID> {
        Query(
            """
            SELECT session.id \(phones(notify.notice, about: notify.subject, except: notify.actor, at: now))
            ORDER BY session.id
            """
        ) { try $0.decode("id") }
    }

    /// The park whose quiet hours count for a notice.
    ///
    /// The park of the stay comes first, then the park of the option that is voted on. Otherwise the park of the
    /// group's next booking or newest open option counts. A group without bookings and open options has no park.
    static func nights(of subject: Notice.Subject, at now: Date) -> Query<(timeZone: String, rules: HouseRules)> {
        Query(
            """
            SELECT time_zone, rules FROM park WHERE id = coalesce(
                \(subject.parkId),
                (SELECT park_id FROM booking WHERE id = \(subject.bookingId)),
                (SELECT park_id FROM stay_option WHERE id = \(subject.optionId)),
                (SELECT park_id FROM booking
                 WHERE group_id = \(subject.groupId) AND state IN ('held', 'confirmed', 'checkedIn')
                    AND upper(stay) >= (\(now)::timestamptz AT TIME ZONE 'UTC')::date
                 ORDER BY stay, id LIMIT 1),
                (SELECT park_id FROM stay_option
                 WHERE group_id = \(subject.groupId) AND state = 'open' ORDER BY id DESC LIMIT 1)
            )
            """
        ) { (try $0.decode("time_zone"), try $0.decodeJSON("rules")) }
    }

    // MARK: What one phone is sent

    struct Address: Sendable {
        let session: Session.ID
        let token: PushToken
        /// The id of the guest or colleague.
        let person: UUID
        let language: Language
        let group: String?
        let park: String?
        let number: String?
    }

    /// The phone's address; nil once its person has signed out, has left or has muted the notice.
    static func address(of session: Session.ID, for notice: SendNotice, at now: Date) -> Query<Address> {
        let subject = notice.subject
        return Query(
            """
            SELECT service, token, person.id AS person, person.language,
                (SELECT name FROM travel_group WHERE id = \(subject.groupId)) AS group_name,
                (SELECT name FROM park WHERE id = coalesce(\(subject.parkId),
                    (SELECT park_id FROM booking WHERE id = \(subject.bookingId)))) AS park_name,
                (SELECT number FROM booking WHERE id = \(subject.bookingId)) AS number
            \(phones(notice.notice, about: subject, except: nil, at: now)) AND session.id = \(session)
            LIMIT 1
            """
        ) { row in
            Address(
                session: session,
                token: PushToken(service: try row.word("service"), token: try row.decode("token")),
                person: try row.decode("person"),
                language: try row.decodeIfPresent("language", as: String.self).flatMap { Language(rawValue: $0) }
                    ?? .english,
                group: try row.decodeIfPresent("group_name"),
                park: try row.decodeIfPresent("park_name"),
                number: try row.decodeIfPresent("number")
            )
        }
    }
}
