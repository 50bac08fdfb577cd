import Foundation
import GuestModels
import Postgres
import SyncMessages

/// The event by which a household has agreed to a different amount.
enum Agreement: String, Sendable {
    case joined, agreed, paid, changed, coverEnded, handedOver
}

/// A booking's statement as stored, with the facts needed to write it back.
struct BookingMoney: Sendable {
    let id: Booking.ID
    let terms: ShareSQL.Terms
    var statement: BookingStatement

    /// Reads the statement of a booking; nil for a booking without group.
    ///
    /// The caller locks the booking before it changes the statement.
    static func of(_ id: Booking.ID, _ act: Act) async throws -> BookingMoney? {
        let its = BookingSQL.isBooking(id)
        let (terms, lines, people, homes, shares, own) = try await act.tx.all(
            ShareSQL.terms(of: id, for: act.principal.guestID),
            ChargeSQL.lines(where: its),
            GroupSQL.travellers(ofBooking: id),
            ShareSQL.homes(of: id),
            ShareSQL.shares(of: id),
            ShareSQL.ownOrders(of: id)
        )
        // If the organiser is gone, one of the staying households is the backstop.
        guard let terms = terms.first, !people.isEmpty,
            let backstop = terms.backstop ?? people.map(\.householdId).min() ?? shares.first?.householdId
        else { return nil }
        let bill = Bill(
            stay: terms.stay,
            lines: lines.map(\.line),
            travellers: people,
            homes: Dictionary(grouping: homes, by: \.cottage).mapValues { $0.map(\.household) }
        )
        return BookingMoney(
            id: id,
            terms: terms,
            statement: BookingStatement(
                state: terms.state,
                bill: bill,
                rule: terms.rule,
                backstop: backstop,
                shares: shares,
                deposit: terms.deposit,
                ownOrders: Set(own),
                heldDeposit: terms.heldDeposit
            )
        )
    }

    /// The statement as the asker may see it: all of it for the organiser and staff.
    ///
    /// A member sees the part of their own household.
    static func show(_ id: Booking.ID, _ act: Act) async throws -> StatementView {
        _ = try await Booking.found(id, by: .member, act)
        guard let money = try await of(id, act) else { throw Refusal.notFound }
        let terms = money.terms
        let isAll = act.principal.guestID == nil || terms.isOrganiser
        guard isAll || terms.asker != nil else { throw Refusal.notFound }
        return StatementView(
            money.statement,
            of: id,
            currency: terms.currency,
            depositDue: terms.depositDue,
            heldUntil: terms.heldUntil,
            isOrganiserAnswering: terms.isBacked,
            to: isAll ? nil : terms.asker
        )
    }

    /// Settles the statement by the present facts, and writes the shares, charges and refunds that follow.
    ///
    /// - Parameters:
    ///   - how: the event by which households agree to a different amount.
    ///   - joining: whether new households agree by being in the booking.
    ///   - author: a household whose own action made its part larger.
    ///   - isByOthers: whether another household than the backstop acts; if nil, the asker decides.
    mutating func settle(
        _ how: Agreement,
        joining: Bool = false,
        by author: Household.ID? = nil,
        isByOthers: Bool? = nil,
        _ act: Act
    ) async throws {
        let clock = try ParkClock(stored: terms.timeZone)
        let known = Dictionary(statement.shares.map { ($0.id, $0.refundable) }) { first, _ in first }
        let asked = Dictionary(statement.shares.map { ($0.id, $0.asked ?? $0.amount) }) { first, _ in first }
        let answered = statement.share(of: statement.backstop)?.amount ?? 0
        // Due dates depend only on the stay and the day of booking, so no change postpones them.
        let due = terms.rules.balanceDue(for: terms.stay, today: clock.date(at: terms.placedAt))
        let make = { household in
            Share(id: act.id(), bookingId: id, householdId: household, amount: 0, due: due)
        }
        let takenBack = statement.settle(joining: joining, by: author, make: make)
        // Until the organiser accepts to answer, no other guest makes the backstop owe more.
        let isByOthers = isByOthers ?? terms.asker.map { $0 != statement.backstop } ?? false
        if isByOthers, !terms.isBacked, statement.share(of: statement.backstop)?.amount ?? 0 > answered {
            throw Refusal.backingOpen
        }
        act.tx.later(takenBack.map { ChargeSQL.insert($0, id: act.id(), booking: id, at: act.now) })
        for index in statement.shares.indices { statement.shares[index].due = due }
        act.tx.later([ShareSQL.upsert(statement.shares, how: how, at: act.now)])
        let depositDue = depositDue(on: clock.date(at: act.now))
        if depositDue != terms.depositDue { act.tx.later([ShareSQL.setDepositDue(depositDue, of: id)]) }
        // Only an increase counts: the desk already has a task for the earlier amount.
        if statement.shares.contains(where: { $0.refundable > known[$0.id] ?? 0 }) {
            try Job.enqueue(Overpaid(bookingId: id), key: id.description, at: act.now, act)
        }
        for share in statement.shares { Share.publish(share.id, of: share.householdId, in: terms.groupId, in: act.tx) }
        for share in statement.shares where share.asked ?? 0 > asked[share.id] ?? 0 {
            try await ask(share, act)
        }
    }

    /// Tells a household that more is asked of it than before.
    private func ask(_ share: Share, _ act: Act) async throws {
        guard let asked = share.asked else { return }
        let (number, currency) = (terms.number, terms.currency)
        try await Booking.mailMembers("asked \(share.id)", about: id, to: share.householdId, act) {
            .shareAsked(number: number, park: $0, amount: Money(share.amount, currency), asked: Money(asked, currency))
        }
        try Notice.shareAsked.notify(
            about: .init(group: terms.groupId, booking: id, household: share.householdId, park: terms.parkId),
            act.as(.job("statement"))
        )
    }

    /// A firm stay whose deposit is no longer covered has a week to cover it, at most until arrival.
    private func depositDue(on today: LocalDate) -> LocalDate? {
        guard terms.state == .confirmed || terms.state == .checkedIn, !statement.isDepositCovered, !terms.isWaived
        else {
            return nil
        }
        return terms.depositDue ?? min(today.adding(days: 7), max(terms.stay.arrival, today))
    }
}

extension ShareSQL.Terms {
    /// Throws `backingOpen` if the organiser has not yet accepted to answer for the booking.
    ///
    /// Otherwise somebody else would owe what the organiser orders.
    func requireBacked(by principal: Principal) throws {
        guard principal.guestID == nil || isBacked else { throw Refusal.backingOpen }
    }
}

extension Booking {
    /// Divides the price anew among the households, by the group's rule, after any change.
    ///
    /// The caller has locked the booking. A booking without group has no shares.
    ///
    /// - Parameter then: the time of a change that is undone. Households get back what they had agreed to before.
    static func divide(
        _ id: Booking.ID,
        joining: Bool = false,
        by author: Household.ID? = nil,
        undoing then: Date? = nil,
        _ act: Act
    ) async throws {
        guard var money = try await BookingMoney.of(id, act) else { return }
        if let then {
            let before = try await act.tx.all(ShareSQL.agreements(of: id, before: then))
            money.statement.restore(agreed: Dictionary(before.map { ($0.household, $0.agreed) }) { $1 })
        }
        try await money.settle(joining ? .joined : .changed, joining: joining, by: author, act)
    }

    /// Sets the rule by which the price is divided; the organiser does this.
    ///
    /// Throws if the rule names a household that does not stay, has no payer, or has amounts that do not add up.
    static func split(_ id: Booking.ID, by rule: SplitRule, _ act: Act) async throws -> [ShareView] {
        var booking = try await locked(id, act)
        guard var money = try await BookingMoney.of(id, act) else { throw Refusal.notChangeable }
        try money.terms.requireBacked(by: act.principal)
        try booking.requireDivisible()
        money.statement.rule = try rule.kept(for: money.statement.bill)
        booking.version += 1
        act.tx.later([
            ShareSQL.setRule(try JSONText(encoding: money.statement.rule), of: id), BookingSQL.update(booking),
        ])
        try await money.settle(.changed, act)
        if act.principal.guestID == nil {
            try Audit.record("booking.split", target: id.uuid, park: booking.parkId, after: rule, act)
        }
        booking.publish(in: act.tx)
        return try await shares(of: id, act)
    }

    /// The amount that each household would owe by a split rule; nothing is stored.
    static func previewSplit(_ id: Booking.ID, by rule: SplitRule, _ act: Act) async throws -> [SplitRule.Amount] {
        try await found(id, act).requireDivisible()
        guard let statement = try await BookingMoney.of(id, act)?.statement else {
            throw Refusal.notChangeable
        }
        return try rule.kept(for: statement.bill).division(of: statement.bill, backstop: statement.backstop)
            .sorted { $0.key < $1.key }
            .map { SplitRule.Amount(householdId: $0.key, amount: $0.value) }
    }

    /// Throws `notChangeable` for a booking that has ended, because its last rule divides its fee.
    private func requireDivisible() throws(Refusal) {
        switch state {
        case .cancelled, .expired, .noShow: throw .notChangeable
        case .held, .confirmed, .checkedIn, .checkedOut: break
        }
    }

    /// Agrees to the amount asked of the member's household; the backstop then owes less.
    ///
    /// - Parameter version: the share's version, so that nobody agrees to an amount they have not seen.
    static func agree(to share: Share.ID, expecting version: Int, _ act: Act) async throws -> [ShareView] {
        guard let id = try await act.tx.first(ShareSQL.share(share))?.bookingId else { throw Refusal.notFound }
        var booking = try await locked(id, by: .member, act)
        guard var money = try await BookingMoney.of(id, act),
            let own = money.statement.shares.first(where: { $0.id == share })
        else { throw Refusal.notFound }
        guard money.terms.asker == own.householdId else { throw Refusal.forbidden }
        guard own.version == version else { throw Problem.matchFailed }
        guard own.asked != nil else { throw Refusal.nothingAsked }
        money.statement.agree(own.householdId)
        booking.version += 1
        act.tx.later([BookingSQL.update(booking)])
        try await money.settle(.agreed, act)
        booking.publish(in: act.tx)
        return try await Self.shares(of: id, act)
    }

    /// The shares as the asker may see them.
    ///
    /// The organiser and staff see everything. A member sees the own household's share, and only the state of the
    /// others.
    static func shares(of id: Booking.ID, _ act: Act) async throws -> [ShareView] {
        _ = try await found(id, by: .member, act)
        return try await act.tx.all(ShareSQL.seen(where: "booking.id = \(id)", by: act.principal.guestID))
            .views(for: act.principal, at: act.now)
    }
}

extension [ShareSQL.Seen] {
    /// The shares for an asker; staff see only those of their own parks.
    func views(for principal: Principal, at now: Date) throws -> [ShareView] {
        var todays: [String: LocalDate] = [:]
        for zone in Set(map(\.timeZone)) { todays[zone] = try ParkClock(stored: zone).date(at: now) }
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
    /// Publishes a share: its state to the group, its amounts to its household and the organiser.
    static func publish(_ id: Share.ID, of household: Household.ID, in group: TravelGroup.ID, in tx: Transaction) {
        tx.publish(id, .share, to: .group(group))
        tx.publish(id, .amount, to: .household(household))
        tx.publish(id, .amount, to: .organiser(group))
    }
}
