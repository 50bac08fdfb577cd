import Foundation
import GuestModels
import Postgres

extension StaffMember {
    /// Makes a staff account.
    ///
    /// `voorpret staff add` calls this; there is no route to it.
    static func add(
        email: String,
        name: String,
        isHeadOffice: Bool,
        posts: [Post],
        language: Language,
        _ app: AppEnvironment,
        at now: Date,
        in tx: Transaction
    ) async throws -> StaffMember {
        let member = StaffMember(
            id: app.ids.next(at: now),
            email: email.lowercased(),
            name: name,
            isHeadOffice: isHeadOffice,
            posts: posts
        )
        try await tx.run(
            IdentitySQL.insertStaff(member, language: language, at: now),
            refusing: ["staff_email_taken": .emailTaken]
        )
        for post in posts { try await tx.run(IdentitySQL.insertPost(member.id, post)) }
        try Audit.record("staff.add", target: member.id.uuid, app, at: now, in: tx)
        return member
    }
}
