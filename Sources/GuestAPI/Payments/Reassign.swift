import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Gives a share to another household; its own or the organiser does.
    ///
    /// After the first payment the other has to agree, as to every rise; the organiser's owes it meanwhile.
    static func reassign(
        _ share: Share.ID,
        to household: Household.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> [ShareView] {
        try await cover(share, as: principal, app, at: now, in: tx) { booking, own, all, _ in
            guard household != own.householdId else { throw Refusal.coversItself.at("/householdId") }
            guard all.contains(where: { $0.householdId == household }) else {
                throw Refusal.splitNamesStranger.at("/householdId")
            }
            return Share.Cover(by: household, keptPercent: 0)
        }
    }

    /// Drops out of paying: on hold of everything, later of what giving up that part would save.
    ///
    /// What is left is the organiser's household's until others take it; what has been paid beyond goes back to who
    /// paid it.
    static func withdraw(
        _ share: Share.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> [ShareView] {
        try await cover(share, as: principal, app, at: now, in: tx) { booking, own, _, terms in
            guard let backstop = terms.backstop, backstop != own.householdId else { throw Refusal.organiserAnswers }
            guard let clock = ParkClock(timeZone: terms.timeZone) else { throw Refusal.notFound }
            let percent =
                booking.state == .held ? 0 : booking.feePercent(today: clock.date(at: now), rules: terms.rules)
            return Share.Cover(by: backstop, keptPercent: percent)
        }
    }

    private static func cover(
        _ share: Share.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction,
        decide: (Booking, Share, [Share], ShareSQL.Terms) throws -> Share.Cover
    ) async throws -> [ShareView] {
        guard let id = try await tx.first(ShareSQL.share(share))?.bookingId else { throw Refusal.notFound }
        var booking = try await locked(id, by: .member, as: principal, in: tx)
        let (terms, roles, all) = try await tx.all(
            ShareSQL.terms(of: id, for: principal.guestID),
            BookingSQL.role(of: principal.guestID, in: id),
            ShareSQL.shares(of: id)
        )
        guard let terms = terms.first, let own = all.first(where: { $0.id == share }) else { throw Refusal.notFound }
        guard terms.author == own.householdId || roles == [.organiser] else { throw Refusal.forbidden }
        guard booking.state == .held || booking.state == .confirmed else { throw Refusal.notChangeable }
        let cover = try decide(booking, own, all, terms)
        booking.version += 1
        try await tx.run([
            ShareSQL.cover(share, by: cover.by, keptPercent: cover.keptPercent), BookingSQL.update(booking),
        ])
        Share.publish(share, of: own.householdId, in: terms.groupId, in: tx)
        try await divide(id, as: principal, app, at: now, in: tx)
        booking.publish(in: tx)
        return try await shares(of: id, as: principal, at: now, in: tx)
    }
}
