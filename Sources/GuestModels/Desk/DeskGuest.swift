public import Foundation

/// The part of a guest's account that the desk can see.
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

/// Makes an account for a guest at the desk or on the phone who has no mail address.
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

/// Corrects the account of a guest whom the desk has made and who never signed in.
public struct DeskGuestChange: Codable, Sendable, Checked {
    /// The guest's new name; nil leaves the name as it is.
    ///
    /// A language of nil likewise leaves the language as it is.
    public var name: String?
    public var language: Language?
    /// The reason for the correction, 1 to 500 characters; the guest can read it.
    public var reason: String

    public init(name: String? = nil, language: Language? = nil, reason: String) {
        self.name = name
        self.language = language
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
        check.text(reason, "/reason", length: 1...500)
    }
}

/// Erases the account of a guest whom the desk has made and who never signed in.
public struct DeskGuestErasure: Codable, Sendable, Checked {
    /// The reason for the erasure, 1 to 500 characters.
    public var reason: String

    public init(reason: String) {
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
    }
}

/// Asks for a sign-in link for a guest without mail.
public struct LetInRequest: Codable, Sendable, Checked {
    /// The reason for the link, 1 to 500 characters; required when the guest has signed in before.
    ///
    /// The guest can read the reason.
    public var reason: String?

    public init(reason: String? = nil) {
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
    }
}

extension Refusal {
    /// The desk wanted to change an account whose guest has signed in once or has a mail address.
    public static let guestSignsIn = Refusal(
        .conflict,
        "guest_signs_in",
        en: "This guest signs in and looks after the account themselves.",
        nl: "Deze gast logt zelf in en beheert het account zelf.",
        de: "Dieser Gast meldet sich selbst an und verwaltet das Konto selbst."
    )
}

/// An act of the desk in a guest's name, or a look of staff at personal data.
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
