public import Foundation

/// A guest as the desk finds them.
public struct DeskGuest: Codable, Hashable, Sendable {
    public var id: Guest.ID
    public var name: String
    public var language: Language
    public var hasMail: Bool

    public init(id: Guest.ID, name: String, language: Language, hasMail: Bool) {
        self.id = id
        self.name = name
        self.language = language
        self.hasMail = hasMail
    }
}

/// Somebody at the desk, or on the phone, who has no mail.
public struct DeskGuestRequest: Codable, Sendable, Checked {
    public var id: Guest.ID?
    public var name: String
    public var language: Language?

    public init(id: Guest.ID? = nil, name: String, language: Language? = nil) {
        self.id = id
        self.name = name
        self.language = language
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
    }
}

/// Something that the desk did in a guest's name.
public struct DeskAction: Codable, Hashable, Sendable {
    public var at: Date
    public var action: String
    public var target: UUID?
    public var reason: String?

    public init(at: Date, action: String, target: UUID?, reason: String?) {
        self.at = at
        self.action = action
        self.target = target
        self.reason = reason
    }
}
