import Foundation
import GuestModels
import Postgres

/// The consents of guests.
enum ConsentSQL {
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

    /// The consents that a guest gave for the children in their care.
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

    /// Whether the latest entry of the purpose says yes; no row if there is none.
    static func hasConsent(_ guest: Guest.ID, _ purpose: ConsentPurpose) -> Query<Bool> {
        hasConsent(where: "guest_id = \(guest)", purpose)
    }

    /// Whether the guardian's latest word on the purpose says yes for a child; no row if there is none.
    static func hasConsent(for child: Traveller.ID, _ purpose: ConsentPurpose) -> Query<Bool> {
        hasConsent(where: "traveller_id = \(child)", purpose)
    }

    private static func hasConsent(where condition: SQL, _ purpose: ConsentPurpose) -> Query<Bool> {
        Query(
            """
            SELECT is_given FROM consent WHERE \(condition) AND purpose = \(purpose.rawValue)
            ORDER BY at DESC, id DESC LIMIT 1
            """
        ) { try $0.decode("is_given") }
    }

    private static func isOf(_ subject: ConsentSubject) -> SQL {
        switch subject {
        case .guest(let id): "guest_id = \(id)"
        case .child(let id, _): "traveller_id = \(id)"
        }
    }
}
