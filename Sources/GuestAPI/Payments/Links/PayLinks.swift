import Foundation
import GuestModels
import Postgres

/// A way to pay one share without an account, until it expires or is revoked.
struct PayLink: Sendable {
    typealias ID = Identifier<PayLink>

    static let days = 30.0

    let id: ID
    let shareId: Share.ID
    let expiresAt: Date

    /// The address of a link; its last part is the secret and is stored in no table.
    static func url(of id: ID, _ app: AppEnvironment) -> String {
        app.settings.publicURL + Paths.payPage(app.secret.pass([id.uuid], for: "payLink"))
    }

    /// Makes a link to a share that the principal may pay; staff of the park may make one for a guest who asks.
    static func create(for share: Share.ID, _ act: Act) async throws -> PayLink {
        _ = try await Share.own(share, or: [.reception, .host], act)
        let link = PayLink(id: act.id(), shareId: share, expiresAt: act.now.addingTimeInterval(days * 86400))
        act.tx.later([PayLinkSQL.insert(link, at: act.now)])
        return link
    }

    static func revoke(_ id: ID, of share: Share.ID, _ act: Act) async throws {
        _ = try await Share.own(share, or: [.reception, .host], act)
        guard try await act.tx.run(PayLinkSQL.revoke(id, of: share, at: act.now)) == 1 else { throw Refusal.notFound }
    }

    /// The link that a token opens.
    ///
    /// Throws `linkOver` for a link of ours that has ended, and `notFound` for every other text.
    static func find(_ token: String, _ look: Look) async throws -> PayLink {
        guard let id = look.app.secret.ids(in: token, count: 1, for: "payLink")?.first else { throw Refusal.notFound }
        guard let link = try await look.reader.first(PayLinkSQL.link(ID(id))), look.now < link.expiresAt else {
            throw Refusal.linkOver
        }
        return link
    }
}

/// A link as the answer shows it to its maker.
struct PayLinkAnswer: Encodable, Sendable {
    let id: PayLink.ID
    let url: String
    let expiresAt: Date
}

/// The data of a pay link's page: one share and nothing else.
struct PayLinkView: Encodable, Sendable {
    struct Row: Sendable {
        let park: String
        let timeZone: String
        let number: String
        let stay: Stay
        let household: String
        let currency: String
    }

    let park: String
    let number: String
    let stay: Stay
    let household: String
    let open: Money
    let due: LocalDate
    let state: Share.State
    let methods: [Attempt.Method]
    let expiresAt: Date

    static func show(_ link: PayLink, _ look: Look) async throws -> PayLinkView {
        guard let share = try await look.reader.first(ShareSQL.share(link.shareId)),
            let row = try await look.reader.first(PayLinkSQL.linkView(link.shareId))
        else { throw Refusal.linkOver }
        let clock = try ParkClock(stored: row.timeZone)
        return PayLinkView(
            park: row.park,
            number: row.number,
            stay: row.stay,
            household: row.household,
            open: Money(share.open, row.currency),
            due: share.due,
            state: share.state(today: clock.date(at: look.now)),
            methods: (look.app.settings.payments?.methods ?? []).filter { $0.isTaken(in: row.currency) }
                .sorted { $0.rawValue < $1.rawValue },
            expiresAt: link.expiresAt
        )
    }
}

extension Attempt {
    /// A payment as a payer with the link sees it.
    static func show(_ id: Attempt.ID, by link: PayLink, _ look: Look) async throws -> AttemptView {
        guard let row = try await look.reader.first(AttemptSQL.attempt(id)), row.link == link.id else {
            throw Refusal.notFound
        }
        return try row.view(isPayer: true, look.app)
    }
}
