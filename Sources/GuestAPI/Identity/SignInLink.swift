import Foundation
import GuestModels
import Postgres

/// The link in a mail with a code, and the link that a desk prints for a guest without mail.
///
/// The link signs in the device that opens it, not the device that asked for it: the app sends the last part of the
/// address. A browser without the app shows a code at the push of a button, to type into the app. A person with the
/// link can read the mail, so no limit for strangers applies. So the owner of an address always gets in.
enum SignInLink {
    private static let purpose = "sign-in-link"
    /// The lifetime of a link in a mail: two hours.
    ///
    /// Strangers may ask for twenty mails an hour; after that, no more mails are sent. The last mail's link must still
    /// work when the next mail can be sent.
    static let lifetime: TimeInterval = 2 * 3600
    /// The lifetime of a link from the desk: one hour.
    static let lifetimeOfDesk: TimeInterval = 3600
    /// The length of the code of a sign-in link: twelve characters of five bits, sixty bits in all.
    private static let codeLength = 12

    static func url(of attempt: CodeRequest.AttemptID, _ app: AppEnvironment) -> String {
        app.settings.publicURL + Paths.signInPage(token(of: attempt, app))
    }

    static func token(of attempt: CodeRequest.AttemptID, _ app: AppEnvironment) -> String {
        app.secret.pass([attempt.uuid], for: purpose)
    }

    /// The attempt that a link belongs to, used or not.
    ///
    /// Throws `notFound` for a text that is no link of ours, and `signInLinkOver` for a link that has expired.
    static func find(_ token: String, _ look: Look) async throws -> SignInSQL.Attempt {
        guard let id = attempt(in: token, look.app) else { throw Refusal.notFound }
        guard let found = try await look.reader.first(SignInSQL.attempt(id)), look.now < found.linkExpiresAt else {
            throw Refusal.signInLinkOver
        }
        return found
    }

    private static func attempt(in token: String, _ app: AppEnvironment) -> CodeRequest.AttemptID? {
        app.secret.ids(in: token, count: 1, for: purpose)?.first.map { CodeRequest.AttemptID($0) }
    }

    /// Whether a text has the length of a link's last part; every other text can only be a code from its page.
    static func isToken(_ text: String) -> Bool { text.utf8.count == 64 }

    /// Exchanges a link, or the code from its page, for tokens of the device that sends it.
    ///
    /// A device that lost the answer may repeat the request, until it has refreshed the tokens.
    static func signIn(_ request: LinkSignInRequest, language: Language, _ act: Act) async throws -> Tokens {
        let id: CodeRequest.AttemptID?
        if isToken(request.link) {
            id = attempt(in: request.link, act.app)
        } else {
            id = try await act.tx.first(SignInSQL.attempt(pageCode: Token(ReadableCode.plain(request.link)).hash))
        }
        // Lock the guest before the attempt, in the same order as the desk does.
        if let id, case .deskGuest(let guest)? = try await act.tx.first(SignInSQL.attempt(id))?.person {
            _ = try await act.tx.first(IdentitySQL.guest(guest, locked: true))
        }
        guard let id, let attempt = try await act.tx.first(SignInSQL.attempt(id, locked: true)),
            act.now < attempt.linkExpiresAt
        else { throw Refusal.signInLinkOver }
        let deviceHash = Token(request.deviceSecret).hash
        if attempt.usedAt != nil {
            guard attempt.deviceHash == deviceHash,
                let tokens = try await SignIn.repeated(attempt, act)
            else { throw Refusal.signInLinkOver }
            return tokens
        }
        try await act.tx.run(SignInSQL.useAttempt(id, by: deviceHash, at: act.now))
        let device = SignIn.Device(name: request.deviceName ?? "", hash: deviceHash)
        guard let tokens = try await SignIn.admit(attempt, device, language: language, act) else {
            throw Refusal.signInLinkOver
        }
        return tokens
    }

    /// Makes a code for a person who has opened the link in a browser and types the code into the app.
    ///
    /// The new code replaces the code before it.
    static func showCode(_ token: String, _ act: Act) async throws -> String {
        guard let id = attempt(in: token, act.app) else { throw Refusal.notFound }
        let code = ReadableCode.random(codeLength)
        guard try await act.tx.run(SignInSQL.setPageCode(Token(code).hash, of: id, at: act.now)) == 1 else {
            throw Refusal.signInLinkOver
        }
        return ReadableCode.grouped(code)
    }

    /// Makes a sign-in link for a guest without mail, for the desk to print; it ends the link before.
    ///
    /// Throws `notFound` unless this park's desk has made the guest's account, and `guestHasMail` for a guest with
    /// mail. Throws `reasonNeeded` if the guest has signed in before and the desk gives no reason.
    static func letIn(
        _ guest: Guest.ID,
        at park: Park.ID,
        because reason: String?,
        _ act: Act
    ) async throws -> DeskSignInLink {
        try act.principal.require([.reception], at: park)
        guard let found = try await act.tx.first(DeskGuestSQL.lockedDeskGuest(guest, of: park)) else {
            throw Refusal.notFound
        }
        guard !found.guest.hasMail else { throw Refusal.guestHasMail }
        guard !found.hasSignedIn || reason != nil else { throw Refusal.reasonNeeded.at("/reason") }
        let id: CodeRequest.AttemptID = act.id()
        let expiresAt = act.now.addingTimeInterval(lifetimeOfDesk)
        try await act.tx.run([
            SignInSQL.endDeskLinks(of: guest),
            SignInSQL.insertDeskLink(id, of: guest, at: act.now, expiresAt: expiresAt),
        ])
        try Audit.record("guest.letIn", target: guest.uuid, park: park, onBehalfOf: guest, reason: reason, act)
        return DeskSignInLink(url: url(of: id, act.app), expiresAt: expiresAt)
    }
}
