import Foundation
import GuestModels
import Postgres
import Sync

/// What a feature knows about a guest: how it hands it out, and how it forgets it.
struct PersonalData: Sendable {
    let name: String
    let export: @Sendable (Guest.ID, Act) async throws -> any Encodable & Sendable
    let erase: @Sendable (Guest.ID, Act) async throws -> Void
    /// The records that an erasure leaves, with the reason for each.
    var remains: @Sendable (Guest.ID, Act) async throws -> [Remainder] = { _, _ in [] }
    /// Waits for what is being done in the guest's name, and lets nothing more begin; before anything is erased.
    var stop: @Sendable (Guest.ID, Act) async throws -> Void = { _, _ in }

    /// Something that an erasure leaves.
    struct Remainder: Encodable, Sendable {
        enum Kind: String, Encodable, Sendable {
            /// A share that is not paid: its household goes on owing it, without a name.
            case debt
            /// A stay that counts on them.
            case stay
        }

        let kind: Kind
        let bookingNumber: String
        let park: String
        var open: Money?
        var stay: Stay?
    }

    /// Every feature that keeps personal data stands here; erased from the first to the last.
    static let all: [PersonalData] = [register, payments, planning, messages, groups, sync, notices, outbox, identity]

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
                consents: try await act.tx.all(IdentitySQL.consents(of: .guest(guest))),
                consentsForChildren: try await act.tx.all(IdentitySQL.consents(givenBy: guest)),
                devices: try await act.tx.all(IdentitySQL.devices(of: guest, current: nil, now: .distantPast)),
                mailChange: try await act.tx.first(IdentitySQL.mailChange(of: guest))
            )
        },
        erase: { guest, act in
            try await act.tx.run(IdentitySQL.erase(guest, at: act.now))
            act.tx.publish(guest, .guest, to: .guest(guest))
        }
    )

    /// Mails that wait, and those that were delivered into the spool.
    static let outbox = PersonalData(
        name: "outbox",
        export: { _, _ in [String]() },
        erase: { guest, act in
            let (guests, changes) = try await act.tx.all(IdentitySQL.guest(guest), IdentitySQL.mailChange(of: guest))
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
        for feature in PersonalData.all {
            parts[feature.name] = JSONFragment(try await feature.export(id, act))
        }
        return parts
    }

    /// Erases a guest.
    ///
    /// What the law makes us keep (bookings and their amounts) stays without a name.
    ///
    /// Throws `organisesBooking` when they organise a stay that is still to come and nobody can take over.
    ///
    /// - Returns: what remains all the same, for them to read before they go.
    @discardableResult
    static func erase(_ id: Guest.ID, _ act: Act) async throws -> [PersonalData.Remainder] {
        // Phones first, as whatever a phone brings begins with it.
        for feature in PersonalData.all.reversed() { try await feature.stop(id, act) }
        guard try await act.tx.first(IdentitySQL.guest(id, locked: true)) != nil else { throw Refusal.notFound }
        try await tellParks(of: id, in: act.tx)
        var remains: [PersonalData.Remainder] = []
        for feature in PersonalData.all { remains += try await feature.remains(id, act) }
        for feature in PersonalData.all {
            try await feature.erase(id, act)
        }
        try Job.enqueue(NoteErasure(guest: id), at: act.now, act)
        try Audit.record("guest.erase", target: id.uuid, act)
        return remains
    }
}

/// Any encodable value, so that exports of different features fit into one document.
struct JSONFragment: Encodable, Sendable {
    private let value: any Encodable & Sendable

    init(_ value: any Encodable & Sendable) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        try value.encode(to: encoder)
    }
}
