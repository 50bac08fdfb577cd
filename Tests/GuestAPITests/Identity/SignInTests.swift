import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct SignInTests {
    private let secret = "a-device-secret-of-30-bytes..."

    private func ask(_ api: GuestAPITestService, _ email: String, secret: String? = nil) async throws -> CodeSent {
        let request = CodeRequest(email: email, deviceSecret: secret ?? self.secret)
        return try await api.post("/v1/auth/codes", request).decode()
    }

    private func code(_ api: GuestAPITestService, _ sent: CodeSent) -> String {
        CodeRequest.code(of: sent.attemptId, api.app.secret)
    }

    private func signIn(
        _ api: GuestAPITestService,
        _ sent: CodeSent,
        _ code: String
    ) async throws -> GuestAPITestService.Response {
        try await api.post(
            "/v1/auth/sessions",
            SignInRequest(attemptId: sent.attemptId, code: code, deviceSecret: secret)
        )
    }

    @Test func `A sign-in code works only on the device that asked`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api, "Mira@Example.org")
            try await api.work()
            let mail = try #require(try api.mails(to: "mira@example.org").first)
            #expect(mail.contains("Your sign-in code is \(code(api, sent))."))
            let elsewhere = SignInRequest(
                attemptId: sent.attemptId,
                code: code(api, sent),
                deviceSecret: "another-device-s-secret"
            )
            #expect(try await api.post("/v1/auth/sessions", elsewhere).code == "code_wrong")
            let first = try await signIn(api, sent, code(api, sent))
            #expect(first.status == 201)
            // The answer was lost: the phone asks again and gets the same tokens.
            #expect(try await signIn(api, sent, code(api, sent)).body == first.body)
            api.clock.advance(by: 120)
            let tokens = try await signIn(api, sent, code(api, sent)).decode(Tokens.self)
            #expect(try tokens.refreshToken == first.decode(Tokens.self).refreshToken)
            let me = try await api.send("GET", "/v1/me", headers: ["authorization": "Bearer \(tokens.accessToken)"])
            #expect(try me.decode(Guest.self).email == "mira@example.org")
            // A device that has refreshed has received the answer, so the code is used up.
            #expect(try await refresh(api, tokens.refreshToken).status == 200)
            #expect(try await signIn(api, sent, code(api, sent)).code == "code_wrong")
        }
    }

    @Test func `Five wrong codes use up a sign-in attempt`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api, "mira@example.org")
            let wrong = code(api, sent) == "00000000" ? "00000001" : "00000000"
            for _ in 0..<5 { #expect(try await signIn(api, sent, wrong).status == 401) }
            #expect(try await signIn(api, sent, code(api, sent)).code == "code_wrong")
            #expect(try await api.count("SELECT tries::bigint AS count FROM sign_in_attempt") == 5)
        }
    }

    @Test func `Wrong sign-in codes and copied refresh tokens are counted in metrics`() async throws {
        try await withGuestAPI { api in
            func count(_ kind: String) -> String? {
                let line = "voorpret_incidents_total{kind=\"\(kind)\"} "
                return api.app.metrics.text(gauges: []).split(separator: "\n").first { $0.hasPrefix(line) }
                    .map { String($0.dropFirst(line.count)) }
            }
            let sent = try await ask(api, "mira@example.org")
            let wrong = code(api, sent) == "00000000" ? "00000001" : "00000000"
            for _ in 0..<2 { #expect(try await signIn(api, sent, wrong).status == 401) }
            #expect(count("codeWrong") == "2" && count("tokenReused") == "0")
            let tokens = try await signIn(api, sent, code(api, sent)).decode(Tokens.self)
            let next = try await refresh(api, tokens.refreshToken).decode(Tokens.self)
            #expect(try await refresh(api, next.refreshToken).status == 200)
            #expect(try await refresh(api, tokens.refreshToken).status == 401)
            #expect(count("tokenReused") == "1")
            #expect(!api.log.lines.contains { $0.contains("mira@example.org") || $0.contains(tokens.refreshToken) })
            #expect(api.log.lines.contains { $0.contains("a refresh token came again") })
        }
    }

    @Test func `Every metric has its help and type lines before its values`() {
        let metrics = Metrics()
        metrics.answered("showPark", status: 200, seconds: 0.02)
        metrics.worked("mail", "done")
        var (helped, typed): (Set<String>, Set<String>) = ([], [])
        let gauges = [Metrics.Gauge("voorpret_requests_running", "Requests that are worked on.", 3)]
        for line in metrics.text(gauges: gauges).split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            switch words.prefix(2) {
            case ["#", "HELP"]: helped.insert(words[2])
            case ["#", "TYPE"]:
                #expect(helped.contains(words[2]))
                typed.insert(words[2])
            default:
                let name = line.prefix { $0 != "{" && $0 != " " }
                let family = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map { name.dropLast($0.count) }
                #expect(typed.contains(String(family ?? name)), "\(line)")
            }
        }
        #expect(typed.count == 5)
    }

    @Test func `A sign-in code ends after ten minutes`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api, "mira@example.org")
            api.clock.advance(by: 600)
            #expect(try await signIn(api, sent, code(api, sent)).code == "code_wrong")
        }
    }

    @Test func `A stranger's requests cannot lock a guest out`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api, "mira@example.org")
            #expect(try await signIn(api, sent, code(api, sent)).status == 201)
            for number in 0..<30 { _ = try await ask(api, "mira@example.org", secret: "attackers-secret-\(number)") }
            try await api.work()
            let before = try api.mails(to: "mira@example.org").count
            #expect(before <= 21)
            // Requests of strangers create no more rows than mails.
            #expect(try await api.count("SELECT count(*) FROM sign_in_attempt") <= 21)
            let again = try await ask(api, "mira@example.org")
            try await api.work()
            #expect(try api.mails(to: "mira@example.org").count == before + 1)
            #expect(try await signIn(api, again, code(api, again)).status == 201)
            let staff = CodeRequest(email: "nobody@example.org", audience: .staff, deviceSecret: secret)
            let answer = try await api.post("/v1/auth/codes", staff)
            #expect(answer.status == 202)
            try await api.work()
            #expect(try api.mails(to: "nobody@example.org").isEmpty)
        }
    }

    @Test func `A colleague's device stays known despite a stranger's guesses`() async throws {
        try await withGuestAPI { api in
            try await api.transaction { tx in
                _ = try await StaffMember.add(
                    email: "office@example.org",
                    name: "Office",
                    isHeadOffice: true,
                    posts: [],
                    language: .english,
                    api.app.act(in: tx, as: .job("test"))
                )
            }
            func ask(_ secret: String) async throws -> CodeSent {
                let request = CodeRequest(email: "office@example.org", audience: .staff, deviceSecret: secret)
                return try await api.post("/v1/auth/codes", request).decode()
            }
            let friday = try await ask(secret)
            #expect(try await signIn(api, friday, code(api, friday)).status == 201)
            api.clock.advance(by: 3 * 86400)
            try await api.transaction { try await $0.run(IdentitySQL.deleteOldTokens(now: api.now)) }
            #expect(try await api.count("SELECT count(*) FROM session") == 0)
            for number in 0..<6 {
                let stranger = "attackers-secret-\(number)"
                let sent = try await ask(stranger)
                for _ in 0..<5 {
                    let guess = SignInRequest(attemptId: sent.attemptId, code: "00000000", deviceSecret: stranger)
                    #expect(try await api.post("/v1/auth/sessions", guess).code == "code_wrong")
                }
            }
            let monday = try await ask(secret)
            #expect(try await signIn(api, monday, code(api, monday)).status == 201)
        }
    }

    @Test func `A device that asks for too many codes hears when to retry`() async throws {
        try await withGuestAPI { api in
            for _ in 0..<10 { _ = try await ask(api, "mira@example.org") }
            let request = CodeRequest(email: "mira@example.org", deviceSecret: secret)
            let tooMany = try await api.post("/v1/auth/codes", request)
            #expect(tooMany.status == 429 && tooMany.code == "too_many_codes")
            #expect(tooMany.headers["retry-after"] == "600")
        }
    }

    private func refresh(_ api: GuestAPITestService, _ token: String) async throws -> GuestAPITestService.Response {
        try await api.post("/v1/auth/refresh", RefreshRequest(refreshToken: token, deviceSecret: secret))
    }

    @Test func `A copied refresh token ends its whole session`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api, "mira@example.org")
            let tokens = try await signIn(api, sent, code(api, sent)).decode(Tokens.self)
            let next = try await refresh(api, tokens.refreshToken)
            #expect(next.status == 200)
            #expect(try await refresh(api, tokens.refreshToken).body == next.body)
            let second = try next.decode(Tokens.self)
            let third = try await refresh(api, second.refreshToken).decode(Tokens.self)
            // The successor token has been used, so any use of the first token comes from a copy.
            #expect(try await refresh(api, tokens.refreshToken).status == 401)
            #expect(try await refresh(api, third.refreshToken).status == 401)
            let header = ["authorization": "Bearer \(third.accessToken)"]
            #expect(try await api.send("GET", "/v1/me", headers: header).status == 401)
        }
    }

    @Test func `A token refresh whose answer was lost can be repeated days later`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api, "mira@example.org")
            let first = try await signIn(api, sent, code(api, sent)).decode(Tokens.self)
            let lost = try await refresh(api, first.refreshToken).decode(Tokens.self)
            api.clock.advance(by: 3 * 86400)
            try await api.transaction { tx in
                try await tx.run(IdentitySQL.deleteOldTokens(now: api.clock.now))
            }
            let again = try await refresh(api, first.refreshToken).decode(Tokens.self)
            #expect(again.refreshToken == lost.refreshToken)
            let header = ["authorization": "Bearer \(again.accessToken)"]
            #expect(try await api.send("GET", "/v1/me", headers: header).status == 200)
            let next = try await refresh(api, again.refreshToken)
            #expect(next.status == 200)
            // Only the phone knew the successor token, so any later use of the first token comes from a copy.
            #expect(try await refresh(api, first.refreshToken).status == 401)
            #expect(try await refresh(api, next.decode(Tokens.self).refreshToken).status == 401)
        }
    }

    @Test func `A device revoked on another node is locked out within a second`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            #expect(try await api.get("/v1/me", as: guest).status == 200)
            // Simulates another node: the change is made without this node's knowledge.
            try await api.transaction { try await $0.run(Command("UPDATE session SET revoked_at = now()")) }
            try await Task.sleep(for: .milliseconds(1050))
            #expect(try await api.get("/v1/me", as: guest).status == 401)
        }
    }
}
