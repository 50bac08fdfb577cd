import Foundation
import GuestModels
import Postgres
import SyncMessages

extension PersonalData {
    static let identity = PersonalData(
        name: "identity",
        export: { guest, act in
            struct Export: Encodable, Sendable {
                let profile: Guest?
                let consents: [ConsentEntry]
                let consentsForChildren: [ConsentEntry]
                let devices: [Device]
                let mailChange: MailChange?
            }
            return Export(
                profile: try await act.tx.first(IdentitySQL.guest(guest)),
                consents: try await act.tx.all(ConsentSQL.consents(of: .guest(guest))),
                consentsForChildren: try await act.tx.all(ConsentSQL.consents(givenBy: guest)),
                devices: try await act.tx.all(IdentitySQL.devices(of: guest, current: nil, now: .distantPast)),
                mailChange: try await act.tx.first(MailChangeSQL.mailChange(of: guest))
            )
        },
        erase: { guest, act in
            try await act.tx.run(IdentitySQL.erase(guest, at: act.now))
            act.tx.publish(guest, .guest, to: .guest(guest))
        }
    )

    /// Mails that wait to be sent, and mails that were delivered into the spool.
    static let outbox = PersonalData(
        name: "outbox",
        export: { _, _ in [String]() },
        erase: { guest, act in
            let (guests, changes) = try await act.tx.all(IdentitySQL.guest(guest), MailChangeSQL.mailChange(of: guest))
            for email in guests.compactMap(\.email) + changes.map(\.email) {
                try await act.tx.run(JobSQL.deleteMails(to: email))
                try Job.enqueue(EraseSpool(folder: Spool.folder(of: email)), at: act.now, act)
            }
        }
    )
}

extension Guest {
    /// Everything we know about a guest, one entry per feature.
    static func export(_ id: Guest.ID, _ act: Act) async throws -> [String: JSONFragment] {
        var parts: [String: JSONFragment] = [:]
        for feature in act.app.features.personalData {
            parts[feature.name] = JSONFragment(try await feature.export(id, act))
        }
        return parts
    }

    /// Erases a guest.
    ///
    /// Records that the law makes us keep stay without a name, such as bookings and their amounts.
    ///
    /// Throws `organisesBooking` when the guest organises a future stay and no other member can take over.
    ///
    /// - Returns: the records that remain, for the guest to read before they go.
    @discardableResult
    static func erase(_ id: Guest.ID, _ act: Act) async throws -> [PersonalData.Remainder] {
        // Stop the phones first, so that no phone brings new data during the erasure.
        for feature in act.app.features.personalData { try await feature.stop(id, act) }
        guard try await act.tx.first(IdentitySQL.guest(id, locked: true)) != nil else { throw Refusal.notFound }
        try await feedParks(of: id, in: act.tx)
        var remains: [PersonalData.Remainder] = []
        for feature in act.app.features.personalData { remains += try await feature.remains(id, act) }
        for feature in act.app.features.personalData {
            try await feature.erase(id, act)
        }
        try Job.enqueue(NoteErasure(guest: id), at: act.now, act)
        try Audit.record("guest.erase", target: id.uuid, act)
        return remains
    }
}
