import Foundation
import GuestModels
import Postgres

/// A colleague's account: made, changed and ended.
extension StaffMember {
    /// Makes a staff account, or opens the old account of a colleague who comes back.
    ///
    /// Throws `emailTaken` for the address of a present colleague, and `notFound` for an unknown park.
    static func add(
        email: String,
        name: String,
        isHeadOffice: Bool,
        posts: [Post],
        language: Language,
        _ act: Act
    ) async throws -> StaffMember {
        let fresh = StaffMember(
            id: act.id(),
            email: email.lowercased(),
            name: name,
            isHeadOffice: isHeadOffice,
            posts: posts,
            version: 1
        )
        guard let id = try await act.tx.first(StaffSQL.insert(fresh, language: language, at: act.now)) else {
            throw Refusal.emailTaken.at("/email")
        }
        try await give(posts, to: id, in: act.tx)
        try Audit.record("staff.add", target: id.uuid, after: fresh, act)
        return try await found(id, in: act.tx)
    }

    /// Replaces a colleague's name, posts and place at head office; a post that is left out ends.
    ///
    /// Throws `notFound`, and `Problem.matchFailed` for another version. Throws `lastHeadOffice` if nobody would be
    /// left at head office.
    static func change(
        _ id: ID,
        to request: StaffChange,
        expecting version: Int,
        _ act: Act
    ) async throws -> StaffMember {
        let before = try await locked(id, in: act.tx)
        guard before.version == version else { throw Problem.matchFailed }
        if !request.isHeadOffice { try await before.requireAnother(in: act.tx) }
        try await act.tx.run(StaffSQL.update(id, name: request.name, isHeadOffice: request.isHeadOffice))
        try await give(request.posts, to: id, in: act.tx)
        try Audit.record("staff.change", target: id.uuid, before: before, after: request, act)
        return try await found(id, in: act.tx)
    }

    /// Ends a colleague's account: their devices are signed out, and no code signs them in any more.
    ///
    /// Audit rows keep the colleague's name. On other nodes a request may still start within the next second.
    ///
    /// Throws `lastHeadOffice` if nobody would be left at head office.
    static func end(_ id: ID, _ act: Act) async throws {
        let member = try await locked(id, in: act.tx)
        try await member.requireAnother(in: act.tx)
        act.tx.later(StaffSQL.end(member, at: act.now))
        try Audit.record("staff.end", target: id.uuid, before: member, act)
    }

    private static func give(_ posts: [Post], to id: ID, in tx: Transaction) async throws {
        try await tx.run(
            StaffSQL.replacePosts(of: id, with: posts),
            refusing: ["staff_function_park_id_fkey": .notFound.at("/posts")]
        )
    }

    private static func locked(_ id: ID, in tx: Transaction) async throws -> StaffMember {
        // Two colleagues could end each other at the same moment, so only one change runs at a time.
        let (_, members) = try await tx.all(StaffSQL.lockOffice, StaffSQL.member(id, locked: true))
        guard let member = members.first else { throw Refusal.notFound }
        return member
    }

    private static func found(_ id: ID, in tx: Transaction) async throws -> StaffMember {
        guard let member = try await tx.first(StaffSQL.member(id)) else { throw Refusal.notFound }
        return member
    }

    /// Throws `lastHeadOffice` for the last one at head office.
    private func requireAnother(in tx: Transaction) async throws {
        guard isHeadOffice, try await tx.first(StaffSQL.isAnotherAtHeadOffice(besides: id)) != true else { return }
        throw Refusal.lastHeadOffice
    }
}
