import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Checks guests in, and so begins the stay.
    ///
    /// The park's rules say which guests may check in. On the arrival day guests check in from the check-in hour on, or
    /// once every cottage is ready. Staff check in at any hour.
    ///
    /// The call is safe to repeat.
    ///
    /// - Parameter household: the one household that checks in; nil for all households of the booking.
    static func checkIn(_ id: Booking.ID, of household: Household.ID? = nil, _ act: Act) async throws -> Booking {
        if let household {
            return try await HouseholdStay.checkIn(household, of: id, act)
        }
        var booking = try await locked(id, by: .member, act)
        let (policies, readiness, roles, register, people, stays, households) = try await act.tx.all(
            BookingSQL.policy(of: id),
            ArrivalSQL.readiness(ofBooking: id),
            BookingSQL.role(of: act.principal.guestID, in: id),
            ArrivalSQL.register(of: id),
            GroupSQL.travellers(of: booking.groupId),
            ArrivalSQL.stays(of: id),
            ArrivalSQL.households(of: id)
        )
        guard let policy = policies.first else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        let isStaff = act.principal.guestID == nil
        if !isStaff, policy.rules.selfCheckIn != .anyone, roles != [.organiser] { throw Refusal.forbidden }
        // Some households may have come before the others.
        let isAwaited = stays.contains { $0.stay.state == .expected }
        guard booking.state != .checkedIn || isAwaited else { return booking }
        if let rule = policy.rules.register {
            try requireRegister(rule, of: booking, people, register, act.app)
        }
        // The desk must first give another cottage, or mark this one as in order.
        guard !readiness.contains(.outOfOrder) else { throw Refusal.outOfOrder }
        guard isStaff || policy.rules.paidCheckIn != true || booking.isPaid else {
            throw Refusal.notPaid
        }
        try booking.checkIn(
            at: act.now,
            today: clock.date(at: act.now),
            opening: clock.instant(booking.stay.arrival, policy.rules.checkInFrom),
            isReady: readiness.allSatisfy { $0 == .ready },
            byStaff: isStaff
        )
        // A household without a row counts as expected as soon as another has one.
        let awaited =
            stays.isEmpty
            ? []
            : households.map { household in
                stays.first { $0.stay.householdId == household }?.stay ?? HouseholdStay(householdId: household)
            }
        HouseholdStay.change(awaited, of: id, from: .expected, to: .checkedIn, act)
        return try await record(booking, "booking.checkIn", .occupied, act)
    }

    /// Throws unless every adult is in the register, with a document if the country requires one.
    static func requireRegister(
        _ rule: HouseRules.Register,
        of booking: Booking,
        _ people: [Traveller],
        _ register: [(traveller: Traveller.ID, sealed: Data)],
        _ app: AppEnvironment
    ) throws {
        for traveller in people where booking.travellerIds.contains(traveller.id) {
            guard (traveller.birthDate?.age(on: booking.stay.arrival) ?? 18) >= 18 else { continue }
            guard let sealed = register.first(where: { $0.traveller == traveller.id })?.sealed else {
                throw Refusal.registerIncomplete
            }
            let entry = try RegisterEntry.open(sealed, of: traveller.id, app)
            guard !rule.documents || entry.documentNumber != nil else { throw Refusal.registerIncomplete }
        }
    }

    /// Checks guests out, and so ends the stay.
    ///
    /// The cottages need cleaning then, and door codes are no longer shown.
    ///
    /// The call is safe to repeat.
    ///
    /// - Parameter household: the one household that checks out; nil for all households of the booking.
    static func checkOut(_ id: Booking.ID, of household: Household.ID? = nil, _ act: Act) async throws -> Booking {
        if let household {
            return try await HouseholdStay.checkOut(household, of: id, act)
        }
        var booking = try await locked(id, by: .member, act)
        let (policies, roles, stays) = try await act.tx.all(
            BookingSQL.policy(of: id),
            BookingSQL.role(of: act.principal.guestID, in: id),
            ArrivalSQL.stays(of: id)
        )
        let isStaff = act.principal.guestID == nil
        if !isStaff, policies.first?.rules.selfCheckIn != .anyone, roles != [.organiser] { throw Refusal.forbidden }
        guard booking.state != .checkedOut else { return booking }
        try booking.checkOut(at: act.now)
        if let policy = policies.first {
            let day = try ParkClock(stored: policy.timeZone).date(at: act.now)
            let gone = Set(
                stays.filter { $0.stay.state == .checkedOut || $0.stay.state == .noShow }.map(\.stay.householdId)
            )
            try await correctTouristTax(of: booking, except: gone, leaving: day, rules: policy.rules, act)
            try await divide(id, act)
        }
        HouseholdStay.change(stays.map(\.stay), of: id, from: .checkedIn, to: .checkedOut, act)
        if !booking.isPaid, booking.groupId != nil {
            try Job.enqueue(LeftOwing(bookingId: id), key: id.description, at: act.now, act)
        }
        // A stay may be checked out late, when other guests already live in its cottages.
        let others = Set(try await act.tx.all(ArrivalSQL.occupied(booking.cottages.map(\.id), besides: id)))
        return try await record(booking, "booking.checkOut", .toClean, except: others, act)
    }

    /// Records that nobody came, and frees the cottages for others.
    ///
    /// The price stays, but nobody owes the tourist tax.
    ///
    /// - Parameter household: the one household that did not come; nil if no household came.
    static func noShow(
        _ id: Booking.ID,
        of household: Household.ID? = nil,
        reason: String,
        _ act: Act
    ) async throws -> Booking {
        if let household {
            return try await HouseholdStay.noShow(household, of: id, reason, act)
        }
        var booking = try await locked(id, act)
        guard let policy = try await act.tx.first(BookingSQL.policy(of: id)) else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        guard booking.state != .noShow else { return booking }
        try booking.noShow(today: clock.date(at: act.now))
        booking.version += 1
        act.tx.later([
            AllocationSQL.release(id), BookingSQL.update(booking), BookingSQL.markNoShow(id, at: act.now),
            ChargeSQL.reverseTouristTax(of: id, at: act.now),
        ])
        try await Booking.divide(id, act)
        try Audit.record("booking.noShow", target: id.uuid, park: booking.parkId, reason: reason, act)
        booking.publish(in: act.tx)
        return try await locked(id, act)
    }

    private static func record(
        _ booking: Booking,
        _ action: String,
        _ readiness: Readiness,
        except others: Set<Cottage.ID> = [],
        _ act: Act
    ) async throws -> Booking {
        var booking = booking
        booking.version += 1
        act.tx.later([BookingSQL.update(booking)])
        let left = booking.cottages.map(\.id).filter { !others.contains($0) }
        Cottage.mark(left, readiness, of: booking.parkId, act)
        try Audit.record(action, target: booking.id.uuid, park: booking.parkId, act)
        booking.publish(in: act.tx)
        return try await found(booking.id, by: .member, act)
    }

    /// Sets when a household arrives.
    ///
    /// Members set the time of their own household, the organiser sets any. Staff who name no household set the
    /// booking's time. Otherwise the booking's time is the earliest of the households.
    static func setArrivalTime(_ request: ArrivalTimeRequest, of id: Booking.ID, _ act: Act) async throws -> Booking {
        var booking = try await locked(id, by: .member, act)
        guard booking.state == .held || booking.state == .confirmed || booking.state == .checkedIn else {
            throw Refusal.notChangeable
        }
        booking.version += 1
        if let household = try await HouseholdStay.household(request.householdId, of: booking, act) {
            var stays = try await act.tx.all(ArrivalSQL.stays(of: id)).map(\.stay)
            var own = stays.first { $0.householdId == household } ?? HouseholdStay(householdId: household)
            guard own.state == .expected else { throw Refusal.notChangeable }
            own.arrivalTime = request.time
            stays = stays.filter { $0.householdId != household } + [own]
            booking.arrivalTime = stays.firstArrival
            act.tx.later([ArrivalSQL.upsert(own, of: id, at: act.now), BookingSQL.update(booking)])
        } else {
            booking.arrivalTime = request.time
            act.tx.later([BookingSQL.update(booking)])
        }
        booking.publish(in: act.tx)
        return try await found(id, by: .member, act)
    }
}
