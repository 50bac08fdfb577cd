import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes of messages: groups write to each other and to their hosts, and hosts answer.
enum MessageRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listTopics": listTopics, "openTopic": open, "showTopic": show, "writeInTopic": write, "closeTopic": close,
        "listMessages": listMessages, "writeMessage": writeMessage, "takeMessageBack": takeBack,
        "showInbox": showInbox, "showHostedTopic": showHosted, "answerTopic": answer,
        "sendPhoto": sendPhoto, "showPhoto": showPhoto, "showHostedPhoto": showHostedPhoto,
    ]

    // MARK: The group

    private static func listTopics(_ call: Call) async throws -> Answer {
        let group = try call.path(Paths.groupTopics)
        let topics = try await call.read { try await Topic.list(in: group, $0) }
        return try .json(Page(items: topics, next: nil))
    }

    private static func open(_ call: Call) async throws -> Answer {
        let request = try call.body(TopicRequest.self)
        let group = try call.path(Paths.groupTopics)
        return try await call.write { act in
            let topic = try await Topic.open(request, in: group, saidAt: call.now, act)
            return try .json(topic, .created, version: topic.version)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupTopic)
        let shown = try await call.read { try await Topic.show(id, in: group, $0) }
        return try .json(shown, version: shown.topic.version)
    }

    private static func write(_ call: Call) async throws -> Answer {
        let request = try call.body(MessageRequest.self)
        let (group, id) = try call.path(Paths.groupTopicMessages)
        return try await call.write { act in
            try .json(
                await Topic.write(request, to: id, in: group, saidAt: call.now, act),
                .created
            )
        }
    }

    private static func close(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupTopicClose)
        return try await call.write { act in
            _ = try await Topic.close(id, in: group, act)
            return .noContent
        }
    }

    private static func listMessages(_ call: Call) async throws -> Answer {
        let group = try call.path(Paths.groupMessages)
        var query = QueryReader(call)
        let cursor = query.optional("cursor", as: Message.ID.self, "must be a cursor of this list")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        return try await .json(call.read { try await Message.list(in: group, before: cursor, limit: limit, $0) })
    }

    private static func writeMessage(_ call: Call) async throws -> Answer {
        let request = try call.body(MessageRequest.self)
        let group = try call.path(Paths.groupMessages)
        return try await call.write { act in
            try .json(
                await Message.write(request, in: group, saidAt: call.now, act),
                .created
            )
        }
    }

    private static func takeBack(_ call: Call) async throws -> Answer {
        let (group, id) = try call.path(Paths.groupMessage)
        return try await call.write { act in
            try await Message.takeBack(id, in: group, act)
            return .noContent
        }
    }

    private static func sendPhoto(_ call: Call) async throws -> Answer {
        let (group, name) = try call.path(Paths.groupPhoto)
        // Former apps send parts of a photo as JSON.
        guard call.headers[.contentType]?.hasPrefix("application/json") != true else { throw Problem.appTooOld }
        return try await UploadRoutes.begin(.messagePhoto, of: group.uuid, as: name.description, call)
    }

    private static func showPhoto(_ call: Call) async throws -> Answer {
        let (group, name) = try call.path(Paths.groupPhoto)
        return try await picture(name, call.read { try await MessagePhoto.find(name, in: group, $0) }, call)
    }

    private static func picture(_ name: PhotoName, _ object: String, _ call: Call) async throws -> Answer {
        guard let photo = try await call.app.objects.open(object) else { throw Refusal.notFound }
        // Caches are short-lived, because a guest may lose the right to see the photo.
        let caching = "private, max-age=3600"
        return .object(photo, tag: name.description, type: "image/jpeg", caching: caching, to: call)
    }

    // MARK: Hosts

    private static func showHostedPhoto(_ call: Call) async throws -> Answer {
        let (id, name) = try call.path(Paths.adminTopicPhoto)
        return try await picture(name, call.read { try await MessagePhoto.find(name, in: id, $0) }, call)
    }

    private static func showInbox(_ call: Call) async throws -> Answer {
        let park = try call.path(Paths.adminParkInbox)
        var query = QueryReader(call)
        let state = query.optional("state", as: TopicState.self, "must be open, answered or closed")?.state ?? .open
        let owner = query.optional("owner", as: StaffMember.ID.self, "must be the id of a colleague")
        let offset = query.int("cursor", 0...1_000_000, default: 0)
        let limit = query.int("limit", 1...200, default: 50)
        try query.finish()
        let page = try await call.read {
            try await Topic.inbox(of: park, state, owner: owner, after: offset, limit: limit, $0)
        }
        return try .json(page)
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
        let id = try call.path(Paths.adminTopic)
        let shown = try await call.read { try await Topic.show(id, $0) }
        return try .json(shown, version: shown.topic.version)
    }

    private static func answer(_ call: Call) async throws -> Answer {
        let request = try call.body(MessageRequest.self)
        let id = try call.path(Paths.adminTopicMessages)
        return try await call.write { act in
            try .json(
                await Topic.answer(request, in: id, act),
                .created
            )
        }
    }
}
