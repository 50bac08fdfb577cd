/// Places a booking: holds all the cottages, or none.
public struct BookingRequest: Codable, Sendable, Checked {
    /// A cottage that was chosen on the map, or any free one of a type.
    public struct Choice: Codable, Sendable, Hashable {
        public var cottageId: Cottage.ID?
        public var typeId: CottageType.ID?

        public init(cottage: Cottage.ID) {
            cottageId = cottage
        }

        public init(anyOf type: CottageType.ID) {
            typeId = type
        }
    }

    public var id: Booking.ID?
    public var parkId: Park.ID
    public var groupId: TravelGroup.ID
    public var stay: Stay
    public var cottages: [Choice]
    public var travellerIds: [Traveller.ID]
    public var pets: Int?
    /// The reason why the desk ignores the house rules for arrival days, length of stay and days ahead.
    ///
    /// Only reception gives it, when it books in a guest's name.
    public var reason: String?

    public init(
        id: Booking.ID? = nil,
        parkId: Park.ID,
        groupId: TravelGroup.ID,
        stay: Stay,
        cottages: [Choice],
        travellerIds: [Traveller.ID],
        pets: Int? = nil,
        reason: String? = nil
    ) {
        self.id = id
        self.parkId = parkId
        self.groupId = groupId
        self.stay = stay
        self.cottages = cottages
        self.travellerIds = travellerIds
        self.pets = pets
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
        Self.check(cottages, &check)
        Self.check(travellerIds, &check)
        check.range(pets, "/pets", 0...50)
        check.require(stay.nightCount <= 365, "/stay/departure", "must be within 365 nights of arrival")
    }

    static func check(_ cottages: [Choice], _ check: inout Check) {
        check.require((1...20).contains(cottages.count), "/cottages", "must have 1 to 20 entries")
        for (index, choice) in cottages.enumerated() {
            check.require(
                (choice.cottageId == nil) != (choice.typeId == nil),
                "/cottages/\(index)",
                "must have either cottageId or typeId"
            )
        }
        let chosen = cottages.compactMap(\.cottageId)
        check.require(Set(chosen).count == chosen.count, "/cottages", "must not name a cottage twice")
    }

    static func check(_ travellerIds: [Traveller.ID], _ check: inout Check) {
        check.require((1...200).contains(travellerIds.count), "/travellerIds", "must have 1 to 200 entries")
        check.require(Set(travellerIds).count == travellerIds.count, "/travellerIds", "must not name anybody twice")
    }
}

/// Records that a booking's guests, or one household, did not come.
public struct NoShowRequest: Codable, Sendable, Checked {
    public var reason: String?
    /// The household that did not come; nil means the whole booking.
    public var householdId: Household.ID?

    public init(reason: String? = nil, householdId: Household.ID? = nil) {
        self.reason = reason
        self.householdId = householdId
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
    }
}

/// The reason for an act; required from staff, optional from guests.
public struct ReasonRequest: Codable, Sendable, Checked {
    public var reason: String?

    public init(reason: String? = nil) {
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
    }
}

/// Extends a hold.
///
/// Guests extend it once, by the park's minutes, without a reason. Staff give a reason, and may give the minutes.
public struct ExtensionRequest: Codable, Sendable, Checked {
    public var reason: String?
    /// The minutes; nil means the park's usual minutes.
    public var minutes: Int?

    public init(reason: String? = nil, minutes: Int? = nil) {
        self.reason = reason
        self.minutes = minutes
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
        check.range(minutes, "/minutes", 1...10_080)
    }
}

/// Undoes a no-show, a check-out or the last change.
public struct MistakeRequest: Codable, Sendable, Checked {
    public enum What: String, Codable, CaseIterable, Sendable {
        case noShow, checkOut, change
    }

    public var what: What
    /// The reason; required from staff.
    public var reason: String?
    /// The household whose no-show or check-out is undone; ignored for a change.
    public var householdId: Household.ID?

    public init(_ what: What, of household: Household.ID? = nil, reason: String? = nil) {
        self.what = what
        householdId = household
        self.reason = reason
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
    }
}

/// Cancels a booking; guests need not give a reason.
public struct CancellationRequest: Codable, Sendable, Checked {
    public var reason: String?
    /// Whether the park cancels because it cannot provide what was booked; then nothing is owed.
    ///
    /// Only staff may set this flag.
    public var isByPark: Bool?

    public init(reason: String? = nil, isByPark: Bool? = nil) {
        self.reason = reason
        self.isByPark = isByPark
    }

    public func check(_ check: inout Check) {
        check.text(reason, "/reason", length: 1...500)
    }
}

extension Refusal {
    /// The last act was another, or time is up: for staff the house rules' hours, for guests a hold's minutes.
    public static let tooLateToUndo = Refusal(
        .conflict,
        "too_late_to_undo",
        en: "There is nothing to undo, or it is too long ago.",
        nl: "Er is niets ongedaan te maken, of het is te lang geleden.",
        de: "Es gibt nichts rückgängig zu machen, oder es ist zu lange her."
    )

    /// Staff left out `reason` where the audit needs one; send the request again with it.
    public static let reasonNeeded = Refusal(
        .conflict,
        "reason_needed",
        en: "Say why.",
        nl: "Geef een reden.",
        de: "Gib einen Grund an."
    )

    /// A traveller's `birthDate` gives an age below 0 or above 130 on the day of arrival; correct it.
    public static let ageImpossible = Refusal(
        .conflict,
        "age_impossible",
        en: "Somebody of these has a date of birth that cannot be right.",
        nl: "Iemand van hen heeft een geboortedatum die niet kan kloppen.",
        de: "Jemand von ihnen hat ein Geburtsdatum, das nicht stimmen kann."
    )

    /// `travellerIds` or `bringerId` names somebody who is not, or no longer, in the group.
    public static let unknownTraveller = Refusal(
        .conflict,
        "unknown_traveller",
        en: "Somebody of these does not travel with this group.",
        nl: "Iemand van hen reist niet met deze groep mee.",
        de: "Jemand von ihnen reist nicht mit dieser Gruppe."
    )

    /// A park, cottage or type of the request is unknown, closed, of another park or not in the booking.
    public static let unknownCottage = Refusal(
        .conflict,
        "unknown_cottage",
        en: "The park has no such cottage or type, or does not let it.",
        nl: "Het park heeft dat huisje of type niet, of verhuurt het niet.",
        de: "Der Park hat dieses Haus oder diesen Typ nicht oder vermietet es nicht."
    )

    /// The guest has 20 bookings that are running holds, or confirmed and unpaid with a stay ahead.
    public static let tooManyHolds = Refusal(
        .tooMany(after: 60),
        "too_many_holds",
        en: "You hold many stays already. Confirm or cancel some first.",
        nl: "Je houdt al veel verblijven vast. Bevestig of annuleer er eerst een paar.",
        de: "Du hast schon viele Aufenthalte vorgemerkt. Bestätige oder storniere erst einige."
    )

    /// Something was made with this `id` before, perhaps by an earlier try; read it, or choose a new id.
    public static let idTaken = Refusal(
        .conflict,
        "id_taken",
        en: "That id is in use already.",
        nl: "Die id is al in gebruik.",
        de: "Diese ID wird schon verwendet."
    )
}
