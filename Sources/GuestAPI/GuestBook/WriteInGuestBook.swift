import GuestModels
import Postgres
import SyncMessages

extension GuestBookEntry {
    /// Writes the text of the guest's household in the guest book of its cottage; nil takes the text back.
    ///
    /// A household has one text for each stay and cottage, and a later text replaces it. Those who live there next get
    /// a notice of the first one, if they can read it already.
    ///
    /// Throws `notFound` where the park has no guest books, and as `Booking.allowWriting` does.
    static func write(
        _ request: GuestBookRequest,
        in cottage: Cottage.ID,
        of id: Booking.ID,
        _ act: Act
    ) async throws -> Outcome.Result {
        let guest = try act.principal.guest()
        let booking = try await Booking.found(id, by: .member, act)
        guard let group = booking.groupId else { throw Refusal.notFound }
        let (parks, own) = try await act.tx.all(
            ParkSQL.park(booking.parkId),
            GroupSQL.ownRow(in: group, of: guest)
        )
        guard let park = parks.first, park.rules.hasGuestBooks == true, let household = own.first?.householdId else {
            throw Refusal.notFound
        }
        let today = try ParkClock(stored: park.timeZone).date(at: act.now)
        try booking.allowWriting(inGuestBookOf: cottage, by: household, today: today)

        guard let text = request.text else {
            let gone = try await act.tx.all(GuestBookSQL.delete(in: cottage, of: id, by: household))
            for entry in gone { act.tx.publish(entry, .guestBookEntry, to: .cottage(cottage)) }
            return gone.isEmpty ? .noop : .applied
        }
        let entry = GuestBookEntry(
            id: request.id ?? act.id(),
            cottageId: cottage,
            text: text,
            departure: booking.stay.departure
        )
        let written = try await act.tx.first(
            GuestBookSQL.upsert(entry, of: id, household, by: guest, at: act.now),
            refusing: ["guest_book_entry_pkey": .idTaken.at("/id")]
        )
        guard let written else { return .noop }
        for changed in try await act.tx.all(GuestBookSQL.deleteOldest(in: cottage)) + [written.id] {
            act.tx.publish(changed, .guestBookEntry, to: .cottage(cottage))
        }
        if written.isNew { try await notifyNext(in: cottage, after: booking, act) }
        return .applied
    }

    /// Notifies the group that lives in the cottage next, once its phones may show the guest book.
    private static func notifyNext(in cottage: Cottage.ID, after booking: Booking, _ act: Act) async throws {
        let next = GuestBookSQL.next(in: cottage, after: booking.stay.departure, at: act.now)
        guard let (group, id) = try await act.tx.first(next) else { return }
        try Notice.guestBookWritten.notify(about: .init(group: group, booking: id, park: booking.parkId), act)
    }
}

extension PersonalData {
    /// Erases the texts that the guest wrote.
    static let guestBook = PersonalData(
        name: "guestBook",
        export: { guest, act in try await act.tx.all(GuestBookSQL.entries(by: guest)) },
        erase: { guest, act in
            for (cottage, entry) in try await act.tx.all(GuestBookSQL.delete(by: guest)) {
                act.tx.publish(entry, .guestBookEntry, to: .cottage(cottage))
            }
        }
    )
}
