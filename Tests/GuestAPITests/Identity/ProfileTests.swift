import Foundation
import GuestAPI
import GuestModels
import Postgres
import TestKit
import Testing

@Suite struct ProfileTests {
    @Test func `Interests are kept only with consent`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            let change = ProfileChange(interests: ["stars"])
            let refused = try await api.change("PATCH", "/v1/me", change, as: guest, match: 1)
            #expect(refused.code == "consent_missing")
            #expect(refused.pointers == ["/interests"])
            let yes = ConsentRequest(purpose: .interests, textVersion: "2026-1", isGiven: true)
            #expect(try await api.post("/v1/me/consents", yes, as: guest).status == 204)
            #expect(try await api.change("PATCH", "/v1/me", change, as: guest, match: 1).status == 200)
            let no = ConsentRequest(purpose: .interests, textVersion: "2026-1", isGiven: false)
            #expect(try await api.post("/v1/me/consents", no, as: guest).status == 204)
            #expect(try await api.get("/v1/me", as: guest).decode(Guest.self).interests.isEmpty)
            #expect(try await api.get("/v1/me/consents", as: guest).decode([ConsentEntry].self).count == 2)
        }
    }

    @Test func `A profile change based on an old version is refused`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            #expect(
                try await api.change("PATCH", "/v1/me", ProfileChange(name: "A"), as: guest, match: 1).status == 200
            )
            let late = try await api.change("PATCH", "/v1/me", ProfileChange(name: "B"), as: guest, match: 1)
            #expect(late.status == 412 && late.code == "version_conflict")
            let unsaid = try await api.send("PATCH", "/v1/me", raw: Data(#"{"name": "B"}"#.utf8), as: guest)
            #expect(unsaid.status == 428 && unsaid.code == "if_match_required")
        }
    }

    @Test func `Refusals are written in the guest's language`() async throws {
        try await withGuestAPI { api in
            let guest = try await api.given.guest()
            _ = try await api.change("PATCH", "/v1/me", ProfileChange(language: .dutch), as: guest, match: 1)
            try await Task.sleep(for: .milliseconds(1050))
            let path = "/v1/bookings/\(UUID())"
            #expect(try await api.get(path, as: guest).text.contains("We kunnen dat niet vinden."))
            let german = ["accept-language": "fr, de;q=0.8, en;q=0.5"]
            #expect(
                try await api.send("GET", path, as: guest, headers: german).text.contains(
                    "Das können wir nicht finden."
                )
            )
        }
    }

    @Test func `An erased guest's name is found in no table or log`() async throws {
        try await withGuestAPI { api in
            let canary = "Zanzibarina"
            let email = "zanzibarina@canary.example"
            let world = try await api.given.park()
            let guest = try await api.given.guest(canary, email: email)
            let companion = try await api.given.guest("Companion")
            let created = try await api.post(
                "/v1/groups",
                GroupRequest(name: "\(canary)'s group", myName: canary),
                as: guest,
                key: "g"
            )
            let group = try created.decode(TravelGroup.self)
            let invitation = try await api.post("/v1/groups/\(group.id)/invitations", InvitationRequest(), as: guest)
                .decode(Invitation.self)
            _ = try await api.post(
                "/v1/invitations/\(invitation.code)/accept",
                InvitationAcceptance(name: "Companion"),
                as: companion,
                key: "a"
            )
            for purpose in [ConsentPurpose.interests, .birthday] {
                let yes = ConsentRequest(purpose: purpose, textVersion: "1", isGiven: true)
                _ = try await api.post("/v1/me/consents", yes, as: guest)
            }
            let change = ProfileChange(
                birthday: try day("1988-08-18"),
                interests: ["\(canary) things"],
                favouriteCottageIds: [world.cottages[0].id]
            )
            #expect(try await api.change("PATCH", "/v1/me", change, as: guest, match: 1).status == 200)
            let booking = try await api.given.booking(of: group, by: guest, in: world)
            _ = try await api.post("/v1/bookings/\(booking.id)/confirm", as: guest, key: "c")
            _ = try await api.post(
                "/v1/auth/codes",
                CodeRequest(email: email, deviceSecret: "a-device-secret-of-hers")
            )
            try await api.work()
            #expect(try api.mails(to: email).count == 2)

            let export = try await api.get("/v1/me/export", as: guest).text
            for part in [
                canary, email, "1988-08-18", "\(canary) things", booking.number, "\(world.cottages[0].id)", "2",
            ] {
                #expect(export.contains(part), "\(part)")
            }
            let total = try await api.count("SELECT sum(amount)::bigint AS count FROM charge_line")

            #expect(try await api.send("DELETE", "/v1/me", as: guest).status == 200)
            try await api.work()
            #expect(try await api.get("/v1/me", as: guest).status == 401)
            // Searches every text of every table, and every file.
            let tables = try await api.app.database.read(as: "test") { reader in
                try await reader.all(
                    Query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename") {
                        try $0.decode("tablename", as: String.self)
                    }
                )
            }
            for table in tables {
                let dump = try await copy(table, api).lowercased()
                for word in ["zanzibarina", "1988-08-18"] {
                    #expect(!dump.contains(word), "\(table) still knows \(word)")
                    // The dump shows `bytea` as hexadecimal digits.
                    let hex = word.utf8.map { String($0, radix: 16) }.joined()
                    #expect(!dump.contains(hex), "\(table) still knows \(word) in bytes")
                }
            }
            let files = FileManager.default.enumerator(atPath: api.stateFolder)?.allObjects as? [String] ?? []
            for file in files where file.hasSuffix(".eml") {
                let text = try String(contentsOfFile: api.stateFolder + "/" + file, encoding: .utf8)
                #expect(!text.lowercased().contains("zanzibarina"))
            }
            #expect(!api.log.lines.isEmpty)
            for line in api.log.lines {
                for word in ["zanzibarina", "1988-08-18"] { #expect(!line.lowercased().contains(word), "\(line)") }
            }
            // The booking and its amounts stay, and the companion becomes the organiser.
            #expect(try await api.count("SELECT sum(amount)::bigint AS count FROM charge_line") == total)
            let page = try await api.get("/v1/groups/\(group.id)", as: companion).decode(TravelGroup.self)
            #expect(page.travellers.map(\.role) == [.organiser])
            #expect(page.bookings.map(\.number) == [booking.number])
        }
    }

    private func copy(_ table: String, _ api: GuestAPITestService) async throws -> String {
        var bytes: [UInt8] = []
        try await api.transaction { tx in
            try await tx.copyOut("COPY \(table) TO STDOUT") { bytes += $0 }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `A lone organiser of a future stay cannot erase the account`() async throws {
        try await withGuestAPI { api in
            let world = try await api.given.park()
            let guest = try await api.given.guest()
            let group = try await api.given.group(of: guest)
            _ = try await api.given.booking(of: group, by: guest, in: world)
            #expect(try await api.send("DELETE", "/v1/me", as: guest).code == "organises_booking")
            #expect(try await api.get("/v1/me", as: guest).status == 200)
        }
    }
}
