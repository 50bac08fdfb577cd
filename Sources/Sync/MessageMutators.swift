import Foundation
import GuestModels
import SyncMessages

extension Mutator {
    /// How mutations of topics and messages look on the phone that made them.
    public static let messages: [String: Mutator] = [
        "topic.open@1": Mutator { (new: GroupArguments<TopicRequest>, deed, overlay) in
            guard let id = new.request.id, let own = try overlay.traveller(in: new.groupId) else { return }
            let topic = Topic(
                id: id,
                groupId: new.groupId,
                bookingId: new.request.bookingId,
                kind: new.request.kind,
                urgency: new.request.urgency ?? .normal,
                state: .open,
                openedBy: own,
                openedAt: deed.at,
                waitingSince: deed.at,
                version: 1
            )
            try overlay.show("topic", id.uuid, in: Scope.group(new.groupId).description, as: topic)
            try overlay.say(new.request.message, in: new.groupId, id, at: deed.at)
        },
        "topic.write@1": Mutator { (said: ChangeArguments<Topic, MessageRequest>, deed, overlay) in
            let scope = Scope.group(said.groupId).description
            guard var topic: Topic = try overlay.body("topic", said.id.uuid, in: scope) else { return }
            topic.happen(.groupWrites, at: deed.at)
            try overlay.show("topic", said.id.uuid, in: scope, as: topic)
            try overlay.say(said.request, in: said.groupId, said.id, at: deed.at)
        },
        "topic.close@1": Mutator { (closed: ThingArguments<Topic>, deed, overlay) in
            let scope = Scope.group(closed.groupId).description
            guard var topic: Topic = try overlay.body("topic", closed.id.uuid, in: scope) else { return }
            topic.happen(.groupIsContent, at: deed.at)
            try overlay.show("topic", closed.id.uuid, in: scope, as: topic)
        },
        "message.write@1": Mutator { (said: GroupArguments<MessageRequest>, deed, overlay) in
            try overlay.say(said.request, in: said.groupId, nil, at: deed.at)
        },
        "message.takeBack@1": Mutator { (message: ThingArguments<Message>, _, overlay) in
            try overlay.show(
                "message",
                message.id.uuid,
                in: Scope.group(message.groupId).description,
                as: Message?.none
            )
        },
    ]
}

extension Overlay {
    fileprivate func say(
        _ request: MessageRequest,
        in group: TravelGroup.ID,
        _ topic: Topic.ID?,
        at instant: Date
    ) throws {
        guard let id = request.id, let own = try traveller(in: group) else { return }
        let message = Message(
            id: id,
            groupId: group,
            topicId: topic,
            travellerId: own,
            host: nil,
            text: request.text,
            photo: request.photo,
            isPhotoThere: request.photo.map { _ in false },
            saidAt: instant,
            at: instant
        )
        try show("message", id.uuid, in: Scope.group(group).description, as: message)
    }
}
