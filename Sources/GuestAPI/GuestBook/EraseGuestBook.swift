import GuestModels
import Postgres
import SyncMessages

extension PersonalData {
    /// The texts that a guest wrote in guest books.
    static let guestBook = PersonalData(
        name: "guestBook",
        export: { guest, act in try await act.tx.all(GuestBookSQL.entries(by: guest)) },
        erase: { guest, act in try await GuestBookEntry.erase(by: guest, act) },
        // Lock cottages before travellers, in the same order as for writing a text.
        stop: { guest, act in try await act.tx.run(GuestBookSQL.lockCottages(of: guest)) }
    )
}

extension GuestBookEntry {
    fileprivate static func erase(by guest: Guest.ID, _ act: Act) async throws {
        // Lock cottages before texts, in the same order as for writing a text.
        try await act.tx.run(GuestBookSQL.lockCottages(of: guest))
        for (cottage, entry) in try await act.tx.all(GuestBookSQL.delete(by: guest)) {
            act.tx.publish(entry, .guestBookEntry, to: .cottage(cottage))
        }
    }

    /// Erases the texts of guests that were erased by a node of an older build, which does not know guest books.
    static func forgetErased(_ act: Act) async throws {
        for guest in try await act.tx.all(GuestBookSQL.erasedAuthors()) { try await erase(by: guest, act) }
    }
}
