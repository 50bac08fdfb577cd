import GuestModels
import SyncMessages

extension Feature {
    /// The messages feature: groups write to each other and to their hosts, with photos.
    static let messages = Feature(
        name: "messages",
        handlers: [MessageRoutes.handlers],
        mutations: [
            "topic.open@1": MutationVerb { sent, act in
                let new: GroupArguments<TopicRequest> = try sent.arguments()
                _ = try await Topic.open(new.request, in: new.groupId, saidAt: sent.madeAt, act)
                return .applied
            },
            "topic.write@1": MutationVerb { sent, act in
                let said: ChangeArguments<Topic, MessageRequest> = try sent.arguments()
                _ = try await Topic.write(said.request, to: said.id, in: said.groupId, saidAt: sent.madeAt, act)
                return .applied
            },
            "topic.close@1": MutationVerb { sent, act in
                let topic: ThingArguments<Topic> = try sent.arguments()
                return try await Topic.close(topic.id, in: topic.groupId, act)
            },
            "message.write@1": MutationVerb { sent, act in
                let said: GroupArguments<MessageRequest> = try sent.arguments()
                _ = try await Message.write(said.request, in: said.groupId, saidAt: sent.madeAt, act)
                return .applied
            },
            "message.takeBack@1": MutationVerb { sent, act in
                let message: ThingArguments<Message> = try sent.arguments()
                try await Message.takeBack(message.id, in: message.groupId, act)
                return .applied
            },
        ],
        uploads: [.messagePhoto],
        jobs: [StorePhoto.self, StorePhotoParts.self, RemovePhoto.self, ForgetPhotos.self],
        schedules: [.hourly(ForgetPhotos())],
        personalData: [.messages]
    )
}
