/// The arrival and departure of one household that does not come and go with the whole group.
public struct HouseholdStay: Codable, Hashable, Sendable {
    public enum State: String, Codable, CaseIterable, Sendable {
        case expected, checkedIn, checkedOut, noShow
    }

    public var householdId: Household.ID
    public var state: State
    /// The hour of arrival that the household has announced, on the park's clock.
    public var arrivalTime: LocalTime?

    public init(householdId: Household.ID, state: State = .expected, arrivalTime: LocalTime? = nil) {
        self.householdId = householdId
        self.state = state
        self.arrivalTime = arrivalTime
    }

    /// Checks the household in; repeating is harmless.
    ///
    /// - Parameter isOpen: whether the hour of check-in has come or the cottages are ready.
    /// - Throws: `notConfirmed`, `tooEarly`, `stayOver`.
    public mutating func checkIn(_ booking: Booking, today: LocalDate, isOpen: Bool) throws(Refusal) {
        switch booking.state {
        case .confirmed, .checkedIn: break
        case .held: throw .notConfirmed
        case .checkedOut, .expired, .cancelled, .noShow: throw .stayOver
        }
        guard today >= booking.stay.arrival else { throw .tooEarly }
        guard today < booking.stay.departure else { throw .stayOver }
        switch state {
        case .checkedIn: return
        case .checkedOut, .noShow: throw .stayOver
        case .expected:
            guard isOpen else { throw .tooEarly }
            state = .checkedIn
        }
    }

    /// Checks the household out; repeating is harmless.
    ///
    /// - Throws: `notCheckedIn`, `stayOver`.
    public mutating func checkOut() throws(Refusal) {
        switch state {
        case .checkedOut: return
        case .checkedIn: state = .checkedOut
        case .expected: throw .notCheckedIn
        case .noShow: throw .stayOver
        }
    }

    /// Marks the household as a no-show, from the day after arrival on; repeating is harmless.
    ///
    /// - Throws: `tooEarly`, `notChangeable`.
    public mutating func noShow(_ booking: Booking, today: LocalDate) throws(Refusal) {
        guard booking.state == .confirmed || booking.state == .checkedIn else { throw .notChangeable }
        guard today > booking.stay.arrival else { throw .tooEarly }
        switch state {
        case .noShow: return
        case .expected: state = .noShow
        case .checkedIn, .checkedOut: throw .notChangeable
        }
    }
}

extension [HouseholdStay] {
    /// The earliest arrival hour of the households that are expected or have come, park-local.
    public var firstArrival: LocalTime? {
        filter { $0.state == .expected || $0.state == .checkedIn }.compactMap(\.arrivalTime).min()
    }

    /// Whether no household has come, left or stayed away by itself.
    ///
    /// If so, the state of the booking holds for all its households. Otherwise a household without a state of its own
    /// is expected.
    public var isTogether: Bool { allSatisfy { $0.state == .expected } }

    /// Whether every household has left or did not come.
    public var isOver: Bool { !isEmpty && allSatisfy { $0.state == .checkedOut || $0.state == .noShow } }
}

/// Names the household that an act is about; nil means the whole booking.
public struct StayRequest: Codable, Sendable, Checked {
    public var householdId: Household.ID?

    public init(householdId: Household.ID? = nil) {
        self.householdId = householdId
    }

    public func check(_ check: inout Check) {}
}
