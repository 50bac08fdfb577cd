import GuestModels
import Postgres
import SyncMessages

extension Feature {
    /// Accounts of guests, colleagues and other systems, and how they sign in.
    static let identity = Feature(
        name: "identity",
        handlers: [
            IdentityRoutes.handlers, StaffRoutes.handlers, SystemCredentialRoutes.handlers, FactorRoutes.handlers,
        ],
        mutations: [
            "guest.change@1": MutationVerb { sent, act in
                let arguments: ProfileArguments = try sent.arguments()
                _ = try await Guest.change(
                    act.principal.guest(),
                    arguments.change,
                    expecting: arguments.version,
                    act
                )
                return .applied
            }
        ],
        jobs: [EndMailChange.self],
        retention: [
            Retention("tokens", running: IdentitySQL.deleteOldTokens),
            Retention("audit", running: AuditSQL.forgetAudit),
            Retention(
                "systems",
                running: { [SystemCredentialSQL.deleteEnded(before: $0.earlier(days: 400))] }
            ),
        ],
        personalData: [.outbox, .identity]
    )
}

private struct ProfileArguments: Decodable, Checked {
    let version: Int
    let change: ProfileChange

    func check(_ check: inout Check) { change.check(&check) }
}
