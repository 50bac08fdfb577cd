import GuestModels
import SyncMessages

extension Feature {
    /// The guest book feature: a household leaves a text in its cottage for those who live there next.
    static let guestBook = Feature(
        name: "guestBook",
        handlers: [GuestBookRoutes.handlers],
        mutations: [
            "guestBook.write@1": MutationVerb { sent, act in
                let written: GuestBookArguments = try sent.arguments()
                return try await GuestBookEntry.write(
                    written.request,
                    in: written.cottageId,
                    of: written.bookingId,
                    act.at(sent.madeAt)
                )
            }
        ],
        personalData: [.guestBook]
    )
}
