import Foundation
import GuestModels
import Postgres
import SyncMessages

extension Message {
    /// The most entities that a group's phones keep, plans and people included.
    private static let maximumShown = 20_000

    /// Says something in the group's own thread.
    static func write(
        _ request: MessageRequest,
        in group: TravelGroup.ID,
        saidAt instant: Date,
        _ act: Act
    ) async throws -> Message {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        let message = try await say(request, in: group, nil, by: own.id, saidAt: instant, act)
        try Notice.messageWritten.notify(about: .init(group: group), act)
        return message
    }

    static func say(
        _ request: MessageRequest,
        in group: TravelGroup.ID,
        _ topic: Topic.ID?,
        by traveller: Traveller.ID,
        saidAt instant: Date,
        _ act: Act
    ) async throws -> Message {
        guard (try await act.tx.first(MessageSQL.shown(in: group)) ?? 0) < maximumShown else {
            throw Refusal.threadFull
        }
        var isThere: Bool?
        if let photo = request.photo {
            // Another request that sends or removes the same photo waits for this one, and then sees this message.
            let (_, sizes) = try await act.tx.all(PhotoSQL.lock(photo, in: group), PhotoSQL.size(photo, in: group))
            isThere = !sizes.isEmpty
        }
        let message = Message(
            id: request.id ?? act.id(),
            groupId: group,
            topicId: topic,
            travellerId: traveller,
            host: nil,
            text: request.text,
            photo: request.photo,
            isPhotoThere: isThere,
            saidAt: min(instant, act.now),
            at: act.now
        )
        try await act.tx.run(MessageSQL.insert(message, by: nil), refusing: ["message_pkey": .idTaken])
        act.tx.publish(message.id, .message, to: .group(group))
        return message
    }

    /// Takes back a member's own message in the group's thread.
    static func takeBack(_ id: Message.ID, in group: TravelGroup.ID, _ act: Act) async throws {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        let photo = try await act.tx.first(PhotoSQL.name(of: id))
        guard try await act.tx.run(MessageSQL.takeBack(id, in: group, by: own.id)) == 1 else { throw Refusal.notFound }
        act.tx.publish(id, .message, to: .group(group))
        guard let photo else { return }
        let (_, gone) = try await act.tx.all(
            PhotoSQL.lock(photo, in: group),
            PhotoSQL.dropUnused(photo, in: group)
        )
        try await MessagePhoto.forget(gone, act)
    }
}

extension PersonalData {
    /// Erases the words of the guest; the empty messages stay.
    static let messages = PersonalData(
        name: "messages",
        export: { guest, act in try await act.tx.all(MessageSQL.everything(of: guest)) },
        erase: { guest, act in
            for (group, message) in try await act.tx.all(MessageSQL.erase(guest)) {
                act.tx.publish(message, .message, to: .group(group))
            }
            let gone = try await act.tx.all(PhotoSQL.drop(sentBy: guest))
            try await MessagePhoto.forget(gone, act)
            try await act.tx.run(PhotoSQL.deleteParts(sentBy: guest))
        }
    )
}
