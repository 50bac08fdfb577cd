import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Cottage {
    static func create(_ request: CottageRequest, park: Park.ID, _ act: Act) async throws -> Cottage {
        guard try await act.tx.first(ParkSQL.park(park)) != nil else { throw Refusal.notFound }
        let cottage = Cottage(request, id: act.id(), park: park, version: 1)
        try await act.tx.run(
            ParkSQL.insert(cottage),
            refusing: ["cottage_number_taken": .numberTaken, "cottage_type_of_park": .typeOfOtherPark]
        )
        try Audit.record("cottage.create", target: cottage.id.uuid, park: park, after: cottage, act)
        publish([cottage.id], of: park, in: act.tx)
        return cottage
    }

    static func change(
        _ id: Cottage.ID,
        to request: CottageRequest,
        expecting version: Int,
        _ act: Act
    ) async throws -> Cottage {
        let before = try await locked(id, act)
        guard before.version == version else { throw Problem.matchFailed }
        let cottage = Cottage(request, id: id, park: before.parkId, version: version + 1)
        try await act.tx.run(
            ParkSQL.update(cottage),
            refusing: ["cottage_number_taken": .numberTaken, "cottage_type_of_park": .typeOfOtherPark]
        )
        if cottage.typeId != before.typeId {
            // A stay keeps the price of the type under which its cottage was booked.
            act.tx.later([ParkSQL.freezePrices(of: id, as: before.typeId)])
            for (booking, group) in try await act.tx.all(ParkSQL.groupBookings(of: id)) {
                act.tx.publish(booking, .booking, to: .group(group))
            }
        }
        try Audit.record("cottage.change", target: id.uuid, park: cottage.parkId, before: before, after: cottage, act)
        publish([id], of: cottage.parkId, in: act.tx)
        if cottage.number != before.number {
            // Bookings show the cottage's number, so publish them.
            for (booking, group) in try await act.tx.all(ParkSQL.groupBookings(of: id)) {
                act.tx.publish(booking, .booking, to: .group(group))
            }
        }
        return cottage
    }

    /// Reads and locks a cottage; throws `notFound` unless the asker has one of the functions at its park.
    static func locked(
        _ id: Cottage.ID,
        for functions: Set<StaffMember.Function> = [.reception, .maintenance],
        _ act: Act
    ) async throws -> Cottage {
        guard let cottage = try await act.tx.first(ParkSQL.cottage(id, locked: true)),
            act.principal.has(functions, at: cottage.parkId)
        else { throw Refusal.notFound }
        return cottage
    }

    static func publish(_ cottages: [Cottage.ID], of park: Park.ID, in tx: Transaction) {
        for cottage in cottages {
            tx.publish(cottage, .cottage, to: .park(park))
            tx.publish(cottage, .readiness, to: .cottage(cottage))
            tx.feed(cottage, .cottage, to: park)
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
    static func close(_ cottage: Cottage.ID, _ request: ClosureRequest, _ act: Act) async throws -> Closure {
        let place = try await Cottage.locked(cottage, act)
        let bookings = try await act.tx.all(ParkSQL.bookings(in: cottage, during: request.stay))
        guard bookings.isEmpty else { throw Refusal.cottageBooked(bookings) }
        let closure = Closure(
            id: act.id(),
            cottageId: cottage,
            stay: request.stay,
            reason: request.reason
        )
        try await act.tx.run(
            ParkSQL.insert(closure, allocation: act.app.ids.uuid(at: act.now)),
            refusing: ["allocation_cottage_taken": .cottageTaken]
        )
        try Audit.record(
            "cottage.close",
            target: cottage.uuid,
            park: place.parkId,
            reason: request.reason,
            after: closure,
            act
        )
        act.tx.feed(cottage, .cottage, to: place.parkId)
        return closure
    }

    static func reopen(_ id: Closure.ID, _ act: Act) async throws {
        guard let closure = try await act.tx.first(ParkSQL.closure(id)) else { throw Refusal.notFound }
        let place = try await Cottage.locked(closure.cottageId, act)
        try await act.tx.run(ParkSQL.end(id, at: act.now))
        try Audit.record("cottage.reopen", target: closure.cottageId.uuid, park: place.parkId, before: closure, act)
        act.tx.feed(closure.cottageId, .cottage, to: place.parkId)
    }
}

extension Refusal {
    /// A closure was asked for nights in which holds, bookings or held changes have the cottage.
    ///
    /// - Parameter numbers: the numbers of the bookings.
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
