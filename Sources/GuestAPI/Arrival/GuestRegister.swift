import Foundation
import GuestModels
import Postgres

extension RegisterEntry {
    /// Enters a traveller, days ahead or at the desk; any member of the group may do so.
    ///
    /// Throws `notFound` for a traveller outside the booking, or if the park keeps no register.
    func enter(_ traveller: Traveller.ID, of id: Booking.ID, _ act: Act) async throws {
        let booking = try await Booking.locked(id, by: .member, act)
        guard let rule = try await act.tx.first(BookingSQL.policy(of: id))?.rules.register,
            booking.travellerIds.contains(traveller)
        else { throw Refusal.notFound }
        guard booking.state == .held || booking.state == .confirmed || booking.state == .checkedIn else {
            throw Refusal.stayOver
        }
        let data = Data(try ResponseEncoder.encode(self))
        let sealed = try act.app.secret.seal(data, for: "register", context: traveller.description)
        let keepUntil = booking.stay.departure.adding(days: rule.keepDays)
        act.tx.later([ArrivalSQL.enter(traveller, of: id, sealed: sealed, keepUntil: keepUntil)])
        try Audit.record("register.enter", target: id.uuid, park: booking.parkId, act)
    }

    static func open(_ sealed: Data, of traveller: Traveller.ID, _ app: AppEnvironment) throws -> RegisterEntry {
        let data = try app.secret.open(sealed, for: "register", context: traveller.description)
        return try JSONDecoder().decode(RegisterEntry.self, from: data)
    }

    struct Shown: Encodable, Sendable {
        let travellerId: Traveller.ID
        let entry: RegisterEntry
    }

    /// The register of a booking, for the desk; every look is audited.
    static func show(of id: Booking.ID, _ act: Act) async throws -> [Shown] {
        let booking = try await Booking.found(id, by: .member, act)
        let entries = try await act.tx.all(ArrivalSQL.register(of: id))
        try Audit.record("register.show", target: id.uuid, park: booking.parkId, act)
        return try entries.map { traveller, sealed in
            Shown(travellerId: traveller, entry: try open(sealed, of: traveller, act.app))
        }
    }
}

extension PersonalData {
    /// The guest register.
    ///
    /// The law requires its entries until their own day, also after the account is erased.
    static let register = PersonalData(
        name: "register",
        export: { guest, act in
            try await act.tx.all(ArrivalSQL.entries(of: guest)).map { _, traveller, sealed in
                RegisterEntry.Shown(
                    travellerId: traveller,
                    entry: try RegisterEntry.open(sealed, of: traveller, act.app)
                )
            }
        },
        erase: { _, _ in }
    )
}
