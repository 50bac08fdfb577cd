public import Foundation

/// Something a group brings to the hosts of its stay, with all that is said to it.
public struct Topic: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Topic>

    public enum Kind: String, Codable, CaseIterable, Sendable {
        case question, problem, compliment
    }

    public enum Urgency: String, Codable, CaseIterable, Sendable {
        case normal, urgent
    }

    public enum State: String, Codable, CaseIterable, Sendable {
        /// The hosts have the word.
        case open
        /// The group has.
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
    /// Since when the hosts have the word.
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

    /// What can happen to it.
    public enum Event: Sendable {
        /// A member of the group writes.
        case groupWrites
        /// A host writes.
        case hostWrites
        /// A member of the group says that all is well.
        case groupIsContent
    }

    /// Who has the word after an event.
    ///
    /// A problem is closed by the group alone: whether it is solved, they know. A compliment wants no more than an
    /// answer.
    public mutating func happen(_ event: Event, at now: Date) {
        switch event {
        case .groupWrites:
            // Who writes again has not waited less.
            if state != .open || waitingSince == nil { waitingSince = now }
            state = .open
        case .hostWrites:
            // What is closed stays so: a last kind word opens nothing.
            if state != .closed { state = kind == .compliment ? .closed : .answered }
            waitingSince = nil
        case .groupIsContent:
            state = .closed
            waitingSince = nil
        }
        version += 1
    }
}

/// Brings something to the hosts.
public struct TopicRequest: Codable, Hashable, Sendable, Checked {
    public var id: Topic.ID?
    public var bookingId: Booking.ID
    public var kind: Topic.Kind
    /// Normal unless told.
    public var urgency: Topic.Urgency?
    /// The first that is said.
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

/// Something said in a thread: a topic's, or the group's own.
public struct Message: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Message>

    public var id: ID
    public var groupId: TravelGroup.ID
    /// nil in the group's own thread.
    public var topicId: Topic.ID?
    /// nil for a host.
    public var travellerId: Traveller.ID?
    /// The host's name.
    public var host: String?
    public var text: String
    /// A photo that goes with it, and whether all of it has come yet.
    public var photo: PhotoName?
    public var isPhotoThere: Bool?
    /// By the clock of whoever said it, which may have had no network; never later than `at`.
    public var saidAt: Date
    /// When the service heard of it; messages stand in this order, then in that of their ids.
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
    /// Sent before or after, in parts.
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
    public static let threadFull = Refusal(
        .conflict,
        "thread_full",
        en: "This group's threads are full.",
        nl: "De gesprekken van deze groep zijn vol.",
        de: "Die Gespräche dieser Gruppe sind voll."
    )
}
