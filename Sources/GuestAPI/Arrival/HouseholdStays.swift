import Foundation
import GuestModels
import Postgres

extension HouseholdStay {
    /// The household that a request is about: the named one, or a guest's own; nil for staff who name none.
    ///
    /// Throws `notFound` for a household that does not stay. Throws `forbidden` for another household unless the
    /// organiser asks.
    static func household(_ named: Household.ID?, of booking: Booking, _ act: Act) async throws -> Household.ID? {
        guard let group = booking.groupId else { return nil }
        let staying = Set(try await act.tx.all(ArrivalSQL.households(of: booking.id)))
        guard let guest = act.principal.guestID else {
            guard named.map(staying.contains) ?? true else { throw Refusal.notFound.at("/householdId") }
            return named
        }
        guard let own = try await act.tx.first(GroupSQL.ownRow(in: group, of: guest)) else { throw Refusal.notFound }
        // A member who does not stay acts for the whole group.
        guard let named else { return staying.contains(own.householdId) ? own.householdId : nil }
        guard staying.contains(named) else { throw Refusal.notFound.at("/householdId") }
        guard named == own.householdId || own.role == .organiser else { throw Refusal.forbidden.at("/householdId") }
        return named
    }

    /// A locked booking with the facts that a verb about one household needs.
    private struct Stage {
        var booking: Booking
        var own: HouseholdStay
        /// The stays of all households of the booking, also of those without a row in `household_stay`.
        var stays: [HouseholdStay]
        let rows: [ArrivalSQL.StayRow]
        let rules: HouseRules
        let clock: ParkClock
        let isStaff: Bool
        /// The household's cottages; all cottages of the booking if the group has assigned none to it.
        let cottages: [Booking.BookedCottage]

        /// The stays of all households, after the stay of one household has changed.
        func changed(to stay: HouseholdStay) -> [HouseholdStay] {
            stays.map { $0.householdId == stay.householdId ? stay : $0 }
        }

        /// The household's cottages in which nobody lives or is expected, by the given stays of all households.
        func emptied(_ stays: [HouseholdStay]) -> [Cottage.ID] {
            let here = Set(stays.filter { $0.state == .checkedIn || $0.state == .expected }.map(\.householdId))
            return cottages.filter { cottage in
                cottage.householdIds.map { here.isDisjoint(with: $0) } ?? here.isEmpty
            }.map(\.id)
        }
    }

    private static func stage(_ household: Household.ID, of id: Booking.ID, _ act: Act) async throws -> Stage {
        let booking = try await Booking.locked(id, by: .member, act)
        _ = try await Self.household(household, of: booking, act)
        let (policies, rows, all) = try await act.tx.all(
            BookingSQL.policy(of: id),
            ArrivalSQL.stays(of: id),
            ArrivalSQL.households(of: id)
        )
        guard let policy = policies.first else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        let usual: State = booking.state == .checkedIn && rows.map(\.stay).isTogether ? .checkedIn : .expected
        let stays = all.map { household in
            var stay = rows.first { $0.stay.householdId == household }?.stay ?? HouseholdStay(householdId: household)
            if stay.state == .expected { stay.state = usual }
            return stay
        }
        guard let own = stays.first(where: { $0.householdId == household }) else { throw Refusal.notFound }
        let homes = booking.cottages.filter { $0.householdIds?.contains(household) ?? false }
        return Stage(
            booking: booking,
            own: own,
            stays: stays,
            rows: rows,
            rules: policy.rules,
            clock: clock,
            isStaff: act.principal.guestID == nil,
            cottages: homes.isEmpty ? booking.cottages : homes
        )
    }

    /// Checks a household in, so that its members see their door codes.
    ///
    /// The first household begins the stay. If only the organiser may begin a stay, other households check in after
    /// that.
    static func checkIn(_ household: Household.ID, of id: Booking.ID, _ act: Act) async throws -> Booking {
        var stage = try await stage(household, of: id, act)
        let (roles, register, people, shares, readiness) = try await act.tx.all(
            BookingSQL.role(of: act.principal.guestID, in: id),
            ArrivalSQL.register(of: id),
            GroupSQL.travellers(of: stage.booking.groupId),
            ShareSQL.shares(of: id),
            ArrivalSQL.readiness(of: stage.cottages.map(\.id))
        )
        if !stage.isStaff, stage.rules.selfCheckIn != .anyone, roles != [.organiser], stage.booking.state != .checkedIn
        {
            throw Refusal.forbidden
        }
        guard stage.own.state != .checkedIn else { return stage.booking }
        if let rule = stage.rules.register {
            let own = people.filter { $0.householdId == household }
            try Booking.requireRegister(rule, of: stage.booking, own, register, act.app)
        }
        guard !readiness.contains(.outOfOrder) else { throw Refusal.outOfOrder }
        let open = shares.first { $0.householdId == household }?.open ?? 0
        guard stage.isStaff || stage.rules.paidCheckIn != true || open == 0 else { throw Refusal.notPaid }
        let today = stage.clock.date(at: act.now)
        let opening = stage.clock.instant(stage.booking.stay.arrival, stage.rules.checkInFrom)
        // A cottage counts as ready where others of the group already live.
        let isReady = readiness.allSatisfy { $0 == .ready || stage.booking.state == .checkedIn && $0 == .occupied }
        try stage.own.checkIn(stage.booking, today: today, isOpen: stage.isStaff || act.now >= opening || isReady)
        if stage.booking.state == .confirmed {
            stage.booking.state = .checkedIn
            stage.booking.checkedInAt = act.now
        }
        Cottage.mark(stage.cottages.map(\.id), .occupied, of: stage.booking.parkId, act)
        return try await record(stage, "household.checkIn", for: nil, act)
    }

    /// Checks a household out; the last household ends the stay.
    ///
    /// The household owes tourist tax for the nights it has slept. The shares of the others stay as they are.
    static func checkOut(_ household: Household.ID, of id: Booking.ID, _ act: Act) async throws -> Booking {
        var stage = try await stage(household, of: id, act)
        guard stage.own.state != .checkedOut else { return stage.booking }
        guard stage.booking.state == .checkedIn else {
            throw stage.booking.state == .checkedOut ? Refusal.stayOver : Refusal.notCheckedIn
        }
        try stage.own.checkOut()
        let stays = stage.changed(to: stage.own)
        // The last household ends the whole stay, even if its guests may not check out the group.
        guard !stays.isOver else { return try await Booking.checkOut(id, act.as(.job("household"))) }
        try await endTax(of: stage, on: stage.clock.date(at: act.now), act)
        Cottage.mark(stage.emptied(stays), .toClean, of: stage.booking.parkId, act)
        return try await record(stage, "household.checkOut", for: nil, act)
    }

    /// Records that one household did not come.
    ///
    /// The household owes no tourist tax, but keeps its share of the rest. The stay of the others does not change.
    static func noShow(
        _ household: Household.ID,
        of id: Booking.ID,
        _ reason: String,
        _ act: Act
    ) async throws -> Booking {
        var stage = try await stage(household, of: id, act)
        guard stage.own.state != .noShow else { return stage.booking }
        try stage.own.noShow(stage.booking, today: stage.clock.date(at: act.now))
        let stays = stage.changed(to: stage.own)
        guard !stays.allSatisfy({ $0.state == .noShow }) else {
            return try await Booking.noShow(id, reason: reason, act)
        }
        try await endTax(of: stage, on: stage.booking.stay.arrival, act)
        let changed = try await record(stage, "household.noShow", for: reason, act)
        // If all other households have left already, the stay of the whole booking is over.
        guard stays.isOver else { return changed }
        return try await Booking.checkOut(id, act.as(.job("household")))
    }

    /// Corrects the household's tourist tax to the nights before `day`, and divides the price anew.
    private static func endTax(of stage: Stage, on day: LocalDate, _ act: Act) async throws {
        let (booking, household) = (stage.booking, stage.own.householdId)
        try await Booking.correctTouristTax(of: booking, for: household, leaving: day, rules: stage.rules, act)
        try await Booking.divide(booking.id, act)
    }

    /// Undoes one household's no-show or check-out, for staff, within the hours of the park's rule.
    static func undo(
        _ what: MistakeRequest.What,
        _ household: Household.ID,
        of id: Booking.ID,
        for reason: String?,
        _ act: Act
    ) async throws -> Booking {
        var stage = try await stage(household, of: id, act)
        let row = stage.rows.first { $0.stay.householdId == household }
        guard let then = what == .noShow ? row?.noShowAt : row?.checkedOutAt,
            stage.booking.state == .checkedIn || stage.booking.state == .confirmed,
            !stage.rules.isTooLateToUndo(then, at: act.now)
        else { throw Refusal.tooLateToUndo }
        guard stage.clock.date(at: act.now) <= stage.booking.stay.departure else { throw Refusal.stayOver }
        stage.own.state = what == .noShow ? .expected : .checkedIn
        act.tx.later([ArrivalSQL.upsert(stage.own, of: id, at: act.now)])
        try await stage.booking.reprice(act)
        try await Booking.divide(id, undoing: then, act)
        if what == .checkOut {
            Cottage.mark(stage.cottages.map(\.id), .occupied, of: stage.booking.parkId, act)
        }
        return try await record(stage, "household.undo", for: reason, act)
    }

    /// Writes a row for every household, because one without a row would now count as expected.
    private static func record(
        _ stage: Stage,
        _ action: String,
        for reason: String?,
        _ act: Act
    ) async throws -> Booking {
        var booking = stage.booking
        booking.version += 1
        act.tx.later(
            stage.changed(to: stage.own).map { ArrivalSQL.upsert($0, of: booking.id, at: act.now) }
                + [BookingSQL.update(booking)]
        )
        try Audit.record(action, target: booking.id.uuid, park: booking.parkId, reason: reason, after: stage.own, act)
        booking.publish(in: act.tx)
        return try await Booking.found(booking.id, by: .member, act)
    }

    /// Moves every household in state `before` to `after`, when the whole booking comes or goes.
    static func change(_ stays: [HouseholdStay], of id: Booking.ID, from before: State, to after: State, _ act: Act) {
        act.tx.later(
            stays.filter { $0.state == before }.map { stay in
                var stay = stay
                stay.state = after
                return ArrivalSQL.upsert(stay, of: id, at: act.now)
            }
        )
    }
}
