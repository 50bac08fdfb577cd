import Foundation
import GuestModels
import Postgres

extension Album {
    /// The asker's own row in the group of an album: a member, or a child whose guardian has agreed to photos.
    ///
    /// The asker stays in the group until the transaction ends.
    ///
    /// Throws `notFound` for everybody else, and `photosNotAllowed` for a child without the guardian's consent.
    static func enter(_ group: TravelGroup.ID, _ act: Act) async throws -> Traveller {
        guard case .child(let child, _) = act.principal else {
            return try await TravelGroup.require(.member, in: group, staying: true, act)
        }
        let (rows, consents) = try await act.tx.all(
            GroupSQL.ownRow(in: group, of: child, staying: true),
            ConsentSQL.hasConsent(for: child, .photos)
        )
        return try admit(rows.first, consents.first)
    }

    /// The same for a look.
    static func enter(_ group: TravelGroup.ID, _ look: Look) async throws -> Traveller {
        guard case .child(let child, _) = look.principal else {
            guard let own = try await look.reader.first(TravelGroup.ownRow(in: group, look)) else {
                throw Refusal.notFound
            }
            return own
        }
        let (rows, consents) = try await look.reader.all(
            GroupSQL.ownRow(in: group, of: child),
            ConsentSQL.hasConsent(for: child, .photos)
        )
        return try admit(rows.first, consents.first)
    }

    private static func admit(_ child: Traveller?, _ hasConsent: Bool?) throws(Refusal) -> Traveller {
        guard let child else { throw .notFound }
        guard hasConsent == true else { throw .photosNotAllowed }
        return child
    }
}
