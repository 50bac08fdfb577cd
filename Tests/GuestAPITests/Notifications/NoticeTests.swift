import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

@Suite struct NoticeTests {
    private struct Stage {
        let world: Given.World
        let organiser: Given.Person
        let member: Given.Person
        let host: Given.Person
        let group: TravelGroup
        let booking: Booking

        func path(_ rest: String) -> String { "/v1/groups/\(group.id)/\(rest)" }
    }

    private static let path = "/v1/auth/sessions/current/push"

    /// Everybody has a phone: the organiser an iPhone, the member an Android, the host an iPhone.
    private func stage(_ api: GuestAPITestService) async throws -> Stage {
        let world = try await api.given.park()
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        let stage = Stage(
            world: world,
            organiser: organiser,
            member: try await api.given.member(of: group, invitedBy: organiser),
            host: try await api.given.staff([.host], at: world.park.id),
            group: group,
            booking: try await api.given.booking(of: group, by: organiser, in: world)
        )
        let path = "/v1/bookings/\(stage.booking.id)/confirm"
        let firm = try await api.post(path, ["reason": "known guests"], as: stage.host, key: "firm")
        #expect(firm.status == 200)
        try await api.work()
        try await register(.apns, "a0a0", of: stage.organiser, api)
        try await register(.fcm, "member:phone", of: stage.member, api)
        try await register(.apns, "b0b0", of: stage.host, api)
        return stage
    }

    private func register(
        _ service: PushToken.Service,
        _ token: String,
        of person: Given.Person,
        _ api: GuestAPITestService
    ) async throws {
        let response = try await api.change("PUT", Self.path, PushToken(service: service, token: token), as: person)
        #expect(response.status == 204)
    }

    private func write(
        _ text: String,
        as person: Given.Person,
        _ stage: Stage,
        _ api: GuestAPITestService
    )
        async throws
    {
        let response = try await api.post(stage.path("messages"), MessageRequest(text: text), as: person)
        #expect(response.status == 201)
    }

    private func bring(
        _ kind: Topic.Kind,
        _ urgency: Topic.Urgency,
        _ stage: Stage,
        _ api: GuestAPITestService
    )
        async throws -> Topic
    {
        let request = TopicRequest(
            bookingId: stage.booking.id,
            kind: kind,
            urgency: urgency,
            message: MessageRequest(text: "The boiler hums a secret")
        )
        return try await api.post(stage.path("topics"), request, as: stage.member).decode(Topic.self)
    }

    /// The notices that the phones got: each token with its notices, sorted.
    private func told(_ api: GuestAPITestService) throws -> [String] {
        try api.notices().map { "\($0.token) \($0.notice.rawValue)" }.sorted()
    }

    @Test func `A notice never contains the text of a message`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            for text in ["first", "second", "third"] { try await write(text, as: stage.organiser, stage, api) }
            let topic = try await bring(.problem, .urgent, stage, api)
            let answer = MessageRequest(text: "On my way")
            let path = "/v1/admin/topics/\(topic.id)/messages"
            #expect(try await api.post(path, answer, as: stage.host).status == 201)
            try await api.work()
            #expect(
                try told(api) == [
                    "a0a0 hostAnswered", "b0b0 guestsNeedHelp", "member:phone hostAnswered",
                    "member:phone messageWritten",
                ]
            )
            for notice in try api.notices() {
                let all = notice.title + notice.body
                #expect(!["first", "third", "boiler", "On my way"].contains { all.contains($0) })
                #expect(!notice.title.isEmpty && !notice.body.isEmpty)
            }
            let help = try #require(try api.notices().first { $0.notice == .guestsNeedHelp })
            #expect(help.title.contains(stage.booking.number))
            #expect(try await api.count("SELECT count(*) FROM job WHERE kind IN ('notify', 'sendNotice')") == 0)
        }
    }

    @Test func `No job is queued when nobody would be notified`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let muted = NoticePreferences(muted: [.friends])
            let answer = try await api.change("PUT", "/v1/me/notices", muted, as: stage.member)
            #expect(answer.status == 200)
            #expect(try await api.get("/v1/me/notices", as: stage.member).decode(NoticePreferences.self) == muted)
            try await write("hello", as: stage.organiser, stage, api)
            let waiting: SQL = "SELECT count(*) FROM job WHERE kind IN ('notify', 'sendNotice')"
            #expect(try await api.count(waiting) == 0)
            // Muting one category leaves the others.
            let option = StayOptionRequest(
                parkId: stage.world.park.id,
                stay: stage.booking.stay,
                cottages: [.init(anyOf: stage.world.cottages[0].typeId)]
            )
            let options = stage.path("options")
            #expect(try await api.post(options, option, as: stage.organiser).status == 201)
            try await api.work()
            #expect(try told(api) == ["member:phone optionProposed"])
            // A member leaves between the event and the delivery of its notice.
            #expect(
                try await api.change("PUT", "/v1/me/notices", NoticePreferences(muted: []), as: stage.member).status
                    == 200
            )
            try await write("hello", as: stage.organiser, stage, api)
            #expect(try await api.count(waiting) == 1)
            #expect(try await api.post(stage.path("leave"), as: stage.member).status == 204)
            try await api.work()
            #expect(try told(api) == ["member:phone optionProposed"])
            // The organiser signs out; the token is forgotten.
            let topic = try await api.post(
                stage.path("topics"),
                TopicRequest(bookingId: stage.booking.id, kind: .question, message: MessageRequest(text: "?")),
                as: stage.organiser
            ).decode(Topic.self)
            #expect(try await api.send("DELETE", "/v1/auth/sessions/current", as: stage.organiser).status == 204)
            let path = "/v1/admin/topics/\(topic.id)/messages"
            #expect(try await api.post(path, MessageRequest(text: "Yes"), as: stage.host).status == 201)
            try await api.work()
            #expect(try told(api) == ["b0b0 guestsWrote", "member:phone optionProposed"])
            try await api.transaction { try Job.enqueue(CleanUp(), at: api.now, api.app.act(in: $0, as: .job("test"))) }
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM push_token") == 2)
        }
    }

    @Test func `An urgent notice rings at night and an ordinary one waits`() async throws {
        let clock = TestClock(testStart)
        try await withGuestAPI(clock: clock) { api in
            let stage = try await stage(api)
            // It is 23:30 in Amsterdam.
            clock.advance(by: 11.5 * 3600)
            try await write("still up?", as: stage.organiser, stage, api)
            _ = try await bring(.problem, .urgent, stage, api)
            let question = try await bring(.question, .normal, stage, api)
            try await api.work()
            #expect(try told(api) == ["b0b0 guestsNeedHelp"])
            let path = "/v1/admin/topics/\(question.id)/messages"
            #expect(try await api.post(path, MessageRequest(text: "Good night"), as: stage.host).status == 201)
            clock.advance(by: 8.49 * 3600)
            try await api.work()
            #expect(try told(api) == ["a0a0 hostAnswered", "b0b0 guestsNeedHelp", "member:phone hostAnswered"])
            clock.advance(by: 60)
            try await api.work()
            #expect(
                try told(api) == [
                    "a0a0 hostAnswered", "b0b0 guestsNeedHelp", "b0b0 guestsWrote", "member:phone hostAnswered",
                    "member:phone messageWritten",
                ]
            )
        }
    }

    @Test func `A push token follows its phone to the new guest`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let guest = try stage.member.id()
            try await write("hello", as: stage.organiser, stage, api)
            try await api.work()
            #expect(try told(api) == ["member:phone messageWritten"])
            #expect(try await api.get("/v1/me/export", as: stage.member).text.contains(#""pushServices":["fcm"]"#))
            let other = try await api.given.guest()
            try await register(.fcm, "member:phone", of: other, api)
            try await write("again", as: stage.organiser, stage, api)
            try await api.work()
            #expect(try told(api) == ["member:phone messageWritten"])
            try await register(.fcm, "new:phone", of: stage.member, api)
            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 204)
            try await api.work()
            #expect(try told(api) == [])
            #expect(
                try await api.count(
                    """
                    SELECT count(*) FROM push_token JOIN session ON session.id = session_id WHERE guest_id = \(guest)
                    """
                ) == 0
            )
            let junk = PushToken(service: .apns, token: "../../x")
            let response = try await api.change("PUT", Self.path, junk, as: stage.organiser)
            #expect(response.status == 400 && response.pointers == ["/token"])
        }
    }

    @Test func `Apple and Google are sent the same notices over HTTP/2`()
        async throws
    {
        let clock = TestClock(testStart)
        try await PushServices.run(clock: clock) { services in
            try await withGuestAPI(
                clock: clock,
                adjust: {
                    $0.apns = services.apns
                    $0.fcm = try services.fcm()
                }
            ) { api in
                let stage = try await stage(api)
                let topic = try await bring(.problem, .urgent, stage, api)
                func answer() async throws {
                    let path = "/v1/admin/topics/\(topic.id)/messages"
                    #expect(try await api.post(path, MessageRequest(text: "Soon"), as: stage.host).status == 201)
                    try await api.work()
                }
                try await answer()
                func got() -> [String] { services.deliveries.map { "\($0.token) \($0.notice)" }.sorted() }
                #expect(got() == ["a0a0 hostAnswered", "b0b0 guestsNeedHelp", "member:phone hostAnswered"])
                #expect(services.deliveries.allSatisfy { $0.isHTTP2 && !$0.title.isEmpty && !$0.body.isEmpty })
                #expect(Set(services.deliveries.filter { $0.notice == "hostAnswered" }.map(\.thread)).count == 1)
                #expect(try api.notices().isEmpty)
                // One signature is used for almost an hour, and an access token for as long as it is valid.
                clock.advance(by: 1800)
                try await answer()
                #expect(services.signatures.google == 1)
                clock.advance(by: 1800)
                try await answer()
                #expect(services.signatures.google == 2 && got().count == 7)
                // The service is busy, is down or rejects the signature: the notice arrives later, once.
                for (status, reason) in [(429, "TooManyRequests"), (503, "Shutdown"), (403, "ExpiredProviderToken")] {
                    services.refuse(status, reason)
                    services.refuse(status, reason)
                    try await answer()
                    #expect(got().count == 7)
                    clock.advance(by: 600)
                    try await api.work()
                    #expect(got().count == 9)
                    services.forget(2)
                }
                // The app was removed from both phones.
                services.remove("a0a0", at: clock.now)
                services.remove("member:phone", at: clock.now)
                try await answer()
                #expect(got().count == 7)
                #expect(try await api.count("SELECT count(*) FROM push_token") == 1)
                #expect(try await api.count("SELECT count(*) FROM job WHERE kind = 'sendNotice'") == 0)
                // After a new installation the phone gets notices again; the older report that the token is gone does
                // not count.
                clock.advance(by: 60)
                try await register(.apns, "a0a0", of: stage.organiser, api)
                try await answer()
                #expect(try await api.count("SELECT count(*) FROM push_token") == 2)
            }
        }
    }
}
