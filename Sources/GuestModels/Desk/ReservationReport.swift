public import Foundation

/// A property system's complete report of one reservation; a later report replaces an earlier one.
public struct ReservationReport: Codable, Sendable, Checked {
    public enum State: String, Codable, CaseIterable, Sendable {
        case confirmed, cancelled
    }

    public var stay: Stay
    public var state: State
    /// The code of the cottage type.
    public var type: String
    /// The number of the cottage when it is decided; otherwise any free cottage of the type.
    public var cottage: String?
    public var adults: Int
    public var children: Int
    public var babies: Int
    /// The price per night in minor units.
    public var nightlyRate: Int64
    /// When the other system wrote the report; a report older than the last one changes nothing.
    public var reportedAt: Date?

    public init(
        stay: Stay,
        state: State = .confirmed,
        type: String,
        cottage: String? = nil,
        adults: Int,
        children: Int = 0,
        babies: Int = 0,
        nightlyRate: Int64,
        reportedAt: Date? = nil
    ) {
        self.stay = stay
        self.state = state
        self.type = type
        self.cottage = cottage
        self.adults = adults
        self.children = children
        self.babies = babies
        self.nightlyRate = nightlyRate
        self.reportedAt = reportedAt
    }

    public func check(_ check: inout Check) {
        check.code(type, "/type")
        check.text(cottage, "/cottage", length: 1...20)
        check.range(adults, "/adults", 0...500)
        check.range(children, "/children", 0...500)
        check.range(babies, "/babies", 0...500)
        check.require(adults > 0 || children > 0 || babies > 0, "/adults", "must be somebody who stays")
        check.range(nightlyRate, "/nightlyRate", 0...1_000_000_000)
        check.require(stay.nightCount <= 366, "/stay/departure", "must be within 366 nights of arrival")
        check.require(stay.isOnCalendar, "/stay", "must lie in the years 2000 to 2099")
    }
}
