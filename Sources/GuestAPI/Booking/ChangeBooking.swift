import Foundation
import GuestModels
import Postgres

extension Quote {
    static let validSeconds: TimeInterval = 15 * 60

    /// Says what a change would cost, before anybody decides; holds nothing.
    ///
    /// Throws `cottageTaken` when one of the cottages is not free now.
    static func make(
        _ change: BookingChange,
        for id: Booking.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Quote {
        let booking = try await Booking.found(id, as: principal, in: tx)
        let plan = try await choose(change, for: booking, at: now, in: tx)
        let isBound = principal.guestID != nil
        let price = try await PricedChange(plan, for: booking, isBound: isBound, at: now, in: tx)
        let currency = booking.total.currency
        let quote = Quote(
            id: app.ids.next(at: now),
            bookingId: id,
            bookingVersion: booking.version,
            plan: plan,
            lines: price.lines,
            difference: Money(price.lines.total, currency),
            total: Money(booking.total.amount + price.lines.total, currency),
            expiresAt: now.addingTimeInterval(validSeconds)
        )
        tx.later([try BookingSQL.insert(quote)])
        return quote
    }

    /// Picks a free cottage for each "any of this type", and sees that the others are free.
    private static func choose(
        _ change: BookingChange,
        for booking: Booking,
        at now: Date,
        in tx: Transaction
    ) async throws -> BookingPlan {
        let stay = change.stay ?? booking.stay
        guard let clock = try await tx.first(BookingSQL.zone(of: booking.id)).flatMap(ParkClock.init(timeZone:)) else {
            throw Refusal.notFound
        }
        let today = clock.date(at: now)
        // A cottage that comes in the middle of a stay is there from today on.
        let since = booking.stay.arrival < today ? today : nil
        let ahead = booking.nightsAhead(of: booking.plan(for: stay), today: today)
        let own = Dictionary(booking.plan.cottages.map { ($0.id, $0) }) { first, _ in first }
        var places: [BookingPlan.Place] = []
        var wanted: [CottageType.ID] = []
        if let choices = change.cottages {
            for choice in choices {
                if let cottage = choice.cottageId {
                    places.append(own[cottage] ?? .init(id: cottage, isChosen: true, since: since, pricedFrom: since))
                } else if let type = choice.typeId {
                    wanted.append(type)
                }
            }
        } else {
            places = booking.plan.cottages
        }
        if !wanted.isEmpty {
            // A stay that ends today has no room for more cottages.
            guard let ahead else { throw Refusal.notChangeable }
            var free = try await tx.all(ParkSQL.free(in: booking.parkId, ahead, now: now)).filter { cottage in
                !places.contains { $0.id == cottage.id }
            }
            for type in wanted {
                guard let index = free.firstIndex(where: { $0.typeId == type }) else { throw Refusal.cottageTaken }
                let cottage = free.remove(at: index).id
                places.append(.init(id: cottage, isChosen: false, since: since, pricedFrom: since))
            }
        }
        if let ahead {
            let conflicts = try await tx.all(
                BookingSQL.conflicts(places.map(\.id), ahead, except: booking.id, now: now)
            )
            guard conflicts.allSatisfy(\.isDue) else { throw Refusal.cottageTaken }
        }
        return BookingPlan(
            stay: stay,
            cottages: places.sorted { $0.id < $1.id },
            travellerIds: (change.travellerIds ?? booking.travellerIds).sorted(),
            pets: change.pets ?? booking.pets
        )
    }
}

extension Booking {
    /// Makes the change of a quote, all of it or nothing.
    ///
    /// Locks the cottages that go and those that come in id order, then the booking, as every verb does that
    /// takes cottages.
    ///
    /// Throws `quoteOver` when the quote has run out, was used, or is not what the change costs now.
    static func change(
        _ id: Booking.ID,
        by request: QuotedChange,
        expecting version: Int,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        let quote = try await tx.first(BookingSQL.quote(request.quoteId, of: id, now: now))
        var booking = try await locked(
            id,
            and: quote?.plan.cottages.map(\.id) ?? [],
            for: quote?.plan.stay,
            giveWayAt: now,
            as: principal,
            in: tx
        )
        guard booking.version == version else { throw Problem.matchFailed }
        guard let quote, quote.bookingVersion == version else { throw Refusal.quoteOver.at("/quoteId") }
        let isStaff = principal.guestID == nil
        if isStaff, request.reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        let plan = quote.plan
        tx.later([BookingSQL.endHeldChange(of: id)])
        try await booking.makeRoom(for: plan, app, at: now, in: tx)
        let price = try await PricedChange(plan, for: booking, isBound: !isStaff, at: now, in: tx)
        // A day has passed, or a rate was set for a night that had none.
        guard price.lines.total == quote.difference else { throw Refusal.quoteOver.at("/quoteId") }
        if try await booking.mustCoverMore(after: price, as: principal, in: tx) {
            return try await booking.hold(request.quoteId, price, as: principal, app, at: now, in: tx)
        }
        let before = booking
        try await booking.write(price, as: principal, app, at: now, in: tx)
        tx.later([try BookingSQL.use(request.quoteId, of: before, at: now)])
        if isStaff {
            try Audit.record(
                "booking.change",
                target: id.uuid,
                park: booking.parkId,
                reason: request.reason,
                before: before,
                after: plan,
                app,
                at: now,
                in: tx
            )
        }
        booking.publish(in: tx)
        let changed = try await found(id, as: principal, in: tx)
        // A stay that has become cheaper may be covered by what has been paid already.
        guard changed.state == .held, changed.deposit.amount > 0, changed.isDepositCovered else { return changed }
        _ = try await confirm(id, reason: nil, isCovered: true, as: principal, app, at: now, in: tx)
        return try await found(id, as: principal, in: tx)
    }

    var isFirm: Bool { state == .confirmed || state == .checkedIn }

    /// Minor units that must be covered after a change: its deposit, but no more than everything costs then.
    private func depositOwed(after price: PricedChange) -> Int64 {
        min(price.priced.deposit, max(total.amount + price.lines.total, 0))
    }

    /// Whether a guest's change of a firm stay needs a larger deposit than has come in; money paid twice covers nothing.
    ///
    /// Throws `backingOpen` where the change costs more and the organiser does not answer for the booking yet.
    func mustCoverMore(after price: PricedChange, as principal: Principal, in tx: Transaction) async throws -> Bool {
        guard let guest = principal.guestID else { return false }
        if price.lines.total > 0 {
            try await tx.first(ShareSQL.terms(of: id, for: guest))?.requireBacked(by: principal)
        }
        let deposit = depositOwed(after: price)
        guard isFirm, deposit > self.deposit.amount,
            let money = try await BookingMoney.of(id, as: principal, in: tx)
        else { return false }
        return deposit > money.statement.covering
    }

    /// Holds what a change takes for the minutes of a hold; the payment that covers its deposit makes it.
    private func hold(
        _ quote: Quote.ID,
        _ price: PricedChange,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = self
        guard let nights = nightsAhead(of: price.plan, today: price.today) else { throw Refusal.notChangeable }
        let deadline = now.addingTimeInterval(Double(price.rules.holdMinutes) * 60)
        let deposit = depositOwed(after: price)
        booking.version += 1
        try await tx.run(
            BookingSQL.hold(quote, price.plan, on: nights, of: id, until: deadline, deposit: deposit) + [
                BookingSQL.update(booking)
            ],
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        try Job.enqueue(ExpireChange(bookingId: id), key: id.description, at: deadline, app, in: tx)
        try await Booking.divide(id, as: principal, app, at: now, in: tx)
        booking.publish(in: tx)
        return try await Booking.found(id, as: principal, in: tx)
    }

    /// Makes a held change whose deposit has been covered; one that cannot be made any more is given up.
    ///
    /// - Returns: whether there was one to make.
    static func makeHeldChange(
        of id: Booking.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Bool {
        guard let held = try await tx.first(BookingSQL.heldChange(of: id)) else { return false }
        var booking = try await locked(id, and: held.plan.cottages.map(\.id), as: principal, in: tx)
        tx.later([BookingSQL.endHeldChange(of: id)])
        let price: PricedChange?
        do {
            price = try await PricedChange(held.plan, for: booking, at: now, in: tx)
        } catch is Refusal {
            price = nil
        }
        guard let price, price.lines.total == held.difference else {
            try await divide(id, as: principal, app, at: now, in: tx)
            booking.publish(in: tx)
            return false
        }
        let before = booking
        try await booking.write(price, as: principal, app, at: now, in: tx)
        tx.later([try BookingSQL.use(held.quoteId, of: before, at: now)])
        booking.publish(in: tx)
        return true
    }

    /// Gives up a change whose time is over, once nobody is paying any more; what was paid for it goes back.
    static func expireChange(of id: Booking.ID, _ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        let job = Principal.job(ExpireChange.kind)
        var booking = try await locked(id, as: job, in: tx)
        guard let held = try await tx.first(BookingSQL.heldChange(of: id)), held.holdUntil <= now else { return }
        // A payment that is under way has a minute more; it may be for something else, so nobody ends it.
        if now < held.holdUntil.addingTimeInterval(graceForPayments),
            try await tx.first(BookingSQL.isBeingPaid(id)) == true
        {
            return
        }
        booking.version += 1
        tx.later([BookingSQL.endHeldChange(of: id), BookingSQL.update(booking)])
        try await divide(id, as: job, app, at: now, in: tx)
        booking.publish(in: tx)
    }

    /// Sees that a plan's cottages are free in the nights ahead; a hold whose time is over gives way.
    func makeRoom(for plan: BookingPlan, _ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        guard let clock = try await tx.first(BookingSQL.zone(of: id)).flatMap(ParkClock.init(timeZone:)) else {
            throw Refusal.notFound
        }
        // A stay that ends today takes no night any more.
        guard let nights = nightsAhead(of: plan, today: clock.date(at: now)) else { return }
        let conflicts = BookingSQL.conflicts(plan.cottages.map(\.id), nights, except: id, now: now)
        for conflict in try await tx.all(conflicts) {
            guard conflict.isDue, let other = conflict.booking else { throw Refusal.cottageTaken }
            try await Booking.expire(other, app, at: now, in: tx)
        }
    }

    /// Writes a change that has been thought through.
    ///
    /// The booking and all cottages that go or come are locked.
    ///
    /// - Parameter change: the one that is taken back, where one is.
    mutating func write(
        _ price: PricedChange,
        undoing change: BookingSQL.MadeChange? = nil,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        let plan = price.plan
        let replacement = replacement(in: plan)
        let left = Set(cottages.map(\.id)).subtracting(plan.cottages.map(\.id))
        let come = Set(plan.cottages.map(\.id)).subtracting(cottages.map(\.id))
        if state == .checkedIn {
            for (changed, readiness) in [(left, Readiness.toClean), (come, .occupied)] where !changed.isEmpty {
                Cottage.mark(changed.sorted(), readiness, of: parkId, at: now, in: tx)
            }
        }
        move(to: plan.stay, today: price.today, rules: price.rules)
        if let change { leastFeePercent = change.leastFeePercent }
        adults = price.priced.adults
        children = price.priced.children
        babies = price.priced.babies
        pets = plan.pets
        version += 1
        deposit.amount = price.priced.deposit
        try await tx.run(
            BookingSQL.reallocate(id, to: plan, ids: plan.cottages.map { _ in app.ids.uuid(at: now) })
                + (left.isEmpty ? [] : BookingSQL.rehouse(id, from: replacement?.from, to: replacement?.to)),
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        ExtraOrder.cancel(price.dropped, at: now, in: tx)
        tx.later(
            BookingSQL.replaceTravellers(of: id, with: plan.travellerIds)
                + [
                    BookingSQL.reverseLines(price.reversed.map(\.id), of: id, at: now),
                    BookingSQL.update(self),
                ] + price.added.map { BookingSQL.insert($0, id: app.ids.next(at: now), booking: id, at: now) }
        )
        try await Self.divide(id, joining: true, undoing: change?.madeAt, as: principal, app, at: now, in: tx)
        try tell(.bookingChanged, by: principal, app, at: now, in: tx)
    }
}

/// Comes by at the deadline of a change that is held.
struct ExpireChange: Work {
    static let kind = "expireChange"
    static let queue = Job.Queue.effects

    let bookingId: Booking.ID

    func finish(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws {
        try await Booking.expireChange(of: bookingId, app, at: now, in: tx)
    }

    /// At the deadline, should it be a later one by now; soon, while somebody is still paying.
    func again(_ app: AppEnvironment, at now: Date, in tx: Transaction) async throws -> Date? {
        try await tx.first(BookingSQL.heldChange(of: bookingId)).map {
            $0.holdUntil > now ? $0.holdUntil : now.addingTimeInterval(2)
        }
    }
}
