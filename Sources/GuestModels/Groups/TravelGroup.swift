public import Foundation

/// People who travel together. (`Group` alone would collide with too many libraries.)
public struct TravelGroup: Codable, Hashable, Sendable {
    public typealias ID = Identifier<TravelGroup>

    public var id: ID
    public var name: String
    public var version: Int
    public var households: [Household]
    public var travellers: [Traveller]
    public var bookings: [Booking]
    /// The shares of all bookings of the group.
    public var shares: [ShareView]

    public init(
        id: ID,
        name: String,
        version: Int,
        households: [Household],
        travellers: [Traveller],
        bookings: [Booking],
        shares: [ShareView]
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.households = households
        self.travellers = travellers
        self.bookings = bookings
        self.shares = shares
    }
}

/// Travellers who live, travel and pay together.
public struct Household: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Household>

    public var id: ID
    public var name: String

    public init(id: ID, name: String) {
        self.id = id
        self.name = name
    }
}

/// Anybody in the party, with or without an account.
public struct Traveller: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Traveller>

    public enum Role: String, Codable, Sendable {
        case organiser, member
    }

    public var id: ID
    public var householdId: Household.ID
    public var name: String
    /// The traveller's role; nil for a traveller without account.
    public var role: Role?
    public var birthDate: LocalDate?
    public var guardianId: Traveller.ID?
    public var version: Int

    public init(
        id: ID,
        householdId: Household.ID,
        name: String,
        role: Role?,
        birthDate: LocalDate?,
        guardianId: Traveller.ID?,
        version: Int
    ) {
        self.id = id
        self.householdId = householdId
        self.name = name
        self.role = role
        self.birthDate = birthDate
        self.guardianId = guardianId
        self.version = version
    }
}

/// An invitation to a group: a short code, and a longer code for a link.
public struct Invitation: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Invitation>

    public var id: ID
    /// The code to read out: eight letters and digits.
    public var code: String
    /// The last part of the address `/join/…`: 26 letters and digits, too many to guess.
    ///
    /// Old invitations, made before links had their own codes, have none.
    public var linkCode: String?
    /// The traveller that the accepting guest becomes.
    public var travellerId: Traveller.ID?
    public var uses: Int
    public var maxUses: Int
    public var expiresAt: Date
    public var isRevoked: Bool

    public init(
        id: ID,
        code: String,
        linkCode: String?,
        travellerId: Traveller.ID?,
        uses: Int,
        maxUses: Int,
        expiresAt: Date,
        isRevoked: Bool
    ) {
        self.id = id
        self.code = code
        self.linkCode = linkCode
        self.travellerId = travellerId
        self.uses = uses
        self.maxUses = maxUses
        self.expiresAt = expiresAt
        self.isRevoked = isRevoked
    }

    /// Throws when the invitation cannot be accepted at `now`.
    ///
    /// All reasons look alike, so that a person who guesses codes learns nothing.
    public func accept(at now: Date) throws(Refusal) {
        guard !isRevoked, now < expiresAt, uses < maxUses else { throw .invitationOver }
    }
}

extension Refusal {
    /// The guest tried 20 wrong short codes today (UTC); codes from links are not counted.
    public static let tooManyGuesses = Refusal(
        .tooMany(after: 3600),
        "too_many_guesses",
        en: "Many of the codes you tried are none. Please wait, or ask for the link.",
        nl: "Veel codes die je probeerde bestaan niet. Wacht even, of vraag de link.",
        de: "Viele Codes, die du versucht hast, gibt es nicht. Bitte warte, oder lass dir den Link geben."
    )

    /// The code is unknown, or the invitation is revoked, expired or used up, or its traveller has joined.
    public static let invitationOver = Refusal(
        .notFound,
        "invitation_over",
        en: "This invitation does not exist, or is no longer valid.",
        nl: "Deze uitnodiging bestaat niet of is niet meer geldig.",
        de: "Diese Einladung gibt es nicht, oder sie gilt nicht mehr."
    )

    /// The guest is in the group already, or the invitation names a traveller who has an account.
    public static let alreadyMember = Refusal(
        .conflict,
        "already_member",
        en: "You are in this group already.",
        nl: "Je zit al in deze groep.",
        de: "Du bist schon in dieser Gruppe."
    )

    /// The organiser wanted to leave a group with other members, or to remove themselves from it.
    public static let organiserStays = Refusal(
        .conflict,
        "organiser_stays",
        en: "Hand over the organiser's role before you leave.",
        nl: "Draag eerst de rol van organisator over voordat je weggaat.",
        de: "Gib erst die Rolle der Organisation weiter, bevor du gehst."
    )

    /// `travellerId` is a traveller without account, so they cannot become organiser.
    public static let notAMember = Refusal(
        .conflict,
        "not_a_member",
        en: "Only somebody with an account in this group can do that.",
        nl: "Alleen iemand met een account in deze groep kan dat doen.",
        de: "Das kann nur jemand mit einem Konto in dieser Gruppe."
    )

    /// The traveller who leaves or is removed is in a hold or booking that is not over.
    public static let travelsWithBooking = Refusal(
        .conflict,
        "travels_with_booking",
        en: "They are part of a booking; change the booking first.",
        nl: "Zij horen bij een boeking; wijzig eerst de boeking.",
        de: "Sie gehören zu einer Buchung; ändere zuerst die Buchung."
    )

    /// `guardianId` names the traveller themselves, or somebody who is no member or is under 18.
    public static let guardianNeeded = Refusal(
        .conflict,
        "guardian_needed",
        en: "The guardian must be an adult member of this group.",
        nl: "De voogd moet een volwassen lid van deze groep zijn.",
        de: "Die Begleitperson muss ein erwachsenes Mitglied dieser Gruppe sein."
    )

    /// The guest organises 200 groups and wanted to create another one.
    public static let tooManyGroups = Refusal(
        .conflict,
        "too_many_groups",
        en: "You organise 200 groups. Hand one over, or leave it, first.",
        nl: "Je organiseert 200 groepen. Draag er eerst een over, of verlaat er een.",
        de: "Du organisierst 200 Gruppen. Gib zuerst eine ab, oder verlasse eine."
    )

    /// The group has 100 invitations that are neither revoked, expired nor used up.
    public static let tooManyInvitations = Refusal(
        .conflict,
        "too_many_invitations",
        en: "This group has 100 invitations that work. Revoke one first.",
        nl: "Deze groep heeft 100 geldige uitnodigingen. Trek er eerst een in.",
        de: "Diese Gruppe hat 100 gültige Einladungen. Zieh zuerst eine zurück."
    )

    /// Another traveller was to be added to a group that has 200, or an invitation to it accepted.
    public static let groupFull = Refusal(
        .conflict,
        "group_full",
        en: "A group has room for 200 travellers.",
        nl: "Een groep heeft plaats voor 200 reizigers.",
        de: "Eine Gruppe hat Platz für 200 Reisende."
    )
}
