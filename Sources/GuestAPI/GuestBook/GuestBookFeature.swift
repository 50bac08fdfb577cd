import GuestModels
import Postgres
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
                    saidAt: sent.madeAt,
                    act
                )
            }
        ],
        jobs: [AnnounceGuestBook.self],
        retention: [
            Retention("guestBooks") { act in
                try await GuestBookEntry.forgetErased(act)
                return try await act.tx.run(GuestBookSQL.deleteEmpty(now: act.now)) == Command.portion
            }
        ],
        personalData: [.guestBook]
    )
}
