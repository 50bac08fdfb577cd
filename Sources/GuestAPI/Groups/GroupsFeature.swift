import GuestModels
import Postgres
import SyncMessages

extension Feature {
    /// The groups feature: people who travel together, their households and their invitations.
    static let groups = Feature(
        name: "groups",
        handlers: [GroupRoutes.handlers],
        retention: [
            Retention("travellers") { act in
                let gone = try await act.tx.all(
                    GroupDataSQL.forgetTravellers(before: act.now.earlier(days: 400))
                )
                for row in gone { act.tx.publish(row.traveller, .traveller, to: .group(row.group)) }
                return gone.count == GroupDataSQL.travellersForgotten
            }
        ],
        personalData: [.groups]
    )
}
