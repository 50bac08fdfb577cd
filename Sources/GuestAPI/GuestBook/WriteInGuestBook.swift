import Foundation
import GuestModels
import Postgres
import SyncMessages

extension GuestBookEntry {
    /// Writes the text of the guest's household in the guest book of its cottage; nil takes the text back.
    ///
    /// A household has one text for each stay and cottage. The later of two texts stands, by the clocks of the phones.
    /// The next guests of the cottage get one notice of the text.
    ///
    /// A text can be taken back at any time, also after the stay. Members of the household take back its text, and a
    /// member of the group takes back what they wrote themselves in any of its households. Reception and hosts take back
    /// any text of the cottage, by its id.
    ///
    /// Throws `notFound` where the park has no guest books, `forbidden` for staff who write, `idTaken`, and as
    /// `Booking.allowWriting` does.
    static func write(
        _ request: GuestBookRequest,
        in cottage: Cottage.ID,
        of id: Booking.ID,
        saidAt: Date,
        _ act: Act
    ) async throws -> Outcome.Result {
        // The cottage's row is locked, so its guest book changes one text at a time.
        let booking = try await Booking.locked(id, and: [cottage], by: .member, act)
        guard let guest = act.principal.guestID else { return try await remove(request, in: cottage, of: booking, act) }
        guard let group = booking.groupId else { throw Refusal.notFound }
        let (parks, own, staying) = try await act.tx.all(
            ParkSQL.park(booking.parkId),
            // The lock on the row makes an erasure of the guest wait for the text, and then erase the text too.
            GroupSQL.ownRow(in: group, of: guest, staying: true),
            ArrivalSQL.households(of: id)
        )
        guard let park = parks.first, let household = own.first?.householdId else { throw Refusal.notFound }
        let written = try await act.tx.all(GuestBookSQL.entries(of: id, in: cottage, by: household, or: guest))

        guard let text = request.text else {
            return try await clear(written.filter { $0.saidAt <= saidAt }, in: cottage, at: saidAt, act)
        }
        guard park.rules.hasGuestBooks == true else { throw Refusal.notFound }
        let clock = try ParkClock(stored: park.timeZone)
        // A phone without a network may be late, and its clock may be wrong: the text comes a week after its day at most.
        let earliest = clock.date(at: act.now).adding(days: -daysToWrite)
        try booking.allowWriting(
            inGuestBookOf: cottage,
            by: household,
            of: staying,
            today: max(clock.date(at: saidAt), earliest)
        )

        let former = written.first { $0.household == household }
        guard former.map({ $0.saidAt <= saidAt }) ?? true else { return .noop }
        let entry = GuestBookEntry(
            id: former?.id ?? request.id ?? act.id(),
            cottageId: cottage,
            text: text,
            departure: booking.stay.departure
        )
        try await act.tx.run(
            GuestBookSQL.upsert(entry, of: id, household, by: guest, saidAt: saidAt, at: act.now),
            refusing: ["guest_book_entry_pkey": .idTaken.at("/id")]
        )
        let gone = try await act.tx.all(GuestBookSQL.deleteOldest(in: cottage))
        for changed in gone + [entry.id] { act.tx.publish(changed, .guestBookEntry, to: .cottage(cottage)) }
        if former?.isAnnounced != true { try AnnounceGuestBook.enqueue(cottage, of: booking, act) }
        return .applied
    }

    /// Takes back the text that a colleague names.
    private static func remove(
        _ request: GuestBookRequest,
        in cottage: Cottage.ID,
        of booking: Booking,
        _ act: Act
    ) async throws -> Outcome.Result {
        guard request.text == nil else { throw Refusal.forbidden.at("/text") }
        guard booking.cottages.contains(where: { $0.id == cottage }), let id = request.id else {
            throw Refusal.notFound
        }
        let result = try await clear(
            try await act.tx.all(GuestBookSQL.entry(id, in: cottage)),
            in: cottage,
            at: act.now,
            act
        )
        if result == .applied { try Audit.record("guestBook.remove", target: id.uuid, park: booking.parkId, act) }
        return result
    }

    private static func clear(
        _ rows: [GuestBookSQL.EntryRow],
        in cottage: Cottage.ID,
        at saidAt: Date,
        _ act: Act
    ) async throws -> Outcome.Result {
        let ids = rows.filter { !$0.isEmpty }.map(\.id)
        guard !ids.isEmpty else { return .noop }
        try await act.tx.run(GuestBookSQL.clear(ids, saidAt: saidAt))
        for id in ids { act.tx.publish(id, .guestBookEntry, to: .cottage(cottage)) }
        return .applied
    }
}
