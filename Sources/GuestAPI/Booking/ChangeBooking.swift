import Foundation
import GuestModels
import Postgres

extension Quote {
    static let validSeconds: TimeInterval = 15 * 60

    /// Prices a change without making it; a quote holds no cottages.
    ///
    /// Throws `cottageTaken` when one of the cottages is not free now.
    static func make(_ change: BookingChange, for id: Booking.ID, _ act: Act) async throws -> Quote {
        let booking = try await Booking.found(id, act)
        let plan = try await choose(change, for: booking, act)
        let isBound = act.principal.guestID != nil
        let price = try await PricedChange(plan, for: booking, isBound: isBound, act)
        let currency = booking.total.currency
        let quote = Quote(
            id: act.id(),
            bookingId: id,
            bookingVersion: booking.version,
            plan: plan,
            lines: price.lines,
            difference: Money(price.lines.total, currency),
            total: Money(booking.total.amount + price.lines.total, currency),
            expiresAt: act.now.addingTimeInterval(validSeconds)
        )
        act.tx.later([try QuoteSQL.insert(quote)])
        return quote
    }

    /// Picks a free cottage for each "any of this type", and checks that the other cottages of the change are free.
    private static func choose(_ change: BookingChange, for booking: Booking, _ act: Act) async throws -> BookingPlan {
        let stay = change.stay ?? booking.stay
        guard let clock = try await act.tx.first(BookingSQL.zone(of: booking.id)).flatMap(ParkClock.init(timeZone:))
        else {
            throw Refusal.notFound
        }
        let today = clock.date(at: act.now)
        // A cottage that is added in the middle of a stay belongs to the booking from today on.
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
            var free = try await act.tx.all(AvailabilitySQL.free(in: booking.parkId, ahead, now: act.now)).filter {
                cottage in
                !places.contains { $0.id == cottage.id }
            }
            for type in wanted {
                guard let index = free.firstIndex(where: { $0.typeId == type }) else { throw Refusal.cottageTaken }
                let cottage = free.remove(at: index).id
                places.append(.init(id: cottage, isChosen: false, since: since, pricedFrom: since))
            }
        }
        if let ahead {
            let conflicts = try await act.tx.all(
                AllocationSQL.conflicts(places.map(\.id), ahead, except: booking.id, now: act.now)
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
    /// Changes a booking as a quote says, all of it or nothing.
    ///
    /// The verb locks the old and the new cottages in id order, then the booking. Every verb that takes cottages does
    /// so.
    ///
    /// Throws `quoteOver` when the quote has expired, was used, or no longer has the right price.
    static func change(
        _ id: Booking.ID,
        by request: QuotedChange,
        expecting version: Int,
        _ act: Act
    ) async throws -> Booking {
        let quote = try await act.tx.first(QuoteSQL.quote(request.quoteId, of: id, now: act.now))
        var booking = try await locked(
            id,
            and: quote?.plan.cottages.map(\.id) ?? [],
            for: quote?.plan.stay,
            giveWayAt: act.now,
            act
        )
        guard booking.version == version else { throw Problem.matchFailed }
        guard let quote, quote.bookingVersion == version else { throw Refusal.quoteOver.at("/quoteId") }
        let isStaff = act.principal.guestID == nil
        if isStaff, request.reason == nil { throw Refusal.reasonNeeded.at("/reason") }
        let plan = quote.plan
        act.tx.later([QuoteSQL.endHeldChange(of: id)])
        try await booking.makeRoom(for: plan, act)
        let price = try await PricedChange(plan, for: booking, isBound: !isStaff, act)
        // The price may differ now: a day has passed, or a night without a rate has got one.
        guard price.lines.total == quote.difference else { throw Refusal.quoteOver.at("/quoteId") }
        if try await booking.mustCoverMore(after: price, act) {
            return try await booking.hold(request.quoteId, price, act)
        }
        let before = booking
        try await booking.apply(price, act)
        act.tx.later([try QuoteSQL.use(request.quoteId, of: before, at: act.now)])
        if isStaff {
            try Audit.record(
                "booking.change",
                target: id.uuid,
                park: booking.parkId,
                reason: request.reason,
                before: before,
                after: plan,
                act
            )
        }
        booking.publish(in: act.tx)
        let changed = try await found(id, act)
        // A hold that has become cheaper may be covered by the money paid already.
        guard changed.state == .held, changed.deposit.amount > 0, changed.isDepositCovered else { return changed }
        _ = try await confirm(id, reason: nil, isCovered: true, act)
        return try await found(id, act)
    }

    var isFirm: Bool { state == .confirmed || state == .checkedIn }

    /// The deposit to be covered after a change, in minor units; at most the new total.
    private func depositOwed(after price: PricedChange) -> Int64 {
        min(price.priced.deposit, max(total.amount + price.lines.total, 0))
    }

    /// Whether a guest's change of a firm stay needs a larger deposit than has been paid.
    ///
    /// Money paid twice does not count.
    ///
    /// Throws `backingOpen` if the change costs more and the organiser does not answer for the booking yet.
    func mustCoverMore(after price: PricedChange, _ act: Act) async throws -> Bool {
        guard let guest = act.principal.guestID else { return false }
        if price.lines.total > 0 {
            try await act.tx.first(ShareSQL.terms(of: id, for: guest))?.requireBacked(by: act.principal)
        }
        let deposit = depositOwed(after: price)
        guard isFirm, deposit > self.deposit.amount,
            let money = try await BookingMoney.of(id, act)
        else { return false }
        return deposit > money.statement.covering
    }

    /// Holds the cottages and nights of a change until a deadline.
    ///
    /// The payment that covers the deposit makes the change.
    private func hold(_ quote: Quote.ID, _ price: PricedChange, _ act: Act) async throws -> Booking {
        var booking = self
        guard let nights = nightsAhead(of: price.plan, today: price.today) else { throw Refusal.notChangeable }
        let deadline = act.now.addingTimeInterval(Double(price.rules.holdMinutes) * 60)
        let deposit = depositOwed(after: price)
        booking.version += 1
        try await act.tx.run(
            QuoteSQL.hold(quote, price.plan, on: nights, of: id, until: deadline, deposit: deposit) + [
                BookingSQL.update(booking)
            ],
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        try Job.enqueue(ExpireChange(bookingId: id), key: id.description, at: deadline, act)
        try await Booking.divide(id, act)
        booking.publish(in: act.tx)
        return try await Booking.found(id, act)
    }

    /// Makes a held change whose deposit has been covered.
    ///
    /// A change that can no longer be made is given up.
    ///
    /// - Returns: whether a change was made.
    static func makeHeldChange(of id: Booking.ID, _ act: Act) async throws -> Bool {
        guard let held = try await act.tx.first(QuoteSQL.heldChange(of: id)) else { return false }
        var booking = try await locked(id, and: held.plan.cottages.map(\.id), act)
        act.tx.later([QuoteSQL.endHeldChange(of: id)])
        let price: PricedChange?
        do {
            price = try await PricedChange(held.plan, for: booking, act)
        } catch is Refusal {
            price = nil
        }
        guard let price, price.lines.total == held.difference else {
            try await divide(id, act)
            booking.publish(in: act.tx)
            return false
        }
        let before = booking
        try await booking.apply(price, act)
        act.tx.later([try QuoteSQL.use(held.quoteId, of: before, at: act.now)])
        booking.publish(in: act.tx)
        return true
    }

    /// Gives up an overdue change once nobody is paying any more; money paid for it goes back.
    static func expireChange(of id: Booking.ID, _ act: Act) async throws {
        let job = Principal.job(ExpireChange.kind)
        var booking = try await locked(id, act.as(job))
        guard let held = try await act.tx.first(QuoteSQL.heldChange(of: id)), held.holdUntil <= act.now else {
            return
        }
        // A payment under way gets one more minute. Do not stop the payment, because it may not be for the change.
        if act.now < held.holdUntil.addingTimeInterval(graceForPayments),
            try await act.tx.first(AllocationSQL.isBeingPaid(id)) == true
        {
            return
        }
        booking.version += 1
        act.tx.later([QuoteSQL.endHeldChange(of: id), BookingSQL.update(booking)])
        try await divide(id, act.as(job))
        booking.publish(in: act.tx)
    }

    /// Checks that a plan's cottages are free in the nights ahead; an overdue hold gives way.
    func makeRoom(for plan: BookingPlan, _ act: Act) async throws {
        guard let clock = try await act.tx.first(BookingSQL.zone(of: id)).flatMap(ParkClock.init(timeZone:)) else {
            throw Refusal.notFound
        }
        // A stay that ends today takes no more nights.
        guard let nights = nightsAhead(of: plan, today: clock.date(at: act.now)) else { return }
        let conflicts = AllocationSQL.conflicts(plan.cottages.map(\.id), nights, except: id, now: act.now)
        for conflict in try await act.tx.all(conflicts) {
            guard conflict.isDue, let other = conflict.booking else { throw Refusal.cottageTaken }
            try await Booking.expire(other, act)
        }
    }

    /// Writes a priced change.
    ///
    /// The caller has locked the booking and all cottages that go or come.
    ///
    /// - Parameter change: the change that is undone, if any.
    mutating func apply(_ price: PricedChange, undoing change: QuoteSQL.MadeChange? = nil, _ act: Act) async throws {
        let plan = price.plan
        let replacement = replacement(in: plan)
        let left = Set(cottages.map(\.id)).subtracting(plan.cottages.map(\.id))
        let come = Set(plan.cottages.map(\.id)).subtracting(cottages.map(\.id))
        if state == .checkedIn {
            for (changed, readiness) in [(left, Readiness.toClean), (come, .occupied)] where !changed.isEmpty {
                Cottage.mark(changed.sorted(), readiness, of: parkId, act)
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
        try await act.tx.run(
            AllocationSQL.reallocate(id, to: plan, ids: plan.cottages.map { _ in act.app.ids.uuid(at: act.now) })
                + (left.isEmpty ? [] : AllocationSQL.rehouse(id, from: replacement?.from, to: replacement?.to)),
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        ExtraOrder.cancel(price.dropped, act)
        act.tx.later(
            BookingSQL.replaceTravellers(of: id, with: plan.travellerIds)
                + [
                    ChargeSQL.reverseLines(price.reversed.map(\.id), of: id, at: act.now),
                    BookingSQL.update(self),
                ] + price.added.map { ChargeSQL.insert($0, id: act.id(), booking: id, at: act.now) }
        )
        try await Self.divide(id, joining: true, undoing: change?.madeAt, act)
        try notify(.bookingChanged, act)
    }
}

/// The job that runs at the deadline of a held change.
struct ExpireChange: Work {
    static let kind = "expireChange"
    static let queue = Job.Queue.effects

    let bookingId: Booking.ID

    func finish(_ act: Act) async throws {
        try await Booking.expireChange(of: bookingId, act)
    }

    /// The time of the job's next run: the deadline if it was moved, or in 2 s while a payment is under way.
    func again(_ act: Act) async throws -> Date? {
        try await act.tx.first(QuoteSQL.heldChange(of: bookingId)).map {
            $0.holdUntil > act.now ? $0.holdUntil : act.now.addingTimeInterval(2)
        }
    }
}
