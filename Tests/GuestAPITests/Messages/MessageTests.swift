import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

@Suite struct MessageTests {
    struct Stage {
        let world: Given.World
        let organiser: Given.Person
        let member: Given.Person
        let host: Given.Person
        let group: TravelGroup
        let booking: Booking

        func path(_ rest: String) -> String { "/v1/groups/\(group.id)/\(rest)" }
        var inbox: String { "/v1/admin/parks/\(world.park.id)/inbox" }
    }

    func stage(_ api: GuestAPITestService) async throws -> Stage {
        let world = try await api.given.park()
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        return Stage(
            world: world,
            organiser: organiser,
            member: try await api.given.member(of: group, invitedBy: organiser),
            host: try await api.given.staff([.host], at: world.park.id),
            group: group,
            booking: try await api.given.booking(of: group, by: organiser, in: world)
        )
    }

    func bring(
        _ kind: Topic.Kind,
        _ text: String,
        _ urgency: Topic.Urgency? = nil,
        _ stage: Stage,
        _ api: GuestAPITestService
    ) async throws -> Topic {
        let request = TopicRequest(
            bookingId: stage.booking.id,
            kind: kind,
            urgency: urgency,
            message: MessageRequest(text: text)
        )
        let response = try await api.post(stage.path("topics"), request, as: stage.member)
        #expect(response.status == 201)
        return try response.decode(Topic.self)
    }

    struct Told: Decodable {
        let topic: Topic
        let messages: [Message]
    }

    private struct Inbox: Decodable {
        struct Line: Decodable {
            let topic: Topic
            let lastText: String?
            let taskId: StaffTask.ID?
            let ownerId: StaffMember.ID?
        }

        let items: [Line]
        let next: String?
    }

    private func inbox(
        _ query: String = "",
        _ stage: Stage,
        _ api: GuestAPITestService
    ) async throws -> [Inbox.Line] {
        try await api.get(stage.inbox + query, as: stage.host).decode(Inbox.self).items
    }

    @Test func `The inbox lists urgent problems first`()
        async throws
    {
        let clock = TestClock(testStart)
        try await withGuestAPI(clock: clock) { api in
            let stage = try await stage(api)
            let question = try await bring(.question, "Is there a cot?", nil, stage, api)
            clock.advance(by: 60)
            let problem = try await bring(.problem, "The tap drips", nil, stage, api)
            clock.advance(by: 60)
            let fire = try await bring(.problem, "No heating", .urgent, stage, api)
            let waiting = try await inbox("", stage, api)
            #expect(waiting.map(\.topic.id) == [fire.id, question.id, problem.id])
            #expect(waiting.map(\.lastText) == ["No heating", "Is there a cot?", "The tap drips"])
            // The task's owner is the colleague who takes care of the topic.
            let task = try #require(waiting.first?.taskId)
            let colleague = try #require(stage.host.staff)
            let path = "/v1/admin/tasks/\(task)"
            let change = StaffTaskChange(ownerId: colleague)
            #expect(try await api.change("PATCH", path, change, as: stage.host, match: 1).status == 200)
            #expect(try await inbox("?owner=\(colleague)", stage, api).map(\.topic.id) == [fire.id])
            // A second message adds a note to the same task, and the waiting time continues.
            clock.advance(by: 60)
            let more = MessageRequest(text: "Still cold")
            let said = try await api.post(stage.path("topics/\(fire.id)/messages"), more, as: stage.organiser)
            #expect(said.status == 201)
            let again = try #require(try await inbox("", stage, api).first)
            #expect(again.taskId == task && again.topic.waitingSince == fire.waitingSince)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'message'") == 3)
        }
    }

    @Test func `A question's task is done once a host answers`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let question = try await bring(.question, "Is there a cot?", nil, stage, api)
            let problem = try await bring(.problem, "The tap drips", nil, stage, api)
            let thanks = try await bring(.compliment, "Lovely woods", nil, stage, api)
            for topic in [question, problem, thanks] {
                let answer = MessageRequest(text: "Thank you, we see to it.")
                let path = "/v1/admin/topics/\(topic.id)/messages"
                let response = try await api.post(path, answer, as: stage.host)
                #expect(response.status == 201)
                let said = try response.decode(Message.self)
                #expect(said.host == "Staff" && said.travellerId == nil)
            }
            let answered = try await inbox("?state=answered", stage, api)
            #expect(Set(answered.map(\.topic.id)) == [question.id, problem.id])
            #expect(answered.first { $0.topic.id == question.id }?.taskId == nil)
            #expect(answered.first { $0.topic.id == problem.id }?.taskId != nil)
            let told = try await api.get(stage.path("topics/\(thanks.id)"), as: stage.member).decode(Told.self)
            #expect(told.topic.state == .closed && told.messages.count == 2)
            let close = stage.path("topics/\(problem.id)/close")
            #expect(try await api.post(close, as: stage.member).status == 204)
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'message' AND state = 'open'") == 0)
            let kind = MessageRequest(text: "Glad to hear it")
            let last = "/v1/admin/topics/\(problem.id)/messages"
            #expect(try await api.post(last, kind, as: stage.host).status == 201)
            #expect(try await inbox("?state=closed", stage, api).contains { $0.topic.id == problem.id })
            // The problem returns: the topic opens again with a new task.
            let again = MessageRequest(text: "It drips again")
            let write = stage.path("topics/\(problem.id)/messages")
            #expect(try await api.post(write, again, as: stage.member).status == 201)
            #expect(try await inbox("", stage, api).map(\.topic.id) == [problem.id])
            #expect(try await api.count("SELECT count(*) FROM task WHERE source = 'message' AND state = 'open'") == 1)
        }
    }

    @Test func `Strangers and other parks cannot read a group's topics`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let topic = try await bring(.question, "Is there a cot?", nil, stage, api)
            let stranger = try await api.given.guest()
            let theirs = try await api.given.group(of: stranger)
            let other = try await api.given.park()
            let foreign = try await api.given.staff([.host, .reception], at: other.park.id)
            let text = MessageRequest(text: "x")
            #expect(try await api.get(stage.path("topics/\(topic.id)"), as: stranger).status == 404)
            // The path names the stranger's own group and our topic.
            let sly = "/v1/groups/\(theirs.id)/topics/\(topic.id)"
            #expect(try await api.get(sly, as: stranger).status == 404)
            #expect(try await api.post(sly + "/messages", text, as: stranger).status == 404)
            #expect(try await api.post(sly + "/close", as: stranger).status == 404)
            let answer = "/v1/admin/topics/\(topic.id)"
            #expect(try await api.get(answer, as: foreign).status == 404)
            #expect(try await api.post(answer + "/messages", text, as: foreign).status == 404)
            #expect(try await api.get(stage.inbox, as: foreign).status == 404)
            let ofOthers = TopicRequest(bookingId: stage.booking.id, kind: .question, message: text)
            #expect(try await api.post("/v1/groups/\(theirs.id)/topics", ofOthers, as: stranger).status == 404)
            // The desk acts for a guest, but cannot read messages among friends or to the hosts.
            let reception = try await api.given.staff([.reception], at: stage.world.park.id)
            let guest = ["On-Behalf-Of": "\(try stage.member.id())"]
            let topics = try await api.send("GET", stage.path("topics"), as: reception, headers: guest)
            #expect(topics.status == 404)
            let thread = try await api.send("GET", stage.path("messages"), as: reception, headers: guest)
            #expect(thread.status == 404)
            let export = try await api.send("GET", "/v1/me/export", as: reception, headers: guest)
            #expect(export.status == 404)
            let close = stage.path("topics/\(topic.id)/close")
            #expect(try await api.send("POST", close, as: reception, headers: guest).status == 404)
        }
    }

    @Test func `Only its author can take a message back`()
        async throws
    {
        let clock = TestClock(testStart)
        try await withGuestAPI(clock: clock) { api in
            let stage = try await stage(api)
            var ids: [Message.ID] = []
            for number in 0..<5 {
                // Two messages have the same instant, so their ids decide the order.
                if number != 2 { clock.advance(by: 1) }
                let who = number % 2 == 0 ? stage.member : stage.organiser
                let said = try await api.post(stage.path("messages"), MessageRequest(text: "No. \(number)"), as: who)
                ids.append(try said.decode(Message.self).id)
            }
            struct Thread: Decodable {
                let items: [Message]
                let next: String?
            }
            var seen: [Message.ID] = []
            var cursor = ""
            repeat {
                let path = stage.path("messages?limit=2\(cursor)")
                let page = try await api.get(path, as: stage.member).decode(Thread.self)
                seen += page.items.map(\.id)
                cursor = page.next.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            let twins = ids[1...2].sorted()
            #expect(seen == [ids[4], ids[3], twins[1], twins[0], ids[0]])
            let first = stage.path("messages/\(ids[0])")
            #expect(try await api.send("DELETE", first, as: stage.organiser).status == 404)
            #expect(try await api.send("DELETE", first, as: stage.member).status == 204)
            let topic = try await bring(.question, "Personal question", nil, stage, api)
            #expect(try await api.get("/v1/me/export", as: stage.member).text.contains("Personal question"))
            let phone = try Phone(of: stage.organiser, api)
            try await phone.engine.sync()
            #expect(try phone.store.entities("message").count == 5)
            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 204)
            try await phone.engine.sync()
            #expect(try phone.store.entities("message").count == 2)
            let told = try await api.get("/v1/admin/topics/\(topic.id)", as: stage.host).decode(Told.self)
            #expect(told.messages.isEmpty)
            #expect(try await api.count("SELECT count(*) FROM task WHERE detail LIKE '%Personal%'") == 0)
        }
    }

    @Test func `A problem reported offline reaches the hosts at the next sync`() async throws {
        let clock = TestClock(testStart)
        try await withGuestAPI(clock: clock) { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            let told = api.now
            let id = Topic.ID(UUID())
            let request = TopicRequest(
                id: id,
                bookingId: stage.booking.id,
                kind: .problem,
                urgency: .urgent,
                message: MessageRequest(id: .init(UUID()), text: "A tree fell on the path")
            )
            let arguments = GroupArguments(groupId: stage.group.id, request: request)
            try phone.store.perform("topic.open@1", arguments, at: told)
            #expect(try phone.store.entities("topic").count == 1)
            #expect(try phone.store.entities("message").first?.body.contains("A tree fell") == true)
            clock.advance(by: 3600)
            try await phone.engine.sync()
            let shown = try #require(try phone.store.entities("message").first).decode(Message.self)
            #expect(shown.saidAt == told && shown.at == api.now)
            let waiting = try #require(try await inbox("", stage, api).first)
            #expect(waiting.topic.id == id && waiting.topic.waitingSince == api.now)
            let answer = MessageRequest(text: "We are on our way")
            #expect(
                try await api.post("/v1/admin/topics/\(id)/messages", answer, as: stage.host).status == 201
            )
            try await phone.engine.sync()
            #expect(try phone.store.entities("message").count == 2)
            let close = ThingArguments<Topic>(groupId: stage.group.id, id: id)
            try phone.store.perform("topic.close@1", close, at: api.now)
            try await phone.engine.sync()
            #expect(try await inbox("?state=closed", stage, api).map(\.topic.id) == [id])
        }
    }

    @Test func `A pasted message is tidied both online and offline`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let pasted = MessageRequest(text: "Wi-Fi:\r\nname\tpark\u{2028}e\u{308}")
            let kept = "Wi-Fi:\nname park\n\u{EB}"
            let said = try await api.post(stage.path("messages"), pasted, as: stage.member).decode(Message.self)
            #expect(said.text == kept)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            var offline = pasted
            offline.id = .init(UUID())
            let arguments = GroupArguments(groupId: stage.group.id, request: offline)
            try phone.store.perform("message.write@1", arguments, at: api.now)
            try await phone.engine.sync()
            #expect(try phone.store.refused().isEmpty)
            #expect(try await api.count("SELECT count(*) FROM message WHERE text = \(kept)") == 2)
            for text in ["\u{2060}", "\u{3164}", "\u{200B}\n"] {
                let blank = try await api.post(stage.path("messages"), MessageRequest(text: text), as: stage.member)
                #expect(blank.status == 400)
            }
        }
    }

    @Test func `A message written during its author's erasure is erased too`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let guest = try stage.member.id()
            let (said, hasSaid) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    try await api.transaction { tx in
                        _ = try await Message.write(
                            MessageRequest(text: "One last word"),
                            in: stage.group.id,
                            saidAt: api.now,
                            api.app.act(in: tx, as: .guest(guest))
                        )
                        try await tx.flushPending()
                        hasSaid.yield()
                        // The transaction is not committed yet when the erasure begins.
                        try await Task.sleep(for: .milliseconds(250))
                    }
                }
                tasks.addTask {
                    var waiting = said.makeAsyncIterator()
                    await waiting.next()
                    // A busy machine may refuse the request; then nothing is done, so try again.
                    var status = 503
                    for _ in 0..<10 where status == 503 {
                        status = try await api.send("DELETE", "/v1/me", as: stage.member).status
                    }
                    #expect(status == 204)
                }
                try await tasks.waitForAll()
            }
            #expect(try await api.count("SELECT count(*) FROM message") == 1)
            #expect(try await api.count("SELECT count(*) FROM message WHERE text IS NOT NULL") == 0)
        }
    }
}
