import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Topic {
    /// The functions of the colleagues who talk with guests.
    static let hosts: Set<StaffMember.Function> = [.reception, .host]

    /// Opens a topic for the hosts of a stay.
    ///
    /// - Parameter instant: when the message was said, by its author's clock.
    static func open(
        _ request: TopicRequest,
        in group: TravelGroup.ID,
        saidAt instant: Date,
        _ act: Act
    ) async throws -> Topic {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        guard let stay = try await act.tx.first(MessageSQL.park(of: request.bookingId, in: group)) else {
            throw Refusal.notFound.at("/bookingId")
        }
        let topic = Topic(
            id: request.id ?? act.id(),
            groupId: group,
            bookingId: request.bookingId,
            kind: request.kind,
            urgency: request.urgency ?? .normal,
            state: .open,
            openedBy: own.id,
            openedAt: act.now,
            waitingSince: act.now,
            version: 1
        )
        try await act.tx.run(MessageSQL.insert(topic, at: stay.park), refusing: ["topic_pkey": .idTaken])
        act.tx.publish(topic.id, .topic, to: .group(group))
        _ = try await Message.say(request.message, in: group, topic.id, by: own.id, saidAt: instant, act)
        try await topic.call(stay.number, at: stay.park, act)
        return topic
    }

    /// Adds a message to a topic; an answered or closed topic opens again.
    static func write(
        _ request: MessageRequest,
        to id: Topic.ID,
        in group: TravelGroup.ID,
        saidAt instant: Date,
        _ act: Act
    ) async throws -> Message {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        let (found, park) = try await find(id, in: group, in: act.tx)
        var topic = found
        topic.happen(.groupWrites, at: act.now)
        let message = try await Message.say(request, in: group, id, by: own.id, saidAt: instant, act)
        try await act.tx.run(MessageSQL.update(topic))
        act.tx.publish(id, .topic, to: .group(group))
        let stay = try await act.tx.first(MessageSQL.park(of: topic.bookingId, in: group))
        try await topic.call(stay?.number ?? "", at: park, act)
        return message
    }

    /// Closes a topic, because the group says that all is well.
    static func close(_ id: Topic.ID, in group: TravelGroup.ID, _ act: Act) async throws -> Outcome.Result {
        _ = try await TravelGroup.require(.member, in: group, staying: true, act)
        let (found, park) = try await find(id, in: group, in: act.tx)
        var topic = found
        guard topic.state != .closed else { return .noop }
        topic.happen(.groupIsContent, at: act.now)
        try await act.tx.run(MessageSQL.update(topic))
        act.tx.publish(id, .topic, to: .group(group))
        try await StaffTask.resolve(.message, id.description, in: park, note: "the guests say that all is well", act)
        return .applied
    }

    /// Adds a host's answer to a topic.
    ///
    /// The answer ends the task about a question or a compliment. The task about a problem stays open until the group
    /// says that it is solved.
    static func answer(_ request: MessageRequest, in id: Topic.ID, _ act: Act) async throws -> Message {
        guard let (found, park) = try await act.tx.first(MessageSQL.topic(id, locked: true)),
            act.principal.has(hosts, at: park), case .staff(let member) = act.principal
        else { throw Refusal.notFound }
        guard request.photo == nil else { throw Refusal.forbidden.at("/photo") }
        var topic = found
        topic.happen(.hostWrites, at: act.now)
        let message = Message(
            id: request.id ?? act.id(),
            groupId: topic.groupId,
            topicId: id,
            travellerId: nil,
            host: member.name,
            text: request.text,
            photo: nil,
            isPhotoThere: nil,
            saidAt: act.now,
            at: act.now
        )
        try await act.tx.run(
            [MessageSQL.insert(message, by: member.id), MessageSQL.update(topic)],
            refusing: ["message_pkey": .idTaken]
        )
        act.tx.publish(message.id, .message, to: .group(topic.groupId))
        act.tx.publish(id, .topic, to: .group(topic.groupId))
        try Notice.hostAnswered.notify(
            about: .init(group: topic.groupId, booking: topic.bookingId, topic: id, park: park),
            act
        )
        guard topic.kind != .problem else { return message }
        try await StaffTask.resolve(.message, id.description, in: park, note: "answered", act)
        return message
    }

    private static func find(
        _ id: Topic.ID,
        in group: TravelGroup.ID,
        in tx: Transaction
    ) async throws -> (topic: Topic, park: Park.ID) {
        guard let found = try await tx.first(MessageSQL.topic(id, locked: true)), found.topic.groupId == group else {
            throw Refusal.notFound
        }
        return found
    }

    /// Opens the hosts' task for the topic, or notes in it that the guests said more.
    ///
    /// The task does not contain the guests' words, because these are erased with their author.
    private func call(_ number: String, at park: Park.ID, _ act: Act) async throws {
        let needsHelp = kind == .problem && urgency == .urgent
        try (needsHelp ? Notice.guestsNeedHelp : .guestsWrote)
            .notify(about: .init(booking: bookingId, topic: id, park: park), act.as(.nobody))
        let urgent = urgency == .urgent ? "urgent " : ""
        try await StaffTask.open(
            StaffTaskRequest(
                title: "\(number): \(urgent)\(kind.rawValue)",
                detail: "The guests have written; their words are in the inbox."
            ),
            source: .message,
            subject: id.description,
            in: park,
            act
        )
    }
}
