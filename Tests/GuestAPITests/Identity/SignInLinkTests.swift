import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct SignInLinkTests {
    private let asking = "the-secret-of-the-device-that-asks"
    private let opening = "the-secret-of-the-device-that-opens"

    private func ask(_ api: GuestAPITestService, _ secret: String? = nil) async throws -> CodeSent {
        let request = CodeRequest(email: "mira@example.org", deviceSecret: secret ?? asking)
        return try await api.post("/v1/auth/codes", request).decode()
    }

    private func token(_ api: GuestAPITestService, _ sent: CodeSent) -> String {
        SignInLink.token(of: sent.attemptId, api.app)
    }

    private func open(
        _ api: GuestAPITestService,
        _ link: String,
        on secret: String? = nil
    ) async throws -> GuestAPITestService.Response {
        try await api.post("/v1/auth/sessions/link", LinkSignInRequest(link: link, deviceSecret: secret ?? opening))
    }

    private func typeCode(
        _ api: GuestAPITestService,
        _ sent: CodeSent,
        _ code: String? = nil,
        on secret: String? = nil
    ) async throws -> GuestAPITestService.Response {
        let code = code ?? CodeRequest.code(of: sent.attemptId, api.app.secret)
        let request = SignInRequest(attemptId: sent.attemptId, code: code, deviceSecret: secret ?? asking)
        return try await api.post("/v1/auth/sessions", request)
    }

    @Test func `The sign-in mail has no code in its subject`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api)
            try await api.work()
            let mail = try #require(try api.mails(to: "mira@example.org").first)
            #expect(mail.contains("/sign-in/\(token(api, sent))"))
            let line = try #require(mail.split(separator: "\r\n").first { $0.hasPrefix("Subject: ") })
            let subject = try #require(line.split(separator: "?").dropFirst(3).first)
            let text = String(decoding: try #require(Data(base64Encoded: String(subject))), as: UTF8.self)
            #expect(text == "Your sign-in code")
        }
    }

    @Test func `A sign-in link signs in the device that opens it`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api)
            let first = try await open(api, token(api, sent))
            #expect(first.status == 201)
            // The answer was lost: the phone asks again and gets the same tokens.
            #expect(try await open(api, token(api, sent)).body == first.body)
            let access = try first.decode(Tokens.self).accessToken
            let me = try await api.send("GET", "/v1/me", headers: ["authorization": "Bearer \(access)"])
            #expect(try me.decode(Guest.self).email == "mira@example.org")
        }
    }

    @Test func `An opened sign-in link signs in no other device`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api)
            #expect(try await open(api, token(api, sent)).status == 201)
            #expect(try await typeCode(api, sent).code == "code_wrong")
            #expect(try await open(api, token(api, sent), on: asking).code == "sign_in_link_over")
        }
    }

    @Test func `A sign-in link ends once the code of its mail was typed`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api)
            #expect(try await typeCode(api, sent).status == 201)
            #expect(try await open(api, token(api, sent)).code == "sign_in_link_over")
            #expect(try await api.send("GET", "/sign-in/\(token(api, sent))").status == 410)
        }
    }

    @Test func `A sign-in link works for two hours, longer than its code`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api)
            api.clock.advance(by: 7199)
            #expect(try await typeCode(api, sent).code == "code_wrong")
            #expect(try await api.send("GET", "/sign-in/\(token(api, sent))").status == 200)
            api.clock.advance(by: 1)
            #expect(try await open(api, token(api, sent)).code == "sign_in_link_over")
            #expect(try await api.send("POST", "/sign-in/\(token(api, sent))").status == 410)
        }
    }

    @Test func `In a browser, a sign-in link shows a code for the app`() async throws {
        try await withGuestAPI { api in
            let sent = try await ask(api)
            let page = try await api.send("GET", "/sign-in/\(token(api, sent))", headers: ["accept-language": "nl"])
            #expect(page.text.contains("<button>Toon de code</button>"))
            #expect(page.headers["referrer-policy"] == "no-referrer")
            // Opening the page makes no code, because mail programs open links by themselves.
            #expect(try await api.count("SELECT count(page_code) FROM sign_in_attempt") == 0)
            func showCode() async throws -> String {
                let text = try await api.send("POST", "/sign-in/\(token(api, sent))").text
                let match = try #require(text.firstMatch(of: /<code>([A-Z2-9-]{14})<\/code>/))
                return String(match.1)
            }
            let first = try await showCode()
            let second = try await showCode()
            #expect(try await open(api, first).code == "sign_in_link_over")
            #expect(try await open(api, second.lowercased()).status == 201)
            #expect(try await open(api, second, on: asking).code == "sign_in_link_over")
        }
    }

    @Test func `A forged sign-in link signs nobody in`() async throws {
        try await withGuestAPI { api in
            let forged = String(repeating: "0", count: 64)
            let opened = try await open(api, forged)
            #expect(opened.code == "sign_in_link_over")
            #expect(try await open(api, "AAAA-BBBB-CCCC").code == "sign_in_link_over")
            #expect(try await open(api, "short").status == 400)
            #expect(try await api.send("GET", "/sign-in/\(forged)").status == 404)
            #expect(try await api.send("POST", "/sign-in/\(forged)").status == 404)
        }
    }

    @Test func `At most twenty code guesses per mail address are checked a day`() async throws {
        try await withGuestAPI(turn: .alone) { api in
            var guesses: [(CodeSent, String)] = []
            for number in 0..<12 {
                let secret = "attackers-secret-\(number)"
                guesses.append((try await ask(api, secret), secret))
            }
            let own = try await ask(api)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for (sent, secret) in guesses {
                    for _ in 0..<5 {
                        tasks.addTask {
                            let right = CodeRequest.code(of: sent.attemptId, api.app.secret)
                            let wrong = right == "00000000" ? "00000001" : "00000000"
                            let typed = try await typeCode(api, sent, wrong, on: secret)
                            #expect(typed.code == "code_wrong")
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            let metrics = api.app.metrics.text(gauges: [])
            #expect(metrics.contains("voorpret_incidents_total{kind=\"codeWrong\"} 20\n"))
            #expect(metrics.contains("voorpret_incidents_total{kind=\"strangersHeldOff\"} 40\n"))
            // The service does not know the owner's new device either, so the owner signs in by the link.
            #expect(try await typeCode(api, own).code == "code_wrong")
            #expect(try await open(api, token(api, own)).status == 201)
            // From now on the service knows the device.
            let next = try await ask(api, opening)
            #expect(try await typeCode(api, next, on: opening).status == 201)
        }
    }

    @Test func `An earlier sign-in link works while further mails are held back`() async throws {
        try await withGuestAPI { api in
            var sent: [CodeSent] = []
            for number in 0..<20 { sent.append(try await ask(api, "attackers-secret-\(number)")) }
            api.clock.advance(by: 3599)
            let late = try await ask(api)
            #expect(try await open(api, token(api, late)).code == "sign_in_link_over")
            #expect(try await open(api, token(api, sent[0])).status == 201)
        }
    }

    @Test func `A guest gets one mail a day about wrong sign-in codes`() async throws {
        try await withGuestAPI { api in
            _ = try await api.given.guest("Mira", email: "mira@example.org")
            func guess(_ devices: Range<Int>) async throws -> Int {
                for number in devices {
                    let secret = "attackers-secret-\(number)"
                    let sent = try await ask(api, secret)
                    for _ in 0..<5 { _ = try await typeCode(api, sent, "00000000", on: secret) }
                }
                try await api.work()
                return try api.mails(to: "mira@example.org").count { $0.contains("Wrong sign-in codes were typed") }
            }
            #expect(try await guess(0..<4) == 0)
            #expect(try await guess(4..<6) == 1)
            #expect(try await guess(6..<8) == 1)
            api.clock.advance(by: 90_000)
            #expect(try await guess(8..<13) == 2)
        }
    }

    @Test func `Guests and head office get a mail about a copied refresh token`() async throws {
        try await withGuestAPI { api in
            _ = try await api.given.headOffice()
            let offices = try await api.app.database.read(as: "test") { reader in
                try await reader.all(Query("SELECT email FROM staff") { try $0.decode("email", as: String.self) })
            }
            let office = try #require(offices.first)
            for (email, audience) in [("mira@example.org", CodeRequest.Audience.guest), (office, .staff)] {
                let request = CodeRequest(email: email, audience: audience, deviceSecret: asking)
                let sent = try await api.post("/v1/auth/codes", request).decode(CodeSent.self)
                let first = try await typeCode(api, sent).decode(Tokens.self)
                func refresh(_ token: String) async throws -> GuestAPITestService.Response {
                    let request = RefreshRequest(refreshToken: token, deviceSecret: asking)
                    return try await api.post("/v1/auth/refresh", request)
                }
                let second = try await refresh(first.refreshToken).decode(Tokens.self)
                #expect(try await refresh(second.refreshToken).status == 200)
                #expect(try await refresh(first.refreshToken).status == 401)
                try await api.work()
                let told = try api.mails(to: email).count { $0.contains("was used a second time") }
                #expect(told == 1, "\(email)")
            }
        }
    }

    // MARK: The desk

    @Test func `The desk prints a sign-in link for a guest without mail`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let path = "/v1/admin/parks/\(world.park.id)/guests"
            let guest = try await api.post(path, DeskGuestRequest(name: "Mevrouw Bos"), as: reception)
                .decode(DeskGuest.self)
            func letIn() async throws -> String {
                let link = try await api.post("\(path)/\(guest.id)/sign-in-link", as: reception)
                    .decode(DeskSignInLink.self)
                #expect(link.expiresAt == api.now.addingTimeInterval(3600))
                return String(try #require(link.url.split(separator: "/").last))
            }
            let lost = try await letIn()
            let link = try await letIn()
            #expect(try await open(api, lost).code == "sign_in_link_over")
            let access = try await open(api, link).decode(Tokens.self).accessToken
            let headers = ["authorization": "Bearer \(access)"]
            #expect(try await api.send("GET", "/v1/me", headers: headers).decode(Guest.self).id == guest.id)
            #expect(try await open(api, link, on: asking).code == "sign_in_link_over")
            let acts = try await api.send("GET", "/v1/me/desk-actions", headers: headers)
            #expect(acts.text.contains("guest.letIn"))
            // For a guest who has signed in before, the desk must give a reason, which the guest can read.
            let again = "\(path)/\(guest.id)/sign-in-link"
            #expect(try await api.post(again, as: reception).pointers == ["/reason"])
            let lostPhone = try await api.post(again, LetInRequest(reason: "lost phone"), as: reception)
            #expect(lostPhone.status == 201)
            #expect(try await api.send("GET", "/v1/me/desk-actions", headers: headers).text.contains("lost phone"))
            api.clock.advance(by: 3600)
            let old = try lostPhone.decode(DeskSignInLink.self).url.split(separator: "/").last
            #expect(try await open(api, String(try #require(old))).code == "sign_in_link_over")
        }
    }

    @Test func `A desk can sign in only its own guests without mail`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let world = try await api.given.park()
            let other = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let foreign = try await api.given.staff([.reception], at: other.park.id)
            let path = "/v1/admin/parks/\(world.park.id)/guests"
            let guest = try await api.post(path, DeskGuestRequest(name: "Mevrouw Bos"), as: reception)
                .decode(DeskGuest.self)
            let foreignPath = "/v1/admin/parks/\(other.park.id)/guests/\(guest.id)/sign-in-link"
            #expect(try await api.post(foreignPath, as: foreign).status == 404)
            #expect(try await api.post("\(path)/\(guest.id)/sign-in-link", as: foreign).status == 404)
            let mira = try await api.given.guest("Mira")
            #expect(try await api.post("\(path)/\(mira.id())/sign-in-link", as: reception).status == 404)
            try await api.transaction { try await $0.run(MailChangeSQL.setMail("bos@example.org", of: guest.id)) }
            #expect(try await api.post("\(path)/\(guest.id)/sign-in-link", as: reception).code == "guest_has_mail")
        }
    }

    @Test func `A desk changes and erases its guest until the guest signs in`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let foreign = try await api.given.staff([.reception], at: try await api.given.park().park.id)
            let path = "/v1/admin/parks/\(world.park.id)/guests"
            func make() async throws -> DeskGuest {
                try await api.post(path, DeskGuestRequest(name: "Mevrow Bos"), as: reception).decode()
            }
            let (first, second) = (try await make(), try await make())
            let change = DeskGuestChange(name: "Mevrouw Bos", language: .dutch, reason: "a slip of the pen")
            #expect(try await api.change("PATCH", "\(path)/\(first.id)", change, as: foreign).status == 404)
            let changed = try await api.change("PATCH", "\(path)/\(first.id)", change, as: reception)
            #expect(try changed.decode(DeskGuest.self).name == "Mevrouw Bos")
            let blank = DeskGuestChange(reason: " ")
            #expect(try await api.change("PATCH", "\(path)/\(first.id)", blank, as: reception).status == 400)
            let erasure = DeskGuestErasure(reason: "made twice")
            #expect(try await api.post("\(path)/\(first.id)/erasure", erasure, as: foreign).status == 404)
            #expect(try await api.post("\(path)/\(first.id)/erasure", erasure, as: reception).status == 204)
            #expect(try await api.post("\(path)/\(first.id)/erasure", erasure, as: reception).status == 404)
            #expect(try await api.count("SELECT count(*) FROM audit WHERE reason = 'made twice'") == 1)
            let its = "\(path)/\(second.id)"
            let link = try await api.post("\(its)/sign-in-link", as: reception).decode(DeskSignInLink.self)
            #expect(try await open(api, String(try #require(link.url.split(separator: "/").last))).status == 201)
            #expect(try await api.change("PATCH", its, change, as: reception).code == "guest_signs_in")
            #expect(try await api.post("\(its)/erasure", erasure, as: reception).code == "guest_signs_in")
        }
    }

    @Test func `Guests see which of their groups staff have looked at`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let reception = try await api.given.staff([.reception], at: world.park.id)
            let organiser = try await api.given.guest()
            let group = try await api.given.group(of: organiser)
            _ = try await api.given.booking(of: group, by: organiser, in: world)
            #expect(try await api.get("/v1/groups/\(group.id)", as: organiser).status == 200)
            #expect(!(try await api.get("/v1/me/desk-actions", as: organiser).text.contains("look.")))
            #expect(try await api.get("/v1/groups/\(group.id)", as: reception).status == 200)
            let seen = try await api.get("/v1/me/desk-actions", as: organiser).text
            #expect(seen.contains("look.showGroup") && seen.contains("\(group.id)"))
            let stranger = try await api.given.guest()
            #expect(!(try await api.get("/v1/me/desk-actions", as: stranger).text.contains("look.")))
        }
    }
}
