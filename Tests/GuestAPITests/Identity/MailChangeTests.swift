import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct MailChangeTests {
    private let path = "/v1/me/mail-change"

    private func ask(
        _ api: GuestAPITestService,
        _ email: String,
        as who: Given.Person
    ) async throws -> GuestAPITestService.Response {
        try await api.change("PUT", path, MailChangeRequest(email: email), as: who)
    }

    private func codes(_ api: GuestAPITestService, _ change: MailChange) -> (new: String, old: String) {
        (MailChange.code(of: change.id, .new, api.app.secret), MailChange.code(of: change.id, .old, api.app.secret))
    }

    private func confirm(
        _ api: GuestAPITestService,
        _ new: String,
        _ old: String? = nil,
        as who: Given.Person
    ) async throws -> GuestAPITestService.Response {
        try await api.post("\(path)/confirmation", MailChangeConfirmation(newCode: new, oldCode: old), as: who)
    }

    private func email(_ api: GuestAPITestService, _ who: Given.Person) async throws -> String? {
        try await api.get("/v1/me", as: who).decode(Guest.self).email
    }

    @Test func `A mail address changes at once with codes from both mailboxes`() async throws {
        try await withGuestAPI { api in
            let mira = try await api.given.guest("Mira", email: "mira@old.example")
            let asked = try await ask(api, "Mira@New.example", as: mira)
            #expect(asked.status == 202)
            let change = try asked.decode(MailChange.self)
            let (new, old) = codes(api, change)
            try await api.work()
            #expect(try api.mails(to: "mira@new.example").contains { $0.contains(new) && !$0.contains(old) })
            #expect(try api.mails(to: "mira@old.example").contains { $0.contains(old) && !$0.contains(new) })
            #expect(try await confirm(api, new, old, as: mira).status == 204)
            #expect(try await email(api, mira) == "mira@new.example")
            #expect(try await api.get(path, as: mira).status == 404)
        }
    }

    @Test func `The new mailbox's code alone changes the mail address after seven days`() async throws {
        try await withGuestAPI { api in
            let mira = try await api.given.guest("Mira", email: "mira@old.example")
            let change = try await ask(api, "mira@new.example", as: mira).decode(MailChange.self)
            let waiting = try await confirm(api, codes(api, change).new, as: mira)
            #expect(waiting.status == 202)
            #expect(try waiting.decode(MailChange.self).isConfirmed)
            api.clock.advance(by: 7 * 86400 - 1)
            try await api.work()
            #expect(try await email(api, mira) == "mira@old.example")
            api.clock.advance(by: 1)
            try await api.work()
            #expect(try await email(api, mira) == "mira@new.example")
        }
    }

    @Test func `A stopped or replaced address change does not happen`() async throws {
        try await withGuestAPI { api in
            let mira = try await api.given.guest("Mira", email: "mira@old.example")
            let first = try await ask(api, "mira@first.example", as: mira).decode(MailChange.self)
            #expect(try await confirm(api, codes(api, first).new, as: mira).status == 202)
            let second = try await ask(api, "mira@second.example", as: mira).decode(MailChange.self)
            #expect(try await confirm(api, codes(api, first).new, as: mira).code == "mail_code_wrong")
            api.clock.advance(by: 3599)
            #expect(try await confirm(api, codes(api, second).new, as: mira).status == 202)
            #expect(try await api.send("DELETE", path, as: mira).status == 204)
            api.clock.advance(by: 8 * 86400)
            try await api.work()
            #expect(try await email(api, mira) == "mira@old.example")
        }
    }

    @Test func `An address change without the new mailbox's code never happens`() async throws {
        try await withGuestAPI { api in
            let mira = try await api.given.guest("Mira", email: "mira@old.example")
            let change = try await ask(api, "mira@new.example", as: mira).decode(MailChange.self)
            api.clock.advance(by: 3600)
            #expect(try await confirm(api, codes(api, change).new, as: mira).code == "mail_code_wrong")
            api.clock.advance(by: 8 * 86400)
            try await api.work()
            #expect(try await email(api, mira) == "mira@old.example")
        }
    }

    @Test func `Five wrong codes end an address change`() async throws {
        try await withGuestAPI { api in
            let mira = try await api.given.guest("Mira", email: "mira@old.example")
            let change = try await ask(api, "mira@new.example", as: mira).decode(MailChange.self)
            let (new, old) = codes(api, change)
            let wrong = old == "00000000" ? "00000001" : "00000000"
            for _ in 0..<5 { #expect(try await confirm(api, new, wrong, as: mira).code == "mail_code_wrong") }
            #expect(try await confirm(api, new, old, as: mira).code == "mail_code_wrong")
            #expect(try await email(api, mira) == "mira@old.example")
        }
    }

    @Test func `A guest can ask for three address changes a day`() async throws {
        try await withGuestAPI { api in
            let mira = try await api.given.guest("Mira", email: "mira@old.example")
            for number in 0..<3 { #expect(try await ask(api, "victim\(number)@example.org", as: mira).status == 202) }
            #expect(try await api.send("DELETE", path, as: mira).status == 204)
            #expect(try await ask(api, "victim3@example.org", as: mira).code == "too_many_mail_changes")
            api.clock.advance(by: 86_400)
            #expect(try await ask(api, "victim3@example.org", as: mira).status == 202)
        }
    }

    @Test func `Only a mailbox's owner learns that its address is taken`() async throws {
        try await withGuestAPI { api in
            let mira = try await api.given.guest("Mira", email: "mira@old.example")
            _ = try await api.given.guest("Tom", email: "tom@example.org")
            let asked = try await ask(api, "tom@example.org", as: mira)
            #expect(asked.status == 202)
            let (new, old) = codes(api, try asked.decode())
            #expect(try await confirm(api, new, old, as: mira).code == "mail_taken")
            #expect(try await email(api, mira) == "mira@old.example")
        }
    }

    @Test func `A known device stays known after an address change`() async throws {
        try await withGuestAPI { api in
            let secret = "a-device-secret-of-30-bytes..."
            func sent(to email: String) async throws -> CodeSent {
                try await api.post("/v1/auth/codes", CodeRequest(email: email, deviceSecret: secret)).decode()
            }
            func signIn(_ sent: CodeSent) async throws -> GuestAPITestService.Response {
                let code = CodeRequest.code(of: sent.attemptId, api.app.secret)
                let request = SignInRequest(attemptId: sent.attemptId, code: code, deviceSecret: secret)
                return try await api.post("/v1/auth/sessions", request)
            }
            let tokens = try await signIn(try await sent(to: "mira@old.example")).decode(Tokens.self)
            let headers = ["authorization": "Bearer \(tokens.accessToken)"]
            let body = Data(#"{"email":"mira@new.example"}"#.utf8)
            let change = try await api.send("PUT", path, raw: body, headers: headers).decode(MailChange.self)
            let pending = try await sent(to: "mira@old.example")
            let (new, old) = codes(api, change)
            let raw = Data(#"{"newCode":"\#(new)","oldCode":"\#(old)"}"#.utf8)
            #expect(try await api.send("POST", "\(path)/confirmation", raw: raw, headers: headers).status == 204)
            #expect(try await signIn(pending).code == "code_wrong")
            let known = try await api.count("SELECT count(*) FROM known_device WHERE email = 'mira@new.example'")
            let forgotten = try await api.count("SELECT count(*) FROM known_device WHERE email = 'mira@old.example'")
            #expect(known == 1 && forgotten == 0)
            #expect(try await api.send("GET", "/v1/me", headers: headers).status == 200)
        }
    }
}
