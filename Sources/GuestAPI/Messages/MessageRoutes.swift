import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// What groups say to each other and to their hosts, and what hosts answer.
enum MessageRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listTopics": listTopics, "openTopic": open, "showTopic": show, "writeInTopic": write, "closeTopic": close,
        "listMessages": listMessages, "writeMessage": writeMessage, "takeMessageBack": takeBack,
        "showInbox": showInbox, "showHostedTopic": showHosted, "answerTopic": answer,
        "sendPhoto": sendPhoto, "showPhoto": showPhoto, "showHostedPhoto": showHostedPhoto,
    ]

    // MARK: The group

    private static func listTopics(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let guest = try call.guest()
        let (own, topics) = try await call.read {
            try await $0.reader.all(GroupSQL.ownRow(in: group, of: guest), MessageSQL.topics(of: group))
        }
        guard !own.isEmpty else { throw Refusal.notFound }
        return try .json(Page(items: topics, next: nil))
    }

    private static func open(_ call: Call) async throws -> Answer {
        let request = try call.body(TopicRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        return try await call.write { act in
            let topic = try await Topic.open(request, in: group, saidAt: call.now, act)
            return try .json(topic, .created, version: topic.version)
        }
    }

    private struct Told: Encodable, Sendable {
        let topic: Topic
        let messages: [Message]
    }

    private static func show(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let id: Topic.ID = try call.id("topic")
        let guest = try call.guest()
        let (own, topics, messages) = try await call.read {
            try await $0.reader.all(
                GroupSQL.ownRow(in: group, of: guest),
                MessageSQL.topic(id),
                MessageSQL.messages(in: id)
            )
        }
        guard !own.isEmpty, let topic = topics.first?.topic, topic.groupId == group else { throw Refusal.notFound }
        return try .json(Told(topic: topic, messages: messages), version: topic.version)
    }

    private static func write(_ call: Call) async throws -> Answer {
        let request = try call.body(MessageRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        let id: Topic.ID = try call.id("topic")
        return try await call.write { act in
            try .json(
                await Topic.write(request, in: id, of: group, saidAt: call.now, act),
                .created
            )
        }
    }

    private static func close(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let id: Topic.ID = try call.id("topic")
        return try await call.write { act in
            _ = try await Topic.close(id, of: group, act)
            return .noContent
        }
    }

    private static func listMessages(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let guest = try call.guest()
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Message.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        let (own, rows) = try await call.read {
            try await $0.reader.all(
                GroupSQL.ownRow(in: group, of: guest),
                MessageSQL.messages(of: group, before: cursor, limit: limit + 1)
            )
        }
        guard !own.isEmpty else { throw Refusal.notFound }
        let items = Array(rows.prefix(limit))
        return try .json(Page(items: items, next: rows.count > limit ? items.last?.id.description : nil))
    }

    private static func writeMessage(_ call: Call) async throws -> Answer {
        let request = try call.body(MessageRequest.self)
        let group: TravelGroup.ID = try call.id("group")
        return try await call.write { act in
            try .json(
                await Message.write(request, in: group, saidAt: call.now, act),
                .created
            )
        }
    }

    private static func takeBack(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let id: Message.ID = try call.id("message")
        return try await call.write { act in
            try await Message.takeBack(id, in: group, act)
            return .noContent
        }
    }

    private static func sendPhoto(_ call: Call) async throws -> Answer {
        let part = try call.body(PhotoPart.self)
        let group: TravelGroup.ID = try call.id("group")
        let name = try photo(call)
        return try await call.write { act in
            let receipt = try await MessagePhoto.receive(part, of: name, in: group, act)
            // Its parts are gone all the same.
            guard let receipt else {
                return Problem(Refusal.photoUnreadable).answer(in: call.language, instance: call.requestID)
            }
            return try .json(receipt)
        }
    }

    private static func showPhoto(_ call: Call) async throws -> Answer {
        let group: TravelGroup.ID = try call.id("group")
        let name = try photo(call)
        let guest = try call.guest()
        let (own, sizes) = try await call.read {
            try await $0.reader.all(GroupSQL.ownRow(in: group, of: guest), PhotoSQL.size(name, in: group))
        }
        guard !own.isEmpty, !sizes.isEmpty else { throw Refusal.notFound }
        return try await picture(name, in: group, call)
    }

    private static func photo(_ call: Call) throws -> PhotoName {
        guard let name = PhotoName(call.text("photo")) else { throw Refusal.notFound }
        return name
    }

    private static func picture(_ name: PhotoName, in group: TravelGroup.ID, _ call: Call) async throws -> Answer {
        guard let data = try await ObjectStore(call.app.settings).get(MessagePhoto.object(name, in: group)) else {
            throw Refusal.notFound
        }
        let headers = [
            HTTPField(name: .contentType, value: "image/jpeg"),
            // The same bytes for ever; whoever may see them no longer does not keep them for long.
            HTTPField(name: .cacheControl, value: "private, max-age=3600"),
        ]
        return Answer(status: .ok, headers: headers, body: Array(data))
    }

    // MARK: Hosts

    private static func showHostedPhoto(_ call: Call) async throws -> Answer {
        let id: Topic.ID = try call.id("topic")
        let name = try photo(call)
        let (topics, found) = try await call.read {
            try await $0.reader.all(MessageSQL.topic(id), PhotoSQL.isIn(id, name))
        }
        guard let (topic, park) = topics.first, call.principal.has(Topic.hosts, at: park), !found.isEmpty else {
            throw Refusal.notFound
        }
        return try await picture(name, in: topic.groupId, call)
    }

    private static func showInbox(_ call: Call) async throws -> Answer {
        let park: Park.ID = try call.id("park")
        guard call.principal.has(Topic.hosts, at: park) else { throw Refusal.notFound }
        var query = QueryReader(call)
        let state = query.optional("state", as: TopicState.self, "must be open, answered or closed")?.state ?? .open
        let owner = query.optional("owner", as: StaffMember.ID.self, "must be the id of a colleague")
        let offset = query.int("cursor", 0...1_000_000, default: 0)
        let limit = query.int("limit", 1...200, default: 50)
        try query.finish()
        let rows = try await call.read {
            try await $0.reader.all(MessageSQL.inbox(park, state, owner: owner, after: offset, limit: limit + 1))
        }
        let items = Array(rows.prefix(limit))
        return try .json(Page(items: items, next: rows.count > limit ? String(offset + limit) : nil))
    }

    private struct TopicState: LosslessStringConvertible {
        let state: Topic.State
        var description: String { state.rawValue }
        init?(_ text: String) {
            guard let state = Topic.State(rawValue: text) else { return nil }
            self.state = state
        }
    }

    private static func showHosted(_ call: Call) async throws -> Answer {
        let id: Topic.ID = try call.id("topic")
        let (topics, messages) = try await call.read {
            try await $0.reader.all(MessageSQL.topic(id), MessageSQL.messages(in: id))
        }
        guard let (topic, park) = topics.first, call.principal.has(Topic.hosts, at: park) else {
            throw Refusal.notFound
        }
        return try .json(Told(topic: topic, messages: messages), version: topic.version)
    }

    private static func answer(_ call: Call) async throws -> Answer {
        let request = try call.body(MessageRequest.self)
        let id: Topic.ID = try call.id("topic")
        return try await call.write { act in
            try .json(
                await Topic.answer(request, in: id, act),
                .created
            )
        }
    }
}
