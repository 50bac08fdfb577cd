public import Foundation

/// Asks for a sign-in code by mail.
public struct CodeRequest: Codable, Sendable, Checked {
    public enum Audience: String, Codable, Sendable {
        case guest, staff
    }

    public typealias AttemptID = Identifier<CodeRequest>

    public var email: String
    /// The audience; `guest` when nil.
    public var audience: Audience?
    /// A random text that only this device knows; the code works only together with it.
    public var deviceSecret: String
    /// The language of the mail; when nil, `Accept-Language` decides.
    public var language: Language?

    public init(email: String, audience: Audience? = nil, deviceSecret: String, language: Language? = nil) {
        self.email = email
        self.audience = audience
        self.deviceSecret = deviceSecret
        self.language = language
    }

    public func check(_ check: inout Check) {
        check.email(email, "/email")
        check.secret(deviceSecret, "/deviceSecret", length: 16...200)
    }
}

public struct CodeSent: Codable, Sendable {
    public var attemptId: CodeRequest.AttemptID
    public var expiresAt: Date

    public init(attemptId: CodeRequest.AttemptID, expiresAt: Date) {
        self.attemptId = attemptId
        self.expiresAt = expiresAt
    }
}

/// Exchanges a code for tokens.
public struct SignInRequest: Codable, Sendable, Checked {
    public var attemptId: CodeRequest.AttemptID
    /// The code of eight digits from the sign-in mail.
    public var code: String
    public var deviceSecret: String
    public var deviceName: String?

    public init(attemptId: CodeRequest.AttemptID, code: String, deviceSecret: String, deviceName: String? = nil) {
        self.attemptId = attemptId
        self.code = code
        self.deviceSecret = deviceSecret
        self.deviceName = deviceName
    }

    public func check(_ check: inout Check) {
        check.require(
            code.utf8.count == 8 && code.utf8.allSatisfy { (48...57).contains($0) },
            "/code",
            "must be eight digits"
        )
        check.secret(deviceSecret, "/deviceSecret", length: 16...200)
        check.text(deviceName, "/deviceName", length: 0...100)
    }
}

/// Exchanges a sign-in link for tokens of the device that has opened it.
public struct LinkSignInRequest: Codable, Sendable, Checked {
    /// The last part of the link's address, or the code that its page shows.
    public var link: String
    public var deviceSecret: String
    public var deviceName: String?

    public init(link: String, deviceSecret: String, deviceName: String? = nil) {
        self.link = link
        self.deviceSecret = deviceSecret
        self.deviceName = deviceName
    }

    public func check(_ check: inout Check) {
        check.text(link, "/link", length: 12...100)
        check.secret(deviceSecret, "/deviceSecret", length: 16...200)
        check.text(deviceName, "/deviceName", length: 0...100)
    }
}

/// A sign-in link for a guest without mail, to print or to show as a QR code.
public struct DeskSignInLink: Codable, Sendable {
    public var url: String
    /// The end of the link, an hour after it was made; the link works once.
    public var expiresAt: Date

    public init(url: String, expiresAt: Date) {
        self.url = url
        self.expiresAt = expiresAt
    }
}

public struct RefreshRequest: Codable, Sendable, Checked {
    public var refreshToken: String
    public var deviceSecret: String

    public init(refreshToken: String, deviceSecret: String) {
        self.refreshToken = refreshToken
        self.deviceSecret = deviceSecret
    }

    public func check(_ check: inout Check) {
        check.secret(refreshToken, "/refreshToken", length: 1...200)
        check.secret(deviceSecret, "/deviceSecret", length: 16...200)
    }
}

/// The tokens of a signed-in device.
public struct Tokens: Codable, Sendable {
    /// The token for `Authorization: Bearer`, valid for 15 minutes.
    public var accessToken: String
    public var accessExpiresAt: Date
    /// The token that can be exchanged once for new tokens.
    public var refreshToken: String

    public init(accessToken: String, accessExpiresAt: Date, refreshToken: String) {
        self.accessToken = accessToken
        self.accessExpiresAt = accessExpiresAt
        self.refreshToken = refreshToken
    }
}

/// Changes a profile; a field that is absent stays as it is.
public struct ProfileChange: Codable, Sendable, Checked {
    public var name: String?
    public var language: Language?
    public var birthday: LocalDate?
    public var interests: [String]?
    public var favouriteCottageIds: [Cottage.ID]?

    public init(
        name: String? = nil,
        language: Language? = nil,
        birthday: LocalDate? = nil,
        interests: [String]? = nil,
        favouriteCottageIds: [Cottage.ID]? = nil
    ) {
        self.name = name
        self.language = language
        self.birthday = birthday
        self.interests = interests
        self.favouriteCottageIds = favouriteCottageIds
    }

    public func check(_ check: inout Check) {
        check.text(name, "/name", length: 1...100)
        check.birth(birthday, "/birthday")
        check.require((interests?.count ?? 0) <= 30, "/interests", "must have at most 30 entries")
        for (index, interest) in (interests ?? []).enumerated() {
            check.text(interest, "/interests/\(index)", length: 1...40)
        }
        check.require((favouriteCottageIds?.count ?? 0) <= 50, "/favouriteCottageIds", "must have at most 50 entries")
    }
}

/// Gives or withdraws consent.
public struct ConsentRequest: Codable, Sendable, Checked {
    public var purpose: ConsentPurpose
    public var textVersion: String
    public var isGiven: Bool

    public init(purpose: ConsentPurpose, textVersion: String, isGiven: Bool) {
        self.purpose = purpose
        self.textVersion = textVersion
        self.isGiven = isGiven
    }

    public func check(_ check: inout Check) {
        check.text(textVersion, "/textVersion", length: 1...40)
    }
}

/// The person that a consent is about.
public enum ConsentSubject: Hashable, Sendable {
    case guest(Guest.ID)
    /// A child without an account; a guardian answers for the child.
    case child(Traveller.ID, by: Guest.ID)
}

public struct ConsentEntry: Codable, Sendable {
    public var purpose: ConsentPurpose
    public var textVersion: String
    public var isGiven: Bool
    public var at: Date
    /// The child that the consent is about, and the guardian who gave it; nil for the guest's own consent.
    public var travellerId: Traveller.ID?
    public var guardianId: Guest.ID?

    public init(
        purpose: ConsentPurpose,
        textVersion: String,
        isGiven: Bool,
        at: Date,
        travellerId: Traveller.ID? = nil,
        guardianId: Guest.ID? = nil
    ) {
        self.purpose = purpose
        self.textVersion = textVersion
        self.isGiven = isGiven
        self.at = at
        self.travellerId = travellerId
        self.guardianId = guardianId
    }
}

public struct Device: Codable, Sendable {
    public var id: Identifier<Device>
    public var name: String
    public var signedInAt: Date
    public var lastSeenAt: Date
    public var isThisOne: Bool

    public init(id: Identifier<Device>, name: String, signedInAt: Date, lastSeenAt: Date, isThisOne: Bool) {
        self.id = id
        self.name = name
        self.signedInAt = signedInAt
        self.lastSeenAt = lastSeenAt
        self.isThisOne = isThisOne
    }
}

extension Refusal {
    /// The link or its page's code is unknown or expired, or was used, perhaps on another device.
    public static let signInLinkOver = Refusal(
        .unauthenticated,
        "sign_in_link_over",
        en: "That link or code no longer works. Ask for a new one.",
        nl: "Die link of code werkt niet meer. Vraag een nieuwe.",
        de: "Dieser Link oder Code gilt nicht mehr. Fordere einen neuen an."
    )

    /// The desk asked for a sign-in link for a guest whose account has a mail address.
    public static let guestHasMail = Refusal(
        .conflict,
        "guest_has_mail",
        en: "This guest can ask for a code by mail.",
        nl: "Deze gast kan een code per mail vragen.",
        de: "Dieser Gast kann einen Code per Mail anfordern."
    )

    /// An unknown device tries from a network address whose 600 tries, refilled by two a second, are used up.
    public static let tooManySignIns = Refusal(
        .tooMany(after: 30),
        "too_many_sign_ins",
        en: "Many people sign in from where you are. Please try again in half a minute.",
        nl: "Veel mensen loggen in vanaf jouw plek. Probeer het over een halve minuut nog eens.",
        de: "Von dort, wo du bist, melden sich gerade viele an. Bitte versuche es in einer halben Minute noch einmal."
    )

    /// The device asked for ten sign-in codes for the same address within an hour.
    public static let tooManyCodes = Refusal(
        .tooMany(after: 600),
        "too_many_codes",
        en: "You have asked for many codes. Please wait a few minutes.",
        nl: "Je hebt veel codes aangevraagd. Wacht een paar minuten.",
        de: "Du hast viele Codes angefordert. Bitte warte ein paar Minuten."
    )
}
