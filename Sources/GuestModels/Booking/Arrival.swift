public import Foundation

/// The readiness of a cottage for its next guests.
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

/// The time at which a household plans to arrive, on the park's clock.
public struct ArrivalTimeRequest: Codable, Sendable, Checked {
    public var time: LocalTime
    /// The household that arrives; nil means the guest's own household, or from staff the whole group.
    public var householdId: Household.ID?

    public init(time: LocalTime, householdId: Household.ID? = nil) {
        self.time = time
        self.householdId = householdId
    }

    public func check(_ check: inout Check) {}
}

/// The households that live in a cottage of a booking.
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

/// The data that guests need to reach and enter a cottage: the route, the door code and the Wi-Fi.
///
/// The service keeps the data sealed, and shows them to guests who have checked in.
public struct CottageAccess: Codable, Hashable, Sendable, Checked {
    /// The way from the gate to the door.
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
/// The entry is sealed and kept only as long as the law requires.
public struct RegisterEntry: Codable, Hashable, Sendable, Checked {
    public var fullName: String
    public var birthDate: LocalDate
    /// The traveller's nationality as an ISO 3166-1 code of two letters.
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
    /// The latest check-out time of a household on the day of departure, park-local.
    ///
    /// A late check-out for the household or for the group makes it later.
    public func checkOutBy(for household: Household.ID?, rules: HouseRules) -> LocalTime {
        extras.filter { !$0.isCancelled && ($0.householdId == nil || $0.householdId == household) }
            .compactMap(\.checkOutBy).reduce(rules.checkOutBy, max)
    }

    /// Begins the stay.
    ///
    /// - Parameters:
    ///   - today: the park-local day.
    ///   - opening: the instant on the day of arrival from which the guests may use the cottages.
    ///   - isReady: whether every cottage is ready; then a guest need not wait for `opening`.
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

    /// Ends the stay; the guests' access to the cottages ends with it.
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

    /// Marks the booking as a no-show, from the day after arrival on.
    ///
    /// The cottages become free. The price stays, except amounts that absent guests do not owe.
    public mutating func noShow(today: LocalDate) throws(Refusal) {
        switch state {
        case .noShow: return
        case .confirmed: break
        case .held, .checkedIn, .checkedOut, .expired, .cancelled: throw .notChangeable
        }
        guard today > stay.arrival else { throw .tooEarly }
        state = .noShow
    }

    /// Undoes a no-show; the caller has checked that the cottages are free.
    ///
    /// - Parameter isLate: whether more hours have passed than the house rules allow.
    /// - Throws: `tooLateToUndo`, `stayOver`.
    public mutating func undoNoShow(today: LocalDate, isLate: Bool) throws(Refusal) {
        guard state == .noShow, !isLate else { throw .tooLateToUndo }
        guard today < stay.departure else { throw .stayOver }
        state = .confirmed
    }

    /// Undoes a check-out; the caller has checked that nobody else lives in the cottages.
    ///
    /// - Parameter isLate: whether more hours have passed than the house rules allow.
    /// - Throws: `tooLateToUndo`, `stayOver`.
    public mutating func undoCheckOut(today: LocalDate, isLate: Bool) throws(Refusal) {
        guard state == .checkedOut, !isLate else { throw .tooLateToUndo }
        guard today <= stay.departure else { throw .stayOver }
        state = .checkedIn
        checkedOutAt = nil
    }
}

extension Refusal {
    /// Check-in came before the day or hour while the cottages are not ready, or no-show before the next day.
    public static let tooEarly = Refusal(
        .conflict,
        "too_early",
        en: "It is too early for that.",
        nl: "Daar is het nog te vroeg voor.",
        de: "Dafür ist es noch zu früh."
    )

    /// The booking is still a hold; check-in and guest books need a firm booking, so cover the deposit first.
    public static let notConfirmed = Refusal(
        .conflict,
        "not_confirmed",
        en: "The booking has not been confirmed yet.",
        nl: "De boeking is nog niet bevestigd.",
        de: "Die Buchung ist noch nicht bestätigt."
    )

    /// The booking or household has ended or was a no-show, or the day or time of departure has passed.
    ///
    /// Guest books stay open for seven days more.
    public static let stayOver = Refusal(
        .conflict,
        "stay_over",
        en: "This stay is over.",
        nl: "Dit verblijf is voorbij.",
        de: "Dieser Aufenthalt ist vorbei."
    )

    /// The booking or the guest's household has not checked in; check-out, door codes and guest books come after it.
    public static let notCheckedIn = Refusal(
        .conflict,
        "not_checked_in",
        en: "You have not checked in yet.",
        nl: "Je bent nog niet ingecheckt.",
        de: "Ihr seid noch nicht eingecheckt."
    )

    /// An adult traveller is not in the register, or lacks the document number that the house rules want.
    public static let registerIncomplete = Refusal(
        .conflict,
        "register_incomplete",
        en: "The guest register still lacks somebody.",
        nl: "In het gastenregister ontbreekt nog iemand.",
        de: "Im Gästeverzeichnis fehlt noch jemand."
    )

    /// A cottage of a check-in, or of a booking that begins today, is marked as out of order.
    public static let outOfOrder = Refusal(
        .conflict,
        "out_of_order",
        en: "The cottage is out of order; please come to the desk.",
        nl: "Het huisje is buiten gebruik; kom even langs de receptie.",
        de: "Das Haus ist außer Betrieb; bitte komm zur Rezeption."
    )
}
