import Foundation
import GuestModels
import Postgres
import Sync

extension Cottage {
    static func create(
        _ request: CottageRequest,
        park: Park.ID,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Cottage {
        guard try await tx.first(ParkSQL.park(park)) != nil else { throw Refusal.notFound }
        let cottage = Cottage(request, id: app.ids.next(at: now), park: park, version: 1)
        try await tx.run(
            ParkSQL.insert(cottage),
            refusing: ["cottage_number_taken": .numberTaken, "cottage_type_of_park": .typeOfOtherPark]
        )
        try Audit.record(
            "cottage.create",
            target: cottage.id.uuid,
            park: park,
            after: cottage,
            app,
            at: now,
            in: tx
        )
        publish([cottage.id], of: park, in: tx)
        return cottage
    }

    static func change(
        _ id: Cottage.ID,
        to request: CottageRequest,
        expecting version: Int,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Cottage {
        let before = try await locked(id, for: principal, in: tx)
        guard before.version == version else { throw Problem.matchFailed }
        let cottage = Cottage(request, id: id, park: before.parkId, version: version + 1)
        try await tx.run(
            ParkSQL.update(cottage),
            refusing: ["cottage_number_taken": .numberTaken, "cottage_type_of_park": .typeOfOtherPark]
        )
        if cottage.typeId != before.typeId {
            // A stay keeps the price of the type under which its cottage was booked.
            tx.later([ParkSQL.keepPrices(of: id, as: before.typeId)])
            for (booking, group) in try await tx.all(ParkSQL.groupBookings(of: id)) {
                tx.publish(booking, .booking, to: .group(group))
            }
        }
        try Audit.record(
            "cottage.change",
            target: id.uuid,
            park: cottage.parkId,
            before: before,
            after: cottage,
            app,
            at: now,
            in: tx
        )
        publish([id], of: cottage.parkId, in: tx)
        if cottage.number != before.number {
            // Bookings say it.
            for (booking, group) in try await tx.all(ParkSQL.groupBookings(of: id)) {
                tx.publish(booking, .booking, to: .group(group))
            }
        }
        return cottage
    }

    /// The cottage, locked, for somebody who looks after its park.
    static func locked(
        _ id: Cottage.ID,
        for principal: Principal,
        _ functions: Set<StaffMember.Function> = [.reception, .maintenance],
        in tx: Transaction
    ) async throws -> Cottage {
        guard let cottage = try await tx.first(ParkSQL.cottage(id, locked: true)),
            principal.has(functions, at: cottage.parkId)
        else { throw Refusal.notFound }
        return cottage
    }

    static func publish(_ cottages: [Cottage.ID], of park: Park.ID, in tx: Transaction) {
        for cottage in cottages {
            tx.publish(cottage, .cottage, to: .park(park))
            tx.publish(cottage, .readiness, to: .cottage(cottage))
            tx.tell(park, of: .cottage, cottage)
        }
    }

    private init(_ request: CottageRequest, id: ID, park: Park.ID, version: Int) {
        self.init(
            id: id,
            parkId: park,
            typeId: request.typeId,
            number: request.number,
            longitude: request.longitude,
            latitude: request.latitude,
            isOpen: request.isOpen,
            version: version
        )
    }
}

extension Closure {
    /// Takes a cottage out of use.
    ///
    /// Throws `cottageBooked` with the bookings that have the cottage in those nights, `cottageTaken` when it is closed
    /// then already.
    static func close(
        _ cottage: Cottage.ID,
        _ request: ClosureRequest,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> Closure {
        let place = try await Cottage.locked(cottage, for: principal, in: tx)
        let bookings = try await tx.all(ParkSQL.bookings(in: cottage, during: request.stay))
        guard bookings.isEmpty else { throw Refusal.cottageBooked(bookings) }
        let closure = Closure(
            id: app.ids.next(at: now),
            cottageId: cottage,
            stay: request.stay,
            reason: request.reason
        )
        try await tx.run(
            ParkSQL.insert(closure, allocation: app.ids.uuid(at: now)),
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        try Audit.record(
            "cottage.close",
            target: cottage.uuid,
            park: place.parkId,
            reason: request.reason,
            after: closure,
            app,
            at: now,
            in: tx
        )
        tx.tell(place.parkId, of: .cottage, cottage)
        return closure
    }

    static func reopen(
        _ id: Closure.ID,
        as principal: Principal,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws {
        guard let closure = try await tx.first(ParkSQL.closure(id)) else { throw Refusal.notFound }
        let place = try await Cottage.locked(closure.cottageId, for: principal, in: tx)
        try await tx.run(ParkSQL.end(id, at: now))
        try Audit.record(
            "cottage.reopen",
            target: closure.cottageId.uuid,
            park: place.parkId,
            before: closure,
            app,
            at: now,
            in: tx
        )
        tx.tell(place.parkId, of: .cottage, closure.cottageId)
    }
}

extension Refusal {
    /// - Parameter numbers: those of the bookings.
    static func cottageBooked(_ numbers: [String]) -> Refusal {
        let list = numbers.joined(separator: ", ")
        return Refusal(
            .conflict,
            "cottage_booked",
            en: "The cottage is booked in some of those nights: \(list). Move those bookings first.",
            nl: "Het huisje is in sommige van die nachten geboekt: \(list). Verplaats die boekingen eerst.",
            de: "Das Haus ist in einigen dieser Nächte gebucht: \(list). Lege diese Buchungen zuerst um."
        )
    }
}
