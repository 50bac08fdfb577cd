import GuestModels
import Postgres

/// A topic with all that was said in it.
struct TopicView: Encodable, Sendable {
    let topic: Topic
    let messages: [Message]
}

extension Topic {
    /// The topics of a group, for its members.
    static func list(in group: TravelGroup.ID, _ look: Look) async throws -> [Topic] {
        let (own, topics) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            MessageSQL.topics(of: group)
        )
        guard !own.isEmpty else { throw Refusal.notFound }
        return topics
    }

    /// One topic, for members of its group.
    static func show(_ id: Topic.ID, in group: TravelGroup.ID, _ look: Look) async throws -> TopicView {
        let (own, topics, messages) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            MessageSQL.topic(id),
            MessageSQL.messages(in: id)
        )
        guard !own.isEmpty, let topic = topics.first?.topic, topic.groupId == group else { throw Refusal.notFound }
        return TopicView(topic: topic, messages: messages)
    }

    /// One topic, for the hosts of its park.
    static func show(_ id: Topic.ID, _ look: Look) async throws -> TopicView {
        let (topics, messages) = try await look.reader.all(MessageSQL.topic(id), MessageSQL.messages(in: id))
        guard let (topic, park) = topics.first else { throw Refusal.notFound }
        try look.principal.require(hosts, at: park)
        return TopicView(topic: topic, messages: messages)
    }

    /// The topics of a park in one state, for its hosts.
    ///
    /// - Parameter offset: the number of rows on the pages before.
    static func inbox(
        of park: Park.ID,
        _ state: State,
        owner: StaffMember.ID?,
        after offset: Int,
        limit: Int,
        _ look: Look
    ) async throws -> Page<MessageSQL.InboxRow> {
        try look.principal.require(hosts, at: park)
        let query = MessageSQL.inbox(park, state, owner: owner, after: offset, limit: limit + 1)
        return Page(try await look.reader.all(query), limit: limit) { _ in String(offset + limit) }
    }
}

extension Message {
    /// The messages of a group's own thread, newest first, for its members.
    static func list(
        in group: TravelGroup.ID,
        before cursor: Message.ID?,
        limit: Int,
        _ look: Look
    ) async throws -> Page<Message> {
        let (own, rows) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            MessageSQL.messages(of: group, before: cursor, limit: limit + 1)
        )
        guard !own.isEmpty else { throw Refusal.notFound }
        return Page(rows, limit: limit) { $0.id.description }
    }
}

extension MessagePhoto {
    /// The object of a photo, for the members of its group.
    ///
    /// Throws `notFound` unless the photo is stored and the asker is a member.
    static func find(_ name: PhotoName, in group: TravelGroup.ID, _ look: Look) async throws -> String {
        let (own, stored) = try await look.reader.all(
            TravelGroup.ownRow(in: group, look),
            PhotoSQL.stored(name, in: group)
        )
        guard !own.isEmpty, let photo = stored.first else { throw Refusal.notFound }
        return object(photo.object, of: name, in: group)
    }

    /// The object of a photo in a topic, for the hosts of its park.
    static func find(_ name: PhotoName, in id: Topic.ID, _ look: Look) async throws -> String {
        let (topics, found) = try await look.reader.all(MessageSQL.topic(id), PhotoSQL.isIn(id, name))
        guard let (topic, park) = topics.first, !found.isEmpty else { throw Refusal.notFound }
        try look.principal.require(Topic.hosts, at: park)
        guard let photo = try await look.reader.first(PhotoSQL.stored(name, in: topic.groupId)) else {
            throw Refusal.notFound
        }
        return object(photo.object, of: name, in: topic.groupId)
    }
}
