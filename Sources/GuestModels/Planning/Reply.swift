/// What somebody says to a question of the group.
public enum Reply: String, Codable, CaseIterable, Sendable {
    case yes, maybe, no
}

public struct TravellerReply: Codable, Hashable, Sendable {
    public var travellerId: Traveller.ID
    public var reply: Reply

    public init(travellerId: Traveller.ID, reply: Reply) {
        self.travellerId = travellerId
        self.reply = reply
    }
}

/// A vote, or whether somebody comes along.
///
/// It replaces what was said before; when two devices of one person differ, what was said later by their clocks stands.
public struct ReplyRequest: Codable, Hashable, Sendable {
    /// Oneself unless told; for whether somebody comes also those of one's household who have no account.
    public var travellerId: Traveller.ID?
    /// nil takes it back.
    public var reply: Reply?

    public init(travellerId: Traveller.ID? = nil, reply: Reply?) {
        self.travellerId = travellerId
        self.reply = reply
    }
}

extension [TravellerReply] {
    /// With what a traveller says now, in the order of the travellers.
    public func replacing(_ traveller: Traveller.ID, with reply: Reply?) -> [TravellerReply] {
        let others = filter { $0.travellerId != traveller }
        let own = reply.map { TravellerReply(travellerId: traveller, reply: $0) }
        return (others + (own.map { [$0] } ?? [])).sorted { $0.travellerId < $1.travellerId }
    }
}
