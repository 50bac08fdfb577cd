import Foundation
import GuestModels
import HTTPTypes
import Postgres
import SyncMessages

/// The desk's accounts for guests without mail, and the desk's requests in a guest's name.
enum DeskGuests {
    /// The guest in whose name reception makes a request, as `On-Behalf-Of` says.
    ///
    /// The request counts as the guest's own and is audited with both names.
    ///
    /// Throws `signInNeeded` for a request without sign-in, and `forbidden` for everybody but reception. Throws
    /// `notFound` on a route that cannot be called in a guest's name. Throws `notFound` also for a guest or an object
    /// that has nothing to do with the colleague's parks, or no longer has.
    static func find(
        _ header: String,
        by principal: Principal,
        for row: Policy.Row,
        _ parameters: [String: String],
        _ app: AppEnvironment
    ) async throws -> (guest: Guest.ID, actor: StaffMember) {
        if case .nobody = principal { throw Refusal.signInNeeded }
        guard case .staff(let member) = principal else { throw Refusal.forbidden }
        let parks = member.receptionParks
        guard parks?.isEmpty != true else { throw Refusal.forbidden }
        guard let guest = Guest.ID(header) else { throw Refusal.notFound }
        let query: Query<Bool>?
        switch row.desk {
        case .never: query = nil
        case .beginning: query = DeskGuestSQL.isKnown(guest, at: parks)
        case .group:
            query = parameters["group"].flatMap(TravelGroup.ID.init).map {
                DeskSQL.reaches($0, of: guest, at: parks, now: app.now())
            }
        case .booking:
            let booking = parameters["booking"].flatMap(Booking.ID.init)
            let share = parameters["share"].flatMap(Share.ID.init)
            query =
                booking.map { DeskSQL.reaches($0, of: guest, at: parks, now: app.now()) }
                ?? share.map { DeskSQL.reaches($0, of: guest, at: parks, now: app.now()) }
        }
        guard let query, try await app.database.read(as: principal.setting, { try await $0.first(query) }) == true
        else {
            throw Refusal.notFound
        }
        return (guest, member)
    }

    /// Holds cottages for a guest, who asks in person or through the colleague `actor`.
    ///
    /// Throws as `allow` and `Booking.place` do.
    static func place(_ request: BookingRequest, by actor: StaffMember?, _ act: Act) async throws -> Booking {
        guard let actor else { return try await Booking.place(request, act) }
        try await allow(request, by: actor, act)
        let isByDesk = Principal.staff(actor).has([.reception], at: request.parkId)
        return try await Booking.place(request, isByDesk: isByDesk, act)
    }

    /// Checks that a colleague may book in the guest's name.
    ///
    /// Throws `notFound` for a park at which the colleague is not at reception, and for a group that stays elsewhere.
    private static func allow(_ request: BookingRequest, by actor: StaffMember, _ act: Act) async throws {
        let parks = actor.receptionParks
        guard let guest = act.principal.guestID, parks?.contains(request.parkId) ?? true,
            try await act.tx.first(DeskSQL.reaches(request.groupId, of: guest, at: parks, now: act.now)) == true
        else { throw Refusal.notFound }
    }

    /// Writes to the audit when staff read data in a guest's name or look at personal data, so that guests can see it.
    static func recordRead(_ call: Call) async throws {
        guard call.row.method == .get else { return }
        let guest: Guest.ID?
        if call.actor != nil {
            guest = call.principal.guestID
        } else if case .staff = call.principal, call.row.isPersonal {
            guest = nil
        } else {
            return
        }
        try await call.act { act in
            try Audit.record("look.\(call.row.name)", target: call.target, onBehalfOf: guest, act)
        }
    }

    /// Corrects an account that the desk of the park has made.
    ///
    /// Throws `notFound` for every other account, and `guestSignsIn` once the guest has signed in or has mail.
    static func change(
        _ id: Guest.ID,
        at park: Park.ID,
        to change: DeskGuestChange,
        _ act: Act
    ) async throws -> DeskGuest {
        var guest = try await unclaimed(id, of: park, act)
        guest.name = change.name ?? guest.name
        guest.language = change.language ?? guest.language
        try await act.tx.run(DeskGuestSQL.updateDeskGuest(guest))
        // Leave the names out of the audit, so that an erasure need not search it.
        try Audit.record("guest.change", target: id.uuid, park: park, onBehalfOf: id, reason: change.reason, act)
        act.tx.publish(id, .guest, to: .guest(id))
        try await Guest.feedParks(of: id, in: act.tx)
        return guest
    }

    /// Erases an account that the desk of the park has made.
    ///
    /// Throws as `change` and `Guest.erase` do.
    ///
    /// - Returns: the records that remain after the erasure.
    static func erase(
        _ id: Guest.ID,
        at park: Park.ID,
        because reason: String,
        _ act: Act
    ) async throws -> [PersonalData.Remainder] {
        _ = try await unclaimed(id, of: park, act)
        try Audit.record("guest.eraseAtDesk", target: id.uuid, park: park, onBehalfOf: id, reason: reason, act)
        return try await Guest.erase(id, act)
    }

    private static func unclaimed(_ id: Guest.ID, of park: Park.ID, _ act: Act) async throws -> DeskGuest {
        try act.principal.require([.reception], at: park)
        guard let found = try await act.tx.first(DeskGuestSQL.lockedDeskGuest(id, of: park)) else {
            throw Refusal.notFound
        }
        guard !found.hasSignedIn, !found.guest.hasMail else { throw Refusal.guestSignsIn }
        return found.guest
    }

    /// Makes an account without mail for somebody at the desk.
    static func create(_ request: DeskGuestRequest, at park: Park.ID, _ act: Act) async throws -> DeskGuest {
        try act.principal.require([.reception], at: park)
        guard try await act.tx.first(ParkSQL.park(park)) != nil else { throw Refusal.notFound }
        let guest = DeskGuest(
            id: request.id ?? act.id(),
            name: request.name,
            language: request.language ?? .english,
            hasMail: false
        )
        try await act.tx.run(
            DeskGuestSQL.insertDeskGuest(guest, at: park, at: act.now),
            refusing: ["guest_pkey": .idTaken.at("/id")]
        )
        try Audit.record("guest.create", target: guest.id.uuid, park: park, onBehalfOf: guest.id, act)
        act.tx.publish(guest.id, .guest, to: .guest(guest.id))
        act.tx.feed(guest.id, .guest, to: park)
        return guest
    }
}

extension StaffMember {
    /// The parks at whose reception a colleague works; nil for head office, which works at all of them.
    fileprivate var receptionParks: [Park.ID]? {
        isHeadOffice ? nil : posts.filter { $0.function == .reception }.map(\.parkId)
    }
}
