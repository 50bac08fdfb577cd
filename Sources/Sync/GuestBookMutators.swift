import Foundation
import GuestModels
import SyncMessages

extension Mutator {
    /// How a text in a cottage's guest book looks on the phone that wrote it.
    ///
    /// A text that is taken back stays until the service answers: the phone does not know which entry is its household's.
    public static let guestBook: [String: Mutator] = [
        "guestBook.write@1": Mutator { (written: GuestBookArguments, deed, overlay) in
            guard let id = written.request.id, let text = written.request.text else { return }
            let entry = GuestBookEntry(
                id: id,
                cottageId: written.cottageId,
                text: text,
                // The service answers with the stay's own day.
                departure: LocalDate(daysSince1970: Int(deed.at.timeIntervalSince1970 / 86400))
            )
            let scope = Scope.cottage(written.cottageId).description
            try overlay.show("guestBookEntry", id.uuid, in: scope, as: entry)
        }
    ]
}
