import Foundation
import GuestModels
import Postgres

extension Traveller {
    /// A child's consent ledger, for its guardian.
    static func consents(
        of id: Traveller.ID,
        in group: TravelGroup.ID,
        as principal: Principal,
        in tx: Transaction
    ) async throws -> [ConsentEntry] {
        let guardian = try await requireGuardian(of: id, in: group, as: principal, in: tx)
        return try await tx.all(IdentitySQL.consents(of: .child(id, by: guardian)))
    }

    /// Adds to a child's consent ledger.
    ///
    /// Throws `forbidden` for everybody in the group but the child's guardian.
    static func record(
        _ consent: ConsentRequest,
        of id: Traveller.ID,
        in group: TravelGroup.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        let guardian = try await requireGuardian(of: id, in: group, as: principal, in: tx)
        let subject = ConsentSubject.child(id, by: guardian)
        tx.later([IdentitySQL.insertConsent(app.ids.uuid(at: now), of: subject, consent, at: now)])
    }

    /// The guest who is the child's guardian.
    ///
    /// Whoever has an account speaks for themselves, whatever their age.
    static func requireGuardian(
        of id: Traveller.ID,
        in group: TravelGroup.ID,
        as principal: Principal,
        in tx: Transaction
    ) async throws -> Guest.ID {
        let own = try await TravelGroup.require(.member, in: group, as: principal, in: tx)
        guard let guest = principal.guestID, let child = try await tx.first(GroupSQL.traveller(id, in: group)) else {
            throw Refusal.notFound
        }
        guard child.role == nil, child.guardianId == own.id else { throw Refusal.forbidden }
        return guest
    }
}
