import Foundation
import GuestModels
import Postgres
import SyncMessages

extension MailChange {
    /// The time in which a code for another mail address can be used: one hour.
    private static let lifetimeOfCodes: TimeInterval = 3600
    static let maximumTries = 5
    private static let maximumADay = 3

    /// The mailbox that a code was sent to.
    enum Mailbox: String, Sendable {
        case old, new
    }

    /// The eight digits of a code, derived in the same way as a sign-in code.
    static func code(of change: ID, _ mailbox: Mailbox, _ secret: ServerSecret) -> String {
        SignInCode.newest(purpose(mailbox), change.description, secret)
    }

    private static func isCode(_ code: String, of change: ID, _ mailbox: Mailbox, _ secret: ServerSecret) -> Bool {
        SignInCode.isAny(code, purpose(mailbox), change.description, secret)
    }

    private static func purpose(_ mailbox: Mailbox) -> String { "mail-change-\(mailbox.rawValue)" }

    /// Begins a change of address and tells both mailboxes; it replaces a change that is under way.
    ///
    /// The guest does not learn whether the new address has an account until that mailbox has proved itself.
    static func ask(_ request: MailChangeRequest, by guest: Guest.ID, _ act: Act) async throws -> MailChange {
        guard let found = try await act.tx.first(IdentitySQL.guest(guest, locked: true)) else { throw Refusal.notFound }
        let change = MailChange(
            id: act.id(),
            email: request.email.lowercased(),
            isConfirmed: false,
            codesUntil: act.now.addingTimeInterval(lifetimeOfCodes),
            due: act.now.addingTimeInterval(notice)
        )
        try await forgetTarget(of: guest, act)
        guard try await act.tx.first(MailChangeSQL.replace(change, of: guest, atMost: maximumADay, at: act.now)) != nil
        else {
            throw Refusal.tooManyMailChanges
        }
        try Job.enqueue(
            Mail(to: change.email, language: found.language, letter: .mailChangeAsked(change: change.id)),
            at: act.now,
            act
        )
        if let old = found.email {
            // The date in the mail is in UTC, because a guest has no park's time zone.
            let due = LocalDate(daysSince1970: Int((change.due.timeIntervalSince1970 / 86400).rounded(.down)))
            try Job.enqueue(
                Mail(to: old, language: found.language, letter: .mailChangeAnnounced(change: change.id, due: due)),
                at: act.now,
                act
            )
        }
        return change
    }

    /// Counts a try to confirm a change of mail address.
    ///
    /// The count commits before the codes are compared, so a failed try stays counted. Throws `mailCodeWrong` when no
    /// try is left.
    static func countTry(by guest: Guest.ID, _ act: Act) async throws {
        guard try await act.tx.run(MailChangeSQL.countMailChangeTry(of: guest, now: act.now)) == 1 else {
            throw Refusal.mailCodeWrong
        }
    }

    /// Checks both codes of a change.
    ///
    /// - Returns: the change that waits for its day; nil when the address has changed.
    static func confirm(
        _ confirmation: MailChangeConfirmation,
        by guest: Guest.ID,
        _ act: Act
    ) async throws -> MailChange? {
        guard let found = try await act.tx.first(IdentitySQL.guest(guest, locked: true)),
            var change = try await act.tx.first(MailChangeSQL.mailChange(of: guest)), act.now < change.codesUntil,
            isCode(confirmation.newCode, of: change.id, .new, act.app.secret)
        else { throw Refusal.mailCodeWrong }
        if let code = confirmation.oldCode {
            guard isCode(code, of: change.id, .old, act.app.secret) else { throw Refusal.mailCodeWrong }
        }
        guard found.email == nil || confirmation.oldCode != nil else {
            change.isConfirmed = true
            try await act.tx.run(MailChangeSQL.confirm(change.id))
            try Job.enqueue(EndMailChange(guest: guest, change: change.id), at: change.due, act)
            return change
        }
        try await apply(change, to: found, act)
        return nil
    }

    /// Stops a change of mail address, so that the guest keeps the present address.
    static func stop(by guest: Guest.ID, _ act: Act) async throws {
        // The lock waits for a change that is being made at this moment.
        _ = try await act.tx.first(IdentitySQL.guest(guest, locked: true))
        try await forgetTarget(of: guest, act)
        try await act.tx.run(MailChangeSQL.endMailChange(of: guest))
    }

    /// Deletes the mails to the new address of an abandoned change.
    ///
    /// A later erasure of the guest would not find that address.
    private static func forgetTarget(of guest: Guest.ID, _ act: Act) async throws {
        guard let email = try await act.tx.first(MailChangeSQL.mailChange(of: guest))?.email else { return }
        try await act.tx.run(JobSQL.deleteMails(to: email))
        try Job.enqueue(EraseSpool(folder: Spool.folder(of: email)), at: act.now, act)
    }

    /// Gives a guest the new mail address.
    ///
    /// Devices stay signed in, and are known at the new address.
    ///
    /// Throws `mailTaken` if another account has the address.
    fileprivate static func apply(_ change: MailChange, to guest: Guest, _ act: Act) async throws {
        try await act.tx.run(
            MailChangeSQL.setMail(change.email, of: guest.id),
            refusing: ["guest_email_taken": .mailTaken]
        )
        try await act.tx.run([MailChangeSQL.endMailChange(of: guest.id), SignInSQL.endDeskLinks(of: guest.id)])
        if let old = guest.email {
            try await act.tx.run(IdentitySQL.forget(address: old, for: change.email))
            try Job.enqueue(EraseSpool(folder: Spool.folder(of: old)), at: act.now, act)
        }
        act.tx.publish(guest.id, .guest, to: .guest(guest.id))
        for park in try await act.tx.all(IdentitySQL.parks(of: guest.id)) { act.tx.feed(guest.id, .guest, to: park) }
        try Audit.record("guest.changeMail", target: guest.id.uuid, act)
    }
}

/// Makes the change of address seven days after the old address was told.
struct EndMailChange: Work {
    static let kind = "endMailChange"
    static let queue = Job.Queue.effects

    let guest: Guest.ID
    let change: MailChange.ID

    /// Makes the change, unless the guest has stopped it or begun another.
    ///
    /// If another account has the address by now, the change is stopped instead.
    func finish(_ act: Act) async throws {
        guard let found = try await act.tx.first(IdentitySQL.guest(guest, locked: true)),
            let waiting = try await act.tx.first(MailChangeSQL.mailChange(of: guest)), waiting.id == change,
            waiting.isConfirmed
        else { return }
        do {
            try await act.tx.savepoint { _ in try await MailChange.apply(waiting, to: found, act) }
        } catch let refusal as Refusal where refusal == .mailTaken {
            try await MailChange.stop(by: guest, act)
        }
    }
}
