import Foundation
import GuestModels
import Postgres

extension Traveller {
    /// A child's consent ledger, for its guardian.
    static func consents(of id: Traveller.ID, in group: TravelGroup.ID, _ act: Act) async throws -> [ConsentEntry] {
        let guardian = try await requireGuardian(of: id, in: group, act)
        return try await act.tx.all(ConsentSQL.consents(of: .child(id, by: guardian)))
    }

    /// Adds to a child's consent ledger.
    ///
    /// Throws `forbidden` for everybody in the group but the child's guardian.
    static func record(
        _ consent: ConsentRequest,
        of id: Traveller.ID,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws {
        let guardian = try await requireGuardian(of: id, in: group, act)
        let subject = ConsentSubject.child(id, by: guardian)
        act.tx.later([ConsentSQL.insertConsent(act.app.ids.uuid(at: act.now), of: subject, consent, at: act.now)])
    }

    /// Returns the asking guest, who must be the child's guardian.
    ///
    /// A traveller with an account speaks for themselves at any age.
    static func requireGuardian(of id: Traveller.ID, in group: TravelGroup.ID, _ act: Act) async throws -> Guest.ID {
        let own = try await TravelGroup.require(.member, in: group, act)
        guard let guest = act.principal.guestID, let child = try await act.tx.first(GroupSQL.traveller(id, in: group))
        else {
            throw Refusal.notFound
        }
        guard child.role == nil, child.guardianId == own.id else { throw Refusal.forbidden }
        return guest
    }
}
