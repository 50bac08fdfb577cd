import GuestModels
import SyncMessages

extension Mutator {
    /// How a text in a cottage's guest book looks on the phone that wrote it, or took it back.
    ///
    /// A phone that changes its household's text uses the id of that text again.
    public static let guestBook: [String: Mutator] = [
        "guestBook.write@1": Mutator { (written: GuestBookArguments, _, overlay) in
            let group = Scope.group(written.groupId).description
            guard let id = written.request.id,
                let booking: Booked = try overlay.body("booking", written.bookingId.uuid, in: group)
            else { return }
            let entry = written.request.text.map { text in
                GuestBookEntry(id: id, cottageId: written.cottageId, text: text, departure: booking.stay.departure)
            }
            let scope = Scope.cottage(written.cottageId).description
            try overlay.show("guestBookEntry", id.uuid, in: scope, as: entry)
        }
    ]

    /// The dates of a booking; the mutator needs nothing else of it.
    private struct Booked: Decodable {
        let stay: Stay
    }
}
