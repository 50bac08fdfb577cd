import Foundation
import GuestModels
import Postgres

extension Booking {
    /// Holds every requested cottage, or none, for as long as the park's rules say.
    ///
    /// The cottages are locked in id order before anything else. So groups that want the same cottages queue and never
    /// deadlock. The exclusion constraint is the last line of defence. An overdue hold gives way even before its job
    /// has run.
    ///
    /// - Parameter isByDesk: whether a colleague books in the guest's name. The colleague may set aside the house rules
    ///   if the request gives a reason.
    ///
    /// Throws `cottageTaken` when another booking or a closure has one of the cottages.
    static func place(_ request: BookingRequest, isByDesk: Bool = false, _ act: Act) async throws -> Booking {
        let offer = try await Offer.find(for: request, isByDesk: isByDesk, act)
        let park = offer.park
        let taken = try await lockCottages(
            for: request,
            offer.types,
            isToday: request.stay.arrival == offer.today,
            act
        )
        if request.reason == nil { try park.rules.allow(request.stay, in: taken.map(\.type.id)) }
        // From here on nobody can leave the group, so the booking has no traveller who has left.
        let (_, people) = try await act.tx.all(
            GroupSQL.hold(request.groupId),
            GroupSQL.travellers(of: request.groupId)
        )
        let plan = BookingPlan(
            stay: request.stay,
            cottages: taken.map { .init(id: $0.id, isChosen: $0.isChosen) },
            travellerIds: request.travellerIds.sorted(),
            pets: request.pets ?? 0
        )
        let priced = try PricedPlan(
            plan,
            types: Dictionary(taken.map { ($0.id, $0.type) }) { first, _ in first },
            fees: offer.fees,
            rates: offer.rates,
            people: people,
            rules: park.rules,
            bookedOn: offer.today
        )
        let booking = held(plan, priced, for: request, at: park, act)
        try await insert(booking, offer, act)
        if let deadline = booking.holdUntil {
            try Job.enqueue(ExpireHold(bookingId: booking.id), key: booking.id.description, at: deadline, act)
        }
        if let reason = request.reason {
            try Audit.record(
                "booking.placeOutsideRules",
                target: booking.id.uuid,
                park: park.id,
                onBehalfOf: offer.guest,
                reason: reason,
                act
            )
        }
        try await divide(booking.id, joining: true, act)
        try booking.notify(.bookingHeld, act)
        booking.publish(in: act.tx)
        return booking
    }

    /// The park's offer for a requested stay.
    private struct Offer {
        let guest: Guest.ID
        let park: Park
        let types: [CottageType]
        let rates: [Rate]
        let today: LocalDate

        var fees: [CottageType.ID: Int64] {
            Dictionary(types.map { ($0.id, $0.cleaningFee) }) { first, _ in first }
        }

        /// Reads the offer in one round trip; throws what forbids the request before any cottage is locked.
        static func find(for request: BookingRequest, isByDesk: Bool, _ act: Act) async throws -> Offer {
            guard let guest = act.principal.guestID else { throw Refusal.notFound }
            let (_, own, holds, parks, types, rates, conflicts) = try await act.tx.all(
                BookingSQL.placeAlone(guest),
                GroupSQL.ownRow(in: request.groupId, of: guest),
                BookingSQL.holds(of: guest, now: act.now),
                ParkSQL.park(request.parkId),
                ParkSQL.types(of: request.parkId),
                RateSQL.rates(during: request.stay, park: request.parkId),
                AllocationSQL.conflicts(request.cottages.compactMap(\.cottageId), request.stay, now: act.now)
            )
            guard !own.isEmpty else { throw Refusal.notFound }
            guard (holds.first ?? 0) < maximumHolds else { throw Refusal.tooManyHolds }
            guard let park = parks.first else { throw Refusal.unknownCottage.at("/parkId") }
            let today = try ParkClock(stored: park.timeZone).date(at: act.now)
            guard request.reason == nil || isByDesk else { throw Refusal.forbidden.at("/reason") }
            guard request.stay.arrival >= today else { throw Refusal.arrivalPassed }
            if request.reason == nil { try park.rules.allow(request.stay, today: today) }
            // Refuse at once if a cottage is taken, without queueing for its lock.
            guard conflicts.allSatisfy(\.isDue) else { throw Refusal.cottageTaken }
            return Offer(guest: guest, park: park, types: types, rates: rates, today: today)
        }
    }

    private static func held(
        _ plan: BookingPlan,
        _ priced: PricedPlan,
        for request: BookingRequest,
        at park: Park,
        _ act: Act
    ) -> Booking {
        let id: Booking.ID = request.id ?? act.id()
        return Booking(
            id: id,
            number: number(of: id, act.app.secret),
            parkId: park.id,
            groupId: request.groupId,
            stay: plan.stay,
            state: .held,
            holdUntil: act.now.addingTimeInterval(Double(park.rules.holdMinutes) * 60),
            isExtended: false,
            adults: priced.adults,
            children: priced.children,
            babies: priced.babies,
            pets: plan.pets,
            cottages: plan.cottages.map { BookedCottage(id: $0.id, number: "", isChosen: $0.isChosen) },
            travellerIds: plan.travellerIds,
            charges: priced.charges,
            currency: park.currency,
            deposit: priced.deposit,
            placedAt: act.now,
            version: 1
        )
    }

    private static func insert(_ booking: Booking, _ offer: Offer, _ act: Act) async throws {
        let fees = Dictionary(offer.fees.map { ($0.key.description, $0.value) }) { $1 }
        try await act.tx.run(
            [
                BookingSQL.insert(
                    booking,
                    policy: try JSONText(encoding: offer.park.rules),
                    fees: try JSONText(encoding: fees),
                    source: "guest",
                    by: offer.guest
                ),
                AllocationSQL.insertAllocations(
                    booking,
                    ids: booking.cottages.map { _ in act.app.ids.uuid(at: act.now) }
                ),
                BookingSQL.insertTravellers(booking),
            ] + booking.charges.map { ChargeSQL.insert($0, id: act.id(), booking: booking.id, at: act.now) },
            refusing: [
                "allocation_cottage_taken": .cottageTaken, "booking_pkey": .idTaken, "booking_number_taken": .idTaken,
            ]
        )
    }

    /// The most holds of one guest at a time, so that no guest blocks a park without paying.
    static let maximumHolds = 20

    private struct Taken {
        let id: Cottage.ID
        let type: CottageType
        let isChosen: Bool
    }

    /// Locks the chosen cottages, and a free one for every "any of this type".
    ///
    /// If another guest was faster, it tries other free cottages. It throws `cottageTaken` after three tries.
    private static func lockCottages(
        for request: BookingRequest,
        _ types: [CottageType],
        isToday: Bool,
        _ act: Act
    ) async throws -> [Taken] {
        let chosen = request.cottages.compactMap(\.cottageId)
        let wanted = request.cottages.compactMap(\.typeId)
        for id in wanted where !types.contains(where: { $0.id == id }) { throw Refusal.unknownCottage.at("/cottages") }
        for _ in 0..<3 {
            var picked: [Cottage.ID] = []
            if !wanted.isEmpty {
                var free = try await act.tx.all(AvailabilitySQL.free(in: request.parkId, request.stay, now: act.now))
                    .filter {
                        !chosen.contains($0.id)
                    }
                for type in wanted {
                    guard let index = free.firstIndex(where: { $0.typeId == type }) else { throw Refusal.cottageTaken }
                    picked.append(free.remove(at: index).id)
                }
            }
            let ids = (chosen + picked).sorted()
            let (_, found, conflicts) = try await act.tx.all(
                AllocationSQL.lock(ids, for: request.stay, now: act.now),
                AllocationSQL.types(of: ids, in: request.parkId),
                AllocationSQL.conflicts(ids, request.stay, now: act.now)
            )
            let open = found.filter(\.isOpen)
            guard open.count == ids.count else { throw Refusal.unknownCottage.at("/cottages") }
            guard !isToday || open.allSatisfy(\.isInOrder) else { throw Refusal.outOfOrder.at("/cottages") }
            for due in conflicts where due.isDue {
                if let booking = due.booking { try await expire(booking, act) }
            }
            let standing = Set(conflicts.filter { !$0.isDue }.map(\.cottage))
            if standing.isEmpty {
                return open.compactMap { cottage in
                    types.first { $0.id == cottage.type }.map {
                        Taken(id: cottage.id, type: $0, isChosen: chosen.contains(cottage.id))
                    }
                }
            }
            guard standing.isDisjoint(with: chosen) else { throw Refusal.cottageTaken }
        }
        throw Refusal.cottageTaken
    }

    /// A number of eight easily read characters, made from the id: the same id has the same number.
    static func number(of id: Booking.ID, _ secret: ServerSecret) -> String {
        let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
        let letters = secret.digest("booking-number", id.description).prefix(8).map {
            alphabet[Int($0) % alphabet.count]
        }
        return String(letters[0..<4]) + "-" + String(letters[4..<8])
    }
}
