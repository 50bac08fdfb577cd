/// An answer to a question of the group.
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

/// A vote, or an answer on whether a traveller comes along.
///
/// It replaces the earlier answer. If two devices of one person differ, the answer that is later by their clocks wins.
public struct ReplyRequest: Codable, Hashable, Sendable {
    /// The traveller who answers; nil means the guest.
    ///
    /// For attendance a guest may also answer for travellers of the own household without an account.
    public var travellerId: Traveller.ID?
    /// The answer; nil withdraws it.
    public var reply: Reply?

    public init(travellerId: Traveller.ID? = nil, reply: Reply?) {
        self.travellerId = travellerId
        self.reply = reply
    }
}

extension [TravellerReply] {
    /// The replies with a traveller's new answer, in the order of the travellers.
    public func replacing(_ traveller: Traveller.ID, with reply: Reply?) -> [TravellerReply] {
        let others = filter { $0.travellerId != traveller }
        let own = reply.map { TravellerReply(travellerId: traveller, reply: $0) }
        return (others + (own.map { [$0] } ?? [])).sorted { $0.travellerId < $1.travellerId }
    }
}
