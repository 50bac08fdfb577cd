public import Foundation

/// What a cottage is like for whoever comes next.
public enum Readiness: String, Codable, CaseIterable, Sendable {
    case occupied, toClean, ready, outOfOrder
}

public struct ReadinessRequest: Codable, Sendable, Checked {
    public var readiness: Readiness
    public var note: String?

    public init(readiness: Readiness, note: String? = nil) {
        self.readiness = readiness
        self.note = note
    }

    public func check(_ check: inout Check) {
        check.text(note, "/note", length: 1...500)
    }
}

/// When a household means to come, on the park's clock.
public struct ArrivalTimeRequest: Codable, Sendable, Checked {
    public var time: LocalTime
    /// The household that arrives; nil: the guest's own, and from staff the whole group.
    public var householdId: Household.ID?

    public init(time: LocalTime, householdId: Household.ID? = nil) {
        self.time = time
        self.householdId = householdId
    }

    public func check(_ check: inout Check) {}
}

/// Which households live in a cottage of a booking.
public struct HouseholdsRequest: Codable, Sendable, Checked {
    public var householdIds: [Household.ID]

    public init(householdIds: [Household.ID]) {
        self.householdIds = householdIds
    }

    public func check(_ check: inout Check) {
        check.require(
            householdIds.count <= 50 && Set(householdIds).count == householdIds.count,
            "/householdIds",
            "must be up to 50 different ones"
        )
    }
}

/// How one gets into a cottage.
///
/// Kept sealed; told to those who have checked in.
public struct CottageAccess: Codable, Hashable, Sendable, Checked {
    /// From the gate to the door.
    public var route: String?
    public var doorCode: String?
    public var wifiName: String?
    public var wifiPassword: String?

    public init(route: String? = nil, doorCode: String? = nil, wifiName: String? = nil, wifiPassword: String? = nil) {
        self.route = route
        self.doorCode = doorCode
        self.wifiName = wifiName
        self.wifiPassword = wifiPassword
    }

    public func check(_ check: inout Check) {
        check.text(route, "/route", length: 1...2000, hasLines: true)
        check.text(doorCode, "/doorCode", length: 1...40)
        check.text(wifiName, "/wifiName", length: 1...64)
        check.text(wifiPassword, "/wifiPassword", length: 1...128)
    }
}

/// One traveller in the guest register.
///
/// Kept sealed, and only as long as the law says.
public struct RegisterEntry: Codable, Hashable, Sendable, Checked {
    public var fullName: String
    public var birthDate: LocalDate
    /// ISO 3166-1, two letters.
    public var nationality: String
    public var documentType: String?
    public var documentNumber: String?

    public init(
        fullName: String,
        birthDate: LocalDate,
        nationality: String,
        documentType: String? = nil,
        documentNumber: String? = nil
    ) {
        self.fullName = fullName
        self.birthDate = birthDate
        self.nationality = nationality
        self.documentType = documentType
        self.documentNumber = documentNumber
    }

    public func check(_ check: inout Check) {
        check.text(fullName, "/fullName", length: 1...200)
        check.birth(birthDate, "/birthDate")
        let isCountry = nationality.utf8.count == 2 && nationality.utf8.allSatisfy { (65...90).contains($0) }
        check.require(isCountry, "/nationality", "must be two capital letters")
        check.text(documentType, "/documentType", length: 1...40)
        check.text(documentNumber, "/documentNumber", length: 1...40)
        check.require(
            (documentType == nil) == (documentNumber == nil),
            "/documentNumber",
            "must come with documentType"
        )
    }
}

extension Booking {
    /// The latest check-out of a household on the day of departure, park-local.
    ///
    /// A late check-out for the household or for the group moves it.
    public func checkOutBy(for household: Household.ID?, rules: HouseRules) -> LocalTime {
        extras.filter { !$0.isCancelled && ($0.householdId == nil || $0.householdId == household) }
            .compactMap(\.checkOutBy).reduce(rules.checkOutBy, max)
    }

    /// Begins the stay.
    ///
    /// - Parameters:
    ///   - today: the park-local day.
    ///   - opening: the instant from which the cottages are theirs on the day of arrival.
    ///   - isReady: every cottage is ready, so a guest need not wait for the hour.
    public mutating func checkIn(
        at now: Date,
        today: LocalDate,
        opening: Date,
        isReady: Bool,
        byStaff: Bool
    ) throws(Refusal) {
        switch state {
        case .checkedIn: return
        case .confirmed: break
        case .held: throw .notConfirmed
        case .checkedOut, .expired, .cancelled, .noShow: throw .stayOver
        }
        guard today >= stay.arrival else { throw .tooEarly }
        guard today < stay.departure else { throw .stayOver }
        guard byStaff || now >= opening || isReady else { throw .tooEarly }
        state = .checkedIn
        checkedInAt = now
    }

    /// Ends it; whatever opened doors does not any more.
    public mutating func checkOut(at now: Date) throws(Refusal) {
        switch state {
        case .checkedOut: return
        case .checkedIn: break
        case .held, .confirmed: throw .notCheckedIn
        case .expired, .cancelled, .noShow: throw .stayOver
        }
        state = .checkedOut
        checkedOutAt = now
    }

    /// Nobody came by the day after.
    ///
    /// The cottages are free; the price stands, but for what nobody owes who did not come.
    public mutating func noShow(today: LocalDate) throws(Refusal) {
        switch state {
        case .noShow: return
        case .confirmed: break
        case .held, .checkedIn, .checkedOut, .expired, .cancelled: throw .notChangeable
        }
        guard today > stay.arrival else { throw .tooEarly }
        state = .noShow
    }

    /// Undoes a no-show; the caller has found the cottages free.
    ///
    /// - Parameter isLate: whether the rule's hours have passed.
    /// - Throws: `tooLateToUndo`, `stayOver`.
    public mutating func undoNoShow(today: LocalDate, isLate: Bool) throws(Refusal) {
        guard state == .noShow, !isLate else { throw .tooLateToUndo }
        guard today < stay.departure else { throw .stayOver }
        state = .confirmed
    }

    /// Undoes a check-out; the caller has found that nobody else lives there.
    ///
    /// - Parameter isLate: whether the rule's hours have passed.
    /// - Throws: `tooLateToUndo`, `stayOver`.
    public mutating func undoCheckOut(today: LocalDate, isLate: Bool) throws(Refusal) {
        guard state == .checkedOut, !isLate else { throw .tooLateToUndo }
        guard today <= stay.departure else { throw .stayOver }
        state = .checkedIn
        checkedOutAt = nil
    }
}

extension Refusal {
    public static let tooEarly = Refusal(
        .conflict,
        "too_early",
        en: "It is too early for that.",
        nl: "Daar is het nog te vroeg voor.",
        de: "Dafür ist es noch zu früh."
    )
    public static let notConfirmed = Refusal(
        .conflict,
        "not_confirmed",
        en: "The booking has not been confirmed yet.",
        nl: "De boeking is nog niet bevestigd.",
        de: "Die Buchung ist noch nicht bestätigt."
    )
    public static let stayOver = Refusal(
        .conflict,
        "stay_over",
        en: "This stay is over.",
        nl: "Dit verblijf is voorbij.",
        de: "Dieser Aufenthalt ist vorbei."
    )
    public static let notCheckedIn = Refusal(
        .conflict,
        "not_checked_in",
        en: "You have not checked in yet.",
        nl: "Je bent nog niet ingecheckt.",
        de: "Ihr seid noch nicht eingecheckt."
    )
    public static let registerIncomplete = Refusal(
        .conflict,
        "register_incomplete",
        en: "The guest register still lacks somebody.",
        nl: "In het gastenregister ontbreekt nog iemand.",
        de: "Im Gästeverzeichnis fehlt noch jemand."
    )
    public static let outOfOrder = Refusal(
        .conflict,
        "out_of_order",
        en: "The cottage is out of order; please come to the desk.",
        nl: "Het huisje is buiten gebruik; kom even langs de receptie.",
        de: "Das Haus ist außer Betrieb; bitte komm zur Rezeption."
    )
}
