/// A person with an account.
public struct Guest: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Guest>

    public var id: ID
    public var email: String?
    public var name: String
    public var language: Language
    public var birthday: LocalDate?
    public var interests: [String]
    public var favouriteCottageIds: [Cottage.ID]
    public var version: Int

    public init(
        id: ID,
        email: String?,
        name: String,
        language: Language,
        birthday: LocalDate?,
        interests: [String],
        favouriteCottageIds: [Cottage.ID],
        version: Int
    ) {
        self.id = id
        self.email = email
        self.name = name
        self.language = language
        self.birthday = birthday
        self.interests = interests
        self.favouriteCottageIds = favouriteCottageIds
        self.version = version
    }
}

/// The purposes that a guest may consent to, each separately.
public enum ConsentPurpose: String, Codable, CaseIterable, Sendable {
    case interests, birthday, news, photos, location, matching
}

/// A colleague who works for one park or for all parks.
public struct StaffMember: Codable, Hashable, Sendable {
    public typealias ID = Identifier<StaffMember>

    public enum Function: String, Codable, CaseIterable, Sendable {
        case reception, host, housekeeping, maintenance, moderator, huntEditor, finance
    }

    public struct Post: Codable, Hashable, Sendable {
        public var parkId: Park.ID
        public var function: Function

        public init(parkId: Park.ID, function: Function) {
            self.parkId = parkId
            self.function = function
        }
    }

    public var id: ID
    public var email: String
    public var name: String
    public var isHeadOffice: Bool
    public var posts: [Post]
    /// The version for `If-Match`; starts at 1 and rises with each change of name, posts or head office.
    public var version: Int

    public init(id: ID, email: String, name: String, isHeadOffice: Bool, posts: [Post], version: Int) {
        self.id = id
        self.email = email
        self.name = name
        self.isHeadOffice = isHeadOffice
        self.posts = posts
        self.version = version
    }
}

extension Refusal {
    /// A sign-in code was refused.
    ///
    /// The refusal is the same for a wrong, an old and a used code, an unknown attempt and another device.
    public static let codeWrong = Refusal(
        .unauthenticated,
        "code_wrong",
        en: "That code is not right, or no longer valid. Ask for a new one.",
        nl: "Die code klopt niet of is niet meer geldig. Vraag een nieuwe aan.",
        de: "Der Code stimmt nicht oder gilt nicht mehr. Fordere einen neuen an."
    )

    /// A colleague who still works here has this `email`; change that colleague instead.
    public static let emailTaken = Refusal(
        .conflict,
        "email_taken",
        en: "There is an account with that mail address already.",
        nl: "Er is al een account met dat e-mailadres.",
        de: "Es gibt schon ein Konto mit dieser E-Mail-Adresse."
    )

    /// The account to erase organises a group with a stay ahead and no other member to succeed.
    public static let organisesBooking = Refusal(
        .conflict,
        "organises_booking",
        en: "You organise a stay that is still to come. Hand over the organiser's role or cancel it first.",
        nl: "Je organiseert een verblijf dat nog moet komen. Draag je rol over of annuleer het eerst.",
        de: "Du organisierst einen Aufenthalt, der noch kommt. Gib die Rolle ab oder storniere ihn zuerst."
    )

    /// The guest has not given consent for `birthday` or `interests`; record the consent, then send the profile
    /// again.
    public static let consentMissing = Refusal(
        .conflict,
        "consent_missing",
        en: "We may keep this only once you have agreed to it.",
        nl: "We mogen dit pas bewaren als je daarmee hebt ingestemd.",
        de: "Das dürfen wir erst speichern, wenn du zugestimmt hast."
    )
}
