public import Foundation

/// A matter that a group brings to the hosts of its stay, with its thread of messages.
public struct Topic: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Topic>

    public enum Kind: String, Codable, CaseIterable, Sendable {
        case question, problem, compliment
    }

    public enum Urgency: String, Codable, CaseIterable, Sendable {
        case normal, urgent
    }

    public enum State: String, Codable, CaseIterable, Sendable {
        /// The hosts must answer next.
        case open
        /// The hosts have answered, so the group may answer next.
        case answered
        case closed
    }

    public var id: ID
    public var groupId: TravelGroup.ID
    public var bookingId: Booking.ID
    public var kind: Kind
    public var urgency: Urgency
    public var state: State
    public var openedBy: Traveller.ID
    public var openedAt: Date
    /// The instant since which the group has waited for the hosts; nil when it does not wait.
    public var waitingSince: Date?
    public var version: Int

    public init(
        id: ID,
        groupId: TravelGroup.ID,
        bookingId: Booking.ID,
        kind: Kind,
        urgency: Urgency,
        state: State,
        openedBy: Traveller.ID,
        openedAt: Date,
        waitingSince: Date?,
        version: Int
    ) {
        self.id = id
        self.groupId = groupId
        self.bookingId = bookingId
        self.kind = kind
        self.urgency = urgency
        self.state = state
        self.openedBy = openedBy
        self.openedAt = openedAt
        self.waitingSince = waitingSince
        self.version = version
    }

    /// An event that changes the state of a topic.
    public enum Event: Sendable {
        /// A member of the group writes.
        case groupWrites
        /// A host answers in the topic.
        case hostWrites
        /// A member of the group says that all is well.
        case groupIsContent
    }

    /// Changes the topic's state after an event.
    ///
    /// Only the group closes a problem, because only the group knows whether it is solved. A compliment is closed by
    /// one answer.
    public mutating func happen(_ event: Event, at now: Date) {
        switch event {
        case .groupWrites:
            // If the group writes again while it waits, the waiting time continues.
            if state != .open || waitingSince == nil { waitingSince = now }
            state = .open
        case .hostWrites:
            // A closed topic stays closed when a host writes once more.
            if state != .closed { state = kind == .compliment ? .closed : .answered }
            waitingSince = nil
        case .groupIsContent:
            state = .closed
            waitingSince = nil
        }
        version += 1
    }
}

/// Opens a topic with the hosts.
public struct TopicRequest: Codable, Hashable, Sendable, Checked {
    public var id: Topic.ID?
    public var bookingId: Booking.ID
    public var kind: Topic.Kind
    /// The urgency; normal when nil.
    public var urgency: Topic.Urgency?
    /// The topic's first message, which opens it.
    public var message: MessageRequest

    public init(
        id: Topic.ID? = nil,
        bookingId: Booking.ID,
        kind: Topic.Kind,
        urgency: Topic.Urgency? = nil,
        message: MessageRequest
    ) {
        self.id = id
        self.bookingId = bookingId
        self.kind = kind
        self.urgency = urgency
        self.message = message
    }

    public func check(_ check: inout Check) { check.part(message, "/message") }
}

/// A message in the thread of a topic or in the group's own thread.
public struct Message: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Message>

    public var id: ID
    public var groupId: TravelGroup.ID
    /// The topic; nil in the group's own thread.
    public var topicId: Topic.ID?
    /// The traveller who wrote; nil for a host.
    public var travellerId: Traveller.ID?
    /// The name of the host who answered.
    public var host: String?
    public var text: String
    /// The message's photo, and whether the service has all of it.
    public var photo: PhotoName?
    public var isPhotoThere: Bool?
    /// The writing time by the writer's phone, which may have been offline; never later than `at`.
    public var saidAt: Date
    /// When the service received the message; messages are ordered by this time, then by id.
    public var at: Date

    public init(
        id: ID,
        groupId: TravelGroup.ID,
        topicId: Topic.ID?,
        travellerId: Traveller.ID?,
        host: String?,
        text: String,
        photo: PhotoName? = nil,
        isPhotoThere: Bool? = nil,
        saidAt: Date,
        at: Date
    ) {
        self.id = id
        self.groupId = groupId
        self.topicId = topicId
        self.travellerId = travellerId
        self.host = host
        self.text = text
        self.photo = photo
        self.isPhotoThere = isPhotoThere
        self.saidAt = saidAt
        self.at = at
    }
}

public struct MessageRequest: Codable, Hashable, Sendable, Checked {
    public var id: Message.ID?
    public var text: String
    /// The message's photo; its parts are sent before or after the message.
    public var photo: PhotoName?

    public init(id: Message.ID? = nil, text: String, photo: PhotoName? = nil) {
        self.id = id
        self.text = text
        self.photo = photo
    }

    public func check(_ check: inout Check) {
        check.text(text, "/text", length: 1...5000, hasLines: true)
    }
}

extension Refusal {
    /// The group's phones already keep 20,000 rows, plans and people included; no message can be added.
    public static let threadFull = Refusal(
        .conflict,
        "thread_full",
        en: "This group's threads are full.",
        nl: "De gesprekken van deze groep zijn vol.",
        de: "Die Gespräche dieser Gruppe sind voll."
    )
}
