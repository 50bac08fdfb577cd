import Foundation
import GuestModels
import Postgres
import Sync

extension Booking {
    /// Divides the price anew among the households, by the group's rule, after whatever changed it.
    ///
    /// The booking is locked. One without group has no shares.
    ///
    /// - Parameter isAgreed: everybody has agreed to it before, so nothing is asked again.
    static func divide(
        _ id: Booking.ID,
        isAgreed: Bool = false,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        guard let (terms, bill, shares) = try await bill(of: id, as: principal, in: tx) else { return }
        try write(terms, bill, shares, isAgreed: isAgreed, to: id, app, at: now, in: tx)
    }

    private static func write(
        _ terms: ShareSQL.Terms,
        _ bill: Bill,
        _ shares: [Share],
        isAgreed: Bool = false,
        to id: Booking.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) throws {
        guard let clock = ParkClock(timeZone: terms.timeZone),
            // A group whose organiser is gone has nobody behind it but those who stay.
            let backstop = terms.backstop ?? bill.travellers.map(\.householdId).min()
        else { return }
        // From the stay and the day it was placed alone, so that no change makes anything due later than it was.
        let due = terms.rules.balanceDue(for: terms.stay, today: clock.date(at: terms.placedAt))
        let known = Dictionary(shares.map { ($0.householdId, $0) }) { first, _ in first }
        let divided = (isAgreed ? shares.map(\.unpaid) : shares).divided(
            shares.covering(terms.rule.division(of: bill, backstop: backstop), backstop: backstop),
            backstop: backstop,
            by: terms.author
        )
        if shares.contains(where: { $0.paid > (divided[$0.householdId]?.amount ?? 0) }) {
            try Job.enqueue(Overpaid(bookingId: id), key: id.description, at: now, app, in: tx)
        }
        let written = divided.sorted { $0.key < $1.key }.map { household, owed in
            Share(
                id: known[household]?.id ?? app.ids.next(at: now),
                bookingId: id,
                householdId: household,
                amount: owed.amount,
                asked: owed.asked,
                due: due
            )
        }
        tx.later([ShareSQL.write(written)])
        for share in written { Share.publish(share.id, of: share.householdId, in: terms.groupId, in: tx) }
    }

    /// What is divided, and how it is now; nil for a booking without group.
    static func bill(
        of id: Booking.ID,
        as principal: Principal,
        in tx: Transaction
    ) async throws -> (ShareSQL.Terms, Bill, [Share])? {
        let its: SQL = "booking.id = \(id)"
        let (terms, lines, people, staying, homes, shares) = try await tx.all(
            ShareSQL.terms(of: id, for: principal.guestID),
            BookingSQL.lines(where: its),
            GroupSQL.travellers(ofBooking: id),
            BookingSQL.travellers(where: its),
            ShareSQL.homes(of: id),
            ShareSQL.shares(of: id)
        )
        guard let terms = terms.first, !staying.isEmpty else { return nil }
        let bill = Bill(
            stay: terms.stay,
            lines: lines.map(\.line),
            travellers: people,
            homes: Dictionary(grouping: homes, by: \.cottage).mapValues { $0.map(\.household) }
        )
        return (terms, bill, shares)
    }

    /// Says how the price is divided from now on; the organiser does.
    ///
    /// Throws what stands against the rule: somebody who does not stay, nobody who pays, amounts that do not add up.
    static func split(
        _ id: Booking.ID,
        by rule: SplitRule,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> [ShareView] {
        var booking = try await locked(id, as: principal, in: tx)
        guard let (_, bill, _) = try await bill(of: id, as: principal, in: tx) else { throw Refusal.notChangeable }
        _ = try rule.shares(of: bill)
        booking.version += 1
        tx.later([ShareSQL.setRule(try JSONText(encoding: rule), of: id), BookingSQL.update(booking)])
        try await divide(id, as: principal, app, at: now, in: tx)
        booking.publish(in: tx)
        return try await shares(of: id, as: principal, at: now, in: tx)
    }

    /// What a rule would give, before anybody decides.
    static func previewSplit(
        _ id: Booking.ID,
        by rule: SplitRule,
        as principal: Principal,
        in tx: Transaction
    ) async throws -> [SplitRule.Amount] {
        _ = try await found(id, as: principal, in: tx)
        guard let (_, bill, _) = try await bill(of: id, as: principal, in: tx) else { throw Refusal.notChangeable }
        return try rule.shares(of: bill).sorted { $0.key < $1.key }
            .map { SplitRule.Amount(householdId: $0.key, amount: $0.value) }
    }

    /// Agrees to what is asked of one's own household; the organiser's owes that much less.
    ///
    /// - Parameter version: of the share, so that nobody agrees to an amount they have not seen.
    static func agree(
        to share: Share.ID,
        expecting version: Int,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> [ShareView] {
        guard let id = try await tx.first(ShareSQL.share(share))?.bookingId else { throw Refusal.notFound }
        var booking = try await locked(id, by: .member, as: principal, in: tx)
        guard let (terms, bill, found) = try await bill(of: id, as: principal, in: tx),
            let index = found.firstIndex(where: { $0.id == share })
        else { throw Refusal.notFound }
        var shares = found
        guard terms.author == shares[index].householdId else { throw Refusal.forbidden }
        guard shares[index].version == version else { throw Problem.matchFailed }
        guard let asked = shares[index].asked else { throw Refusal.nothingAsked }
        shares[index].amount = asked
        booking.version += 1
        tx.later([BookingSQL.update(booking)])
        try write(terms, bill, shares, to: id, app, at: now, in: tx)
        booking.publish(in: tx)
        return try await Self.shares(of: id, as: principal, at: now, in: tx)
    }

    /// The shares as the asker may see them: the organiser and staff all of it, a member their own household's and how
    /// the others stand.
    static func shares(
        of id: Booking.ID,
        as principal: Principal,
        at now: Date,
        in tx: Transaction
    ) async throws -> [ShareView] {
        _ = try await found(id, by: .member, as: principal, in: tx)
        return try await tx.all(ShareSQL.seen(where: "booking.id = \(id)", by: principal.guestID))
            .views(for: principal, at: now)
    }
}

extension [ShareSQL.Seen] {
    /// Staff see those of their own parks alone.
    func views(for principal: Principal, at now: Date) -> [ShareView] {
        var todays: [String: LocalDate] = [:]
        for zone in Set(map(\.timeZone)) { todays[zone] = ParkClock(timeZone: zone)?.date(at: now) }
        return compactMap { seen in
            guard let today = todays[seen.timeZone], principal.guestID != nil || seen.isStaff(principal) else {
                return nil
            }
            return seen.view(for: principal, today: today)
        }
    }
}

extension ShareSQL.Seen {
    fileprivate func isStaff(_ principal: Principal) -> Bool {
        principal.has([.reception, .host, .finance], at: parkId)
    }

    fileprivate func view(for principal: Principal, today: LocalDate) -> ShareView {
        let isShown = isOwn || isOrganiser || isStaff(principal)
        func money(_ amount: Int64) -> Money { Money(amount, currency) }
        return ShareView(
            id: share.id,
            bookingId: share.bookingId,
            householdId: share.householdId,
            householdName: householdName,
            state: share.state(today: today),
            isOwn: isOwn,
            due: share.due,
            version: share.version,
            amount: isShown ? money(share.amount) : nil,
            paid: isShown ? money(share.paid) : nil,
            asked: isShown ? share.asked.map(money) : nil,
            coveredBy: share.cover?.by,
            attemptId: isShown ? attemptId : nil
        )
    }
}

extension Share {
    /// How it stands for the whole group, what it is for its household and the organiser.
    static func publish(_ id: Share.ID, of household: Household.ID, in group: TravelGroup.ID, in tx: Transaction) {
        tx.publish(id, .share, to: .group(group))
        tx.publish(id, .amount, to: .household(household))
        tx.publish(id, .amount, to: .organiser(group))
    }
}
