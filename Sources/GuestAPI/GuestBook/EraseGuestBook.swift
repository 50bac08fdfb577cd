import GuestModels
import Postgres
import SyncMessages

extension PersonalData {
    /// Erases the texts that the guest wrote.
    static let guestBook = PersonalData(
        name: "guestBook",
        export: { guest, act in try await act.tx.all(GuestBookSQL.entries(by: guest)) },
        erase: { guest, act in try await GuestBookEntry.erase(by: guest, act) },
        // Cottages come before travellers, as for whoever writes.
        stop: { guest, act in try await act.tx.run(GuestBookSQL.lockCottages(of: guest)) }
    )
}

extension GuestBookEntry {
    fileprivate static func erase(by guest: Guest.ID, _ act: Act) async throws {
        // Cottages come before texts, as for whoever writes.
        try await act.tx.run(GuestBookSQL.lockCottages(of: guest))
        for (cottage, entry) in try await act.tx.all(GuestBookSQL.delete(by: guest)) {
            act.tx.publish(entry, .guestBookEntry, to: .cottage(cottage))
        }
    }

    /// Erases texts of guests whose account was erased by a node that does not know guest books.
    static func forgetErased(_ act: Act) async throws {
        for guest in try await act.tx.all(GuestBookSQL.erasedAuthors()) { try await erase(by: guest, act) }
    }
}
