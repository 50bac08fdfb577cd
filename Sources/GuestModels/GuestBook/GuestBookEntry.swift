/// A text that a household left in its cottage's guest book, for those who live there next.
public struct GuestBookEntry: Codable, Hashable, Sendable {
    public typealias ID = Identifier<GuestBookEntry>

    /// The number of texts that a cottage's guest book keeps; a newer text replaces the oldest.
    public static let maximumCount = 30
    /// The days after the departure in which a household may still write, and its members may still read.
    public static let daysToWrite = 7

    public var id: ID
    public var cottageId: Cottage.ID
    public var text: String
    /// The park-local day of departure that was booked when the text was written.
    public var departure: LocalDate

    public init(id: ID, cottageId: Cottage.ID, text: String, departure: LocalDate) {
        self.id = id
        self.cottageId = cottageId
        self.text = text
        self.departure = departure
    }
}

/// A household's text for the guest book, or the wish to take a text back.
public struct GuestBookRequest: Codable, Hashable, Sendable, Checked {
    /// The id of a new text, chosen by the phone; a household that has written keeps the id of its text.
    ///
    /// Staff name the text that they take back.
    public var id: GuestBookEntry.ID?
    /// The household's text, 1 to 1,000 characters; nil takes the text back.
    public var text: String?

    public init(id: GuestBookEntry.ID? = nil, text: String?) {
        self.id = id
        self.text = text
    }

    public func check(_ check: inout Check) {
        check.text(text, "/text", length: 1...1000, hasLines: true)
    }
}

extension Booking {
    /// Throws unless guests of the booking may read the guest books of its cottages on the park-local day `today`.
    ///
    /// Guests may read from the confirmation until seven days after the departure.
    ///
    /// - Throws: `notConfirmed`, `stayOver`.
    public func allowReadingGuestBook(today: LocalDate) throws(Refusal) {
        switch state {
        case .held: throw .notConfirmed
        case .confirmed, .checkedIn, .checkedOut: try requireDaysToWrite(today)
        case .expired, .cancelled, .noShow: throw .stayOver
        }
    }

    /// Throws unless a household may write in the guest book of a cottage on the park-local day `today`.
    ///
    /// A household writes from its check-in until seven days after the departure. Its cottages are those that the group
    /// has assigned to it, or those that are assigned to nobody when it has none.
    ///
    /// - Parameter staying: the households that stay.
    /// - Throws: `notFound` when the household does not live there, `notCheckedIn`, `stayOver`.
    public func allowWriting(
        inGuestBookOf cottage: Cottage.ID,
        by household: Household.ID,
        of staying: some Sequence<Household.ID>,
        today: LocalDate
    ) throws(Refusal) {
        let own = cottages.filter { $0.householdIds?.contains(household) ?? false }
        let homes = own.isEmpty ? cottages.filter { $0.householdIds?.isEmpty ?? true } : own
        guard staying.contains(household), homes.contains(where: { $0.id == cottage }) else { throw .notFound }
        switch state {
        case .held, .confirmed: throw .notCheckedIn
        case .checkedIn, .checkedOut: break
        case .expired, .cancelled, .noShow: throw .stayOver
        }
        let rows = households ?? []
        switch rows.first(where: { $0.householdId == household })?.state ?? .expected {
        case .checkedIn, .checkedOut: break
        case .noShow: throw .stayOver
        case .expected: guard rows.isTogether else { throw .notCheckedIn }
        }
        try requireDaysToWrite(today)
    }

    private func requireDaysToWrite(_ today: LocalDate) throws(Refusal) {
        guard today <= stay.departure.adding(days: GuestBookEntry.daysToWrite) else { throw .stayOver }
    }
}
