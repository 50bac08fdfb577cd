public import Foundation

/// A park, dates and cottages put to the group's vote. (`Option` alone would collide with too much.)
///
/// An option is never edited, because people have voted on it. A person who wants something else proposes a new option.
public struct StayOption: Codable, Hashable, Sendable {
    public typealias ID = Identifier<StayOption>

    public enum State: String, Codable, CaseIterable, Sendable {
        case open
        /// The option became a booking.
        case promoted
        case withdrawn
    }

    public var id: ID
    public var groupId: TravelGroup.ID
    public var parkId: Park.ID
    public var stay: Stay
    public var cottages: [BookingRequest.Choice]
    public var note: String?
    public var state: State
    /// The booking that the option became.
    public var bookingId: Booking.ID?
    public var proposedBy: Traveller.ID
    public var proposedAt: Date
    /// The members' votes, in the order of their ids.
    public var votes: [TravellerReply]
    /// The travellers' replies on whether they would come along.
    public var attendance: [TravellerReply]
    public var version: Int

    public init(
        id: ID,
        groupId: TravelGroup.ID,
        parkId: Park.ID,
        stay: Stay,
        cottages: [BookingRequest.Choice],
        note: String?,
        state: State,
        bookingId: Booking.ID?,
        proposedBy: Traveller.ID,
        proposedAt: Date,
        votes: [TravellerReply],
        attendance: [TravellerReply],
        version: Int
    ) {
        self.id = id
        self.groupId = groupId
        self.parkId = parkId
        self.stay = stay
        self.cottages = cottages
        self.note = note
        self.state = state
        self.bookingId = bookingId
        self.proposedBy = proposedBy
        self.proposedAt = proposedAt
        self.votes = votes
        self.attendance = attendance
        self.version = version
    }
}

public struct StayOptionRequest: Codable, Hashable, Sendable, Checked {
    public var id: StayOption.ID?
    public var parkId: Park.ID
    public var stay: Stay
    public var cottages: [BookingRequest.Choice]
    public var note: String?

    public init(
        id: StayOption.ID? = nil,
        parkId: Park.ID,
        stay: Stay,
        cottages: [BookingRequest.Choice],
        note: String? = nil
    ) {
        self.id = id
        self.parkId = parkId
        self.stay = stay
        self.cottages = cottages
        self.note = note
    }

    public func check(_ check: inout Check) {
        BookingRequest.check(cottages, &check)
        check.text(note, "/note", length: 1...2000, hasLines: true)
        check.require(stay.nightCount <= 365, "/stay/departure", "must be within 365 nights of arrival")
        check.require(stay.isOnCalendar, "/stay/arrival", "must be in the years 2000 to 2099")
    }
}

/// Makes a held booking from an option.
public struct PromotionRequest: Codable, Hashable, Sendable, Checked {
    public var id: Booking.ID?
    /// The travellers; when nil, those who replied that they come.
    public var travellerIds: [Traveller.ID]?
    public var pets: Int?

    public init(id: Booking.ID? = nil, travellerIds: [Traveller.ID]? = nil, pets: Int? = nil) {
        self.id = id
        self.travellerIds = travellerIds
        self.pets = pets
    }

    public func check(_ check: inout Check) {
        if let travellerIds { BookingRequest.check(travellerIds, &check) }
        check.range(pets, "/pets", 0...50)
    }
}

extension Refusal {
    /// A vote, reply, withdrawal or booking came for an option that is booked or withdrawn.
    public static let optionClosed = Refusal(
        .conflict,
        "option_closed",
        en: "This option has become a booking or was withdrawn.",
        nl: "Deze optie is een boeking geworden of ingetrokken.",
        de: "Diese Option ist eine Buchung geworden oder wurde zurückgezogen."
    )

    /// The booking of the option names no `travellerIds`, and no traveller has said that they come.
    public static let nobodyComes = Refusal(
        .conflict,
        "nobody_comes",
        en: "Nobody has said yet that they come.",
        nl: "Niemand heeft nog gezegd mee te gaan.",
        de: "Noch hat niemand gesagt, dass er mitkommt."
    )

    /// The group has 50 open options; withdrawn and booked ones do not count.
    public static let tooManyOptions = Refusal(
        .conflict,
        "too_many_options",
        en: "A group votes on 50 options at most; withdraw some first.",
        nl: "Een groep stemt over hoogstens 50 opties; trek er eerst een paar in.",
        de: "Eine Gruppe stimmt über höchstens 50 Optionen ab; zieh erst einige zurück."
    )
}
