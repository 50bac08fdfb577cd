import Foundation
import GuestModels
import HTTPTypes
import Logging
import Postgres

/// Signing in, one's own profile, consent and devices.
enum IdentityRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "requestCode": requestCode, "signIn": signIn, "signInByLink": signInByLink, "showSignInPage": showSignInPage,
        "showSignInCode": showSignInCode, "refresh": refresh, "signOut": signOut, "showMe": showMe,
        "changeMe": changeMe, "eraseMe": eraseMe, "exportMe": exportMe, "listConsents": listConsents,
        "recordConsent": recordConsent, "listDevices": listDevices, "revokeDevice": revokeDevice,
        "showMailChange": showMailChange, "askMailChange": askMailChange, "confirmMailChange": confirmMailChange,
        "stopMailChange": stopMailChange, "showStaffMe": showStaffMe, "listDeskActions": listDeskActions,
    ]

    private static func requestCode(_ call: Call) async throws -> Answer {
        let request = try call.body(CodeRequest.self)
        try await requireRoom(call) { try await SignIn.isKnown(request, $0) }
        return try await call.write { act in
            try .json(
                await CodeRequest.request(request, language: call.language, act),
                .accepted
            )
        }
    }

    /// Holds off an unknown device when many devices sign in from its network address.
    ///
    /// A known device is never held off.
    private static func requireRoom(_ call: Call, isKnown: (Look) async throws -> Bool) async throws {
        if call.app.signInLimit.admit(call.client) { return }
        if try await call.read(isKnown) { return }
        call.app.metrics.happened(.addressHeldOff)
        throw Refusal.tooManySignIns
    }

    private static func signInByLink(_ call: Call) async throws -> Answer {
        let request = try call.body(LinkSignInRequest.self)
        // A link cannot be guessed, but the shorter code from its page could be, so limit only codes.
        if !SignInLink.isToken(request.link) { try await requireRoom(call) { _ in false } }
        return try await call.write { act in
            try .json(
                await SignInLink.signIn(request, language: call.language, act),
                .created
            )
        }
    }

    private static func showSignInPage(_ call: Call) async throws -> Answer {
        do {
            let token = try call.path(Paths.signInPage)
            let attempt = try await call.read { try await SignInLink.find(token, $0) }
            guard attempt.usedAt == nil else { return SignInPage.over(in: call.language) }
            return SignInPage.ask(SignInLink.url(of: attempt.id, call.app), in: call.language)
        } catch let refusal as Refusal where refusal == .signInLinkOver {
            return SignInPage.over(in: call.language)
        }
    }

    private static func showSignInCode(_ call: Call) async throws -> Answer {
        do {
            let token = try call.path(Paths.signInPage)
            return try await call.write { act in
                let code = try await SignInLink.showCode(token, act)
                return SignInPage.show(code, in: call.language)
            }
        } catch let refusal as Refusal where refusal == .signInLinkOver {
            return SignInPage.over(in: call.language)
        }
    }

    private static func signIn(_ call: Call) async throws -> Answer {
        let request = try call.body(SignInRequest.self)
        try await requireRoom(call) { try await SignIn.isKnown(request, $0) }
        // Two transactions on purpose: a failed try stays counted whatever happens next.
        let isHeldOff = try await call.act { act in
            try await SignIn.countTry(request, act)
        }
        guard !isHeldOff else {
            call.app.metrics.happened(.strangersHeldOff)
            throw Refusal.codeWrong
        }
        return try await call.write { act in
            do {
                let tokens = try await SignIn.signIn(request, language: call.language, act)
                return try .json(tokens, .created)
            } catch let refusal as Refusal where refusal == .codeWrong {
                call.app.metrics.happened(.codeWrong)
                throw refusal
            }
        }
    }

    private static func refresh(_ call: Call) async throws -> Answer {
        let request = try call.body(RefreshRequest.self)
        let outcome = try await call.act { act in
            try await SignIn.refresh(request, act)
        }
        switch outcome {
        case .tokens(let tokens): return try .json(tokens)
        case .reuse:
            call.app.metrics.happened(.tokenReused)
            call.logger.warning("a refresh token came again after its successor; its session is ended")
            call.app.authenticator.forget()
            throw Refusal.signInNeeded
        }
    }

    private static func signOut(_ call: Call) async throws -> Answer {
        guard let session = call.session else { throw Refusal.signInNeeded }
        let answer = try await call.write { act in
            try await SignIn.end(session, act)
            return .noContent
        }
        call.app.authenticator.forget()
        return answer
    }

    private static func showMe(_ call: Call) async throws -> Answer {
        let guest = try await call.read { try await Guest.show($0) }
        return try .json(guest, version: guest.version)
    }

    private static func changeMe(_ call: Call) async throws -> Answer {
        let change = try call.body(ProfileChange.self)
        let id = try call.guest()
        let version = try call.expectedVersion()
        return try await call.write { act in
            let guest = try await Guest.change(id, change, expecting: version, act)
            return try .json(guest, version: guest.version)
        }
    }

    private static func eraseMe(_ call: Call) async throws -> Answer {
        let id = try call.guest()
        let answer = try await call.write { act in
            let remains = try await Guest.erase(id, act)
            return try remains.isEmpty ? .noContent : .json(Page(items: remains, next: nil))
        }
        call.app.authenticator.forget()
        return answer
    }

    private static func exportMe(_ call: Call) async throws -> Answer {
        let id = try call.guest()
        return try await call.write { act in try .json(await Guest.export(id, act)) }
    }

    private static func listConsents(_ call: Call) async throws -> Answer {
        try .json(await call.read { try await Guest.consents($0) })
    }

    private static func recordConsent(_ call: Call) async throws -> Answer {
        let consent = try call.body(ConsentRequest.self)
        let id = try call.guest()
        return try await call.write { act in
            try await Guest.record(consent, of: id, act)
            return .noContent
        }
    }

    private static func listDevices(_ call: Call) async throws -> Answer {
        try .json(await call.read { try await Device.list(current: call.session, $0) })
    }

    private static func revokeDevice(_ call: Call) async throws -> Answer {
        let device = try call.path(Paths.meDevice)
        let answer = try await call.write { act in
            try await Device.revoke(device, act)
            return .noContent
        }
        call.app.authenticator.forget()
        return answer
    }

    // MARK: Another mail address

    private static func showMailChange(_ call: Call) async throws -> Answer {
        try .json(await call.read { try await MailChange.show($0) })
    }

    private static func askMailChange(_ call: Call) async throws -> Answer {
        let request = try call.body(MailChangeRequest.self)
        let id = try call.guest()
        return try await call.write { act in
            try .json(await MailChange.ask(request, by: id, act), .accepted)
        }
    }

    private static func confirmMailChange(_ call: Call) async throws -> Answer {
        let confirmation = try call.body(MailChangeConfirmation.self)
        let id = try call.guest()
        // Two transactions on purpose, as at a sign-in: a failed try stays counted.
        try await call.act { act in
            try await MailChange.countTry(by: id, act)
        }
        return try await call.write { act in
            let waiting = try await MailChange.confirm(confirmation, by: id, act)
            return try waiting.map { try .json($0, .accepted) } ?? .noContent
        }
    }

    private static func stopMailChange(_ call: Call) async throws -> Answer {
        let id = try call.guest()
        return try await call.write { act in
            try await MailChange.stop(by: id, act)
            return .noContent
        }
    }

    private static func listDeskActions(_ call: Call) async throws -> Answer {
        try .json(Page(items: await call.read { try await Guest.deskActions($0) }, next: nil))
    }

    private static func showStaffMe(_ call: Call) async throws -> Answer {
        guard case .staff(let member) = call.principal else { throw Refusal.forbidden }
        return try .json(member)
    }
}

extension Paths {
    static let meDevice = Path("/v1/me/devices/{device}", Session.ID.self)
}
