import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Begins the stay: for those whom the park's rule lets, on the day, after the hour or as soon as every cottage is
    /// ready; for staff on the day.
    ///
    /// Harmless to repeat.
    ///
    /// - Parameter household: the one that comes alone; nil for all of them.
    static func checkIn(
        _ id: Booking.ID,
        of household: Household.ID? = nil,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        if let household {
            return try await HouseholdStay.checkIn(household, of: id, as: principal, app, at: now, in: tx)
        }
        var booking = try await locked(id, by: .member, as: principal, in: tx)
        let (policies, readiness, roles, register, people, stays, households) = try await tx.all(
            BookingSQL.policy(of: id),
            ArrivalSQL.readiness(ofBooking: id),
            BookingSQL.role(of: principal.guestID, in: id),
            ArrivalSQL.register(of: id),
            GroupSQL.travellers(of: booking.groupId),
            ArrivalSQL.stays(of: id),
            ArrivalSQL.households(of: id)
        )
        guard let policy = policies.first else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        let isStaff = principal.guestID == nil
        if !isStaff, policy.rules.selfCheckIn != .anyone, roles != [.organiser] { throw Refusal.forbidden }
        // Some households may have come before the others.
        let isAwaited = stays.contains { $0.stay.state == .expected }
        guard booking.state != .checkedIn || isAwaited else { return booking }
        if let rule = policy.rules.register {
            try requireRegister(rule, of: booking, people, register, app)
        }
        // The desk gives another cottage first, or says that this one is in order.
        guard !readiness.contains(.outOfOrder) else { throw Refusal.outOfOrder }
        guard isStaff || policy.rules.paidCheckIn != true || booking.isPaid else {
            throw Refusal.notPaid
        }
        try booking.checkIn(
            at: now,
            today: clock.date(at: now),
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
        HouseholdStay.change(awaited, of: id, from: .expected, to: .checkedIn, at: now, in: tx)
        return try await write(booking, "booking.checkIn", .occupied, as: principal, app, at: now, in: tx)
    }

    /// Every adult has to be in it, with a document where the country asks for one.
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

    /// Ends the stay: the cottages want cleaning, and nothing that opens doors is told any more.
    ///
    /// Harmless to repeat.
    ///
    /// - Parameter household: the one that leaves alone; nil for all of them.
    static func checkOut(
        _ id: Booking.ID,
        of household: Household.ID? = nil,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        if let household {
            return try await HouseholdStay.checkOut(household, of: id, as: principal, app, at: now, in: tx)
        }
        var booking = try await locked(id, by: .member, as: principal, in: tx)
        let (policies, roles, stays) = try await tx.all(
            BookingSQL.policy(of: id),
            BookingSQL.role(of: principal.guestID, in: id),
            ArrivalSQL.stays(of: id)
        )
        let isStaff = principal.guestID == nil
        if !isStaff, policies.first?.rules.selfCheckIn != .anyone, roles != [.organiser] { throw Refusal.forbidden }
        guard booking.state != .checkedOut else { return booking }
        try booking.checkOut(at: now)
        if let policy = policies.first {
            let day = try ParkClock(stored: policy.timeZone).date(at: now)
            let gone = Set(
                stays.filter { $0.stay.state == .checkedOut || $0.stay.state == .noShow }.map(\.stay.householdId)
            )
            try await correctTouristTax(
                of: booking,
                except: gone,
                leaving: day,
                rules: policy.rules,
                app,
                at: now,
                in: tx
            )
            try await divide(id, as: principal, app, at: now, in: tx)
        }
        HouseholdStay.change(stays.map(\.stay), of: id, from: .checkedIn, to: .checkedOut, at: now, in: tx)
        if !booking.isPaid, booking.groupId != nil {
            try Job.enqueue(LeftOwing(bookingId: id), key: id.description, at: now, app, in: tx)
        }
        // A stay that is over may be checked out late, when others live there already.
        let others = Set(try await tx.all(ArrivalSQL.occupied(booking.cottages.map(\.id), besides: id)))
        return try await write(
            booking,
            "booking.checkOut",
            .toClean,
            except: others,
            as: principal,
            app,
            at: now,
            in: tx
        )
    }

    /// Nobody came: the cottages are free for others; the price stands, but for the tourist tax, which nobody owes.
    ///
    /// - Parameter household: the one that did not come although the others may have; nil for all of them.
    static func noShow(
        _ id: Booking.ID,
        of household: Household.ID? = nil,
        reason: String,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        if let household {
            return try await HouseholdStay.noShow(household, of: id, reason, as: principal, app, at: now, in: tx)
        }
        var booking = try await locked(id, as: principal, in: tx)
        guard let policy = try await tx.first(BookingSQL.policy(of: id)) else { throw Refusal.notFound }
        let clock = try ParkClock(stored: policy.timeZone)
        guard booking.state != .noShow else { return booking }
        try booking.noShow(today: clock.date(at: now))
        booking.version += 1
        tx.later([
            BookingSQL.release(id), BookingSQL.update(booking), BookingSQL.markNoShow(id, at: now),
            BookingSQL.reverseTouristTax(of: id, at: now),
        ])
        try await Booking.divide(id, as: principal, app, at: now, in: tx)
        try Audit.record(
            "booking.noShow",
            target: id.uuid,
            park: booking.parkId,
            reason: reason,
            app,
            at: now,
            in: tx
        )
        booking.publish(in: tx)
        return try await locked(id, as: principal, in: tx)
    }

    private static func write(
        _ booking: Booking,
        _ action: String,
        _ readiness: Readiness,
        except others: Set<Cottage.ID> = [],
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = booking
        booking.version += 1
        tx.later([BookingSQL.update(booking)])
        let left = booking.cottages.map(\.id).filter { !others.contains($0) }
        Cottage.mark(left, readiness, of: booking.parkId, at: now, in: tx)
        try Audit.record(action, target: booking.id.uuid, park: booking.parkId, app, at: now, in: tx)
        booking.publish(in: tx)
        return try await found(booking.id, by: .member, as: principal, in: tx)
    }

    /// Sets when a household arrives.
    ///
    /// Members set their own, the organiser any. Staff who name no household set the booking's hour, which is else the
    /// earliest of the households.
    static func setArrivalTime(
        _ request: ArrivalTimeRequest,
        of id: Booking.ID,
        as principal: Principal,
        at now: Date,
        in tx: Transaction
    ) async throws -> Booking {
        var booking = try await locked(id, by: .member, as: principal, in: tx)
        guard booking.state == .held || booking.state == .confirmed || booking.state == .checkedIn else {
            throw Refusal.notChangeable
        }
        booking.version += 1
        if let household = try await HouseholdStay.household(request.householdId, of: booking, as: principal, in: tx) {
            var stays = try await tx.all(ArrivalSQL.stays(of: id)).map(\.stay)
            var own = stays.first { $0.householdId == household } ?? HouseholdStay(householdId: household)
            guard own.state == .expected else { throw Refusal.notChangeable }
            own.arrivalTime = request.time
            stays = stays.filter { $0.householdId != household } + [own]
            booking.arrivalTime = stays.firstArrival
            tx.later([ArrivalSQL.write(own, of: id, at: now), BookingSQL.update(booking)])
        } else {
            booking.arrivalTime = request.time
            tx.later([BookingSQL.update(booking)])
        }
        booking.publish(in: tx)
        return try await found(id, by: .member, as: principal, in: tx)
    }
}
