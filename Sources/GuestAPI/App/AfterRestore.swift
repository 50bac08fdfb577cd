import Foundation
public import GuestModels
import Postgres

extension Office {
    /// Corrects a database that has just been restored from a backup.
    ///
    /// The backup does not know of access that has ended since, so all such access ends. Guests who have been erased
    /// since are erased again.
    ///
    /// - Parameter erased: the erased guests, from the list that is kept outside the backups.
    /// - Returns: a line for each thing that was done or needs attention.
    public func finishRestore(erased: [Guest.ID]) async throws -> [String] {
        let acting = Principal.job("restore")
        let now = app.now()
        // Version numbers go on from the backup, so phones with higher numbers must begin anew.
        let (devices, systems, invitations) = try await app.act(as: acting, within: 600) { act in
            try await act.tx.run(SyncSQL.newEpoch)
            let devices = try await act.tx.run(IdentitySQL.revokeAllStaff(at: now))
            try await act.tx.run([MailChangeSQL.endAllMailChanges, FactorSQL.deleteAllCodes])
            let systems = try await act.tx.run(SystemCredentialSQL.endAll(at: now))
            let invitations = try await act.tx.run(InvitationSQL.revokeAllInvitations(at: now))
            try Audit.record("backup.restore", target: nil, act)
            return (devices, systems, invitations)
        }
        let older = app.secret.keys.map(\.number)
        _ = try await rotateSecret(pause: .zero)
        for number in older { try await endKey(number) }
        var lines = [
            "signed out \(devices) devices of staff", "ended \(systems) credentials of systems",
            "ended all changes of mail addresses and all recovery codes",
            "ended \(invitations) invitations, all links and all calendars",
        ]
        var count = 0
        for guest in erased {
            do {
                let isErased = try await app.act(as: acting, within: 60) { act in
                    guard try await act.tx.first(IdentitySQL.guest(guest)) != nil else { return false }
                    try await Guest.erase(guest, act)
                    return true
                }
                if isErased { count += 1 }
            } catch let refusal as Refusal {
                lines.append("could not erase \(guest) again: \(refusal.message.english)")
            }
        }
        lines.append("erased \(count) accounts again")
        lines += [
            "cannot know: accounts erased since the backup that are not on the list, devices that guests have signed out "
                + "since, bookings and changes made since",
            "cannot know: payments made since; `voorpret check ledger --provider` shows them",
        ]
        return lines
    }
}
