import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Guest {
    /// Changes one's own profile.
    ///
    /// Interests and birthday are kept only with consent to each.
    static func change(
        _ id: Guest.ID,
        _ change: ProfileChange,
        expecting version: Int,
        _ act: Act
    ) async throws -> Guest {
        let tx = act.tx
        guard var guest = try await tx.first(IdentitySQL.guest(id, locked: true)) else { throw Refusal.notFound }
        guard guest.version == version else { throw Problem.matchFailed }
        if let interests = change.interests {
            try await require(.interests, of: id, for: !interests.isEmpty, at: "/interests", in: tx)
            guest.interests = interests
        }
        if let birthday = change.birthday {
            try await require(.birthday, of: id, for: true, at: "/birthday", in: tx)
            guest.birthday = birthday
        }
        guest.name = change.name ?? guest.name
        guest.language = change.language ?? guest.language
        guest.version += 1
        try await tx.run(IdentitySQL.updateGuest(guest))
        if let favourites = change.favouriteCottageIds {
            do {
                try await tx.run(IdentitySQL.replaceFavourites(of: id, with: favourites))
            } catch let error as PostgresError where error.violatedConstraint == "favourite_cottage_cottage_id_fkey" {
                throw BadRequest("/favouriteCottageIds", "must be cottages that exist")
            }
            guest.favouriteCottageIds = Array(Set(favourites)).sorted()
        }
        tx.publish(id, .guest, to: .guest(id))
        try await feedParks(of: id, in: tx)
        return guest
    }

    /// Puts a guest's change into the feeds of the parks that know the guest; systems read the data when they ask.
    static func feedParks(of id: Guest.ID, in tx: Transaction) async throws {
        for park in try await tx.all(IdentitySQL.parks(of: id)) { tx.feed(id, .guest, to: park) }
    }

    private static func require(
        _ purpose: ConsentPurpose,
        of guest: Guest.ID,
        for isKept: Bool,
        at pointer: String,
        in tx: Transaction
    ) async throws {
        guard isKept else { return }
        let isGiven = try await tx.first(ConsentSQL.hasConsent(guest, purpose)) ?? false
        guard isGiven else { throw Refusal.consentMissing.at(pointer) }
    }

    /// Adds an entry to the consent ledger.
    ///
    /// If a consent is withdrawn, the data that was kept under it is deleted.
    static func record(_ consent: ConsentRequest, of id: Guest.ID, _ act: Act) async throws {
        guard var guest = try await act.tx.first(IdentitySQL.guest(id, locked: true)) else { throw Refusal.notFound }
        try await act.tx.run(
            ConsentSQL.insertConsent(act.app.ids.uuid(at: act.now), of: .guest(id), consent, at: act.now)
        )
        guard !consent.isGiven else { return }
        switch consent.purpose {
        case .interests: guest.interests = []
        case .birthday: guest.birthday = nil
        case .news, .photos, .location, .matching: return
        }
        guest.version += 1
        try await act.tx.run(IdentitySQL.updateGuest(guest))
        act.tx.publish(id, .guest, to: .guest(id))
    }
}
