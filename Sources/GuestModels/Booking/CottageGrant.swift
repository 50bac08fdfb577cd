public import Foundation

/// The period in which phones of a stay's guests may read data of their cottages, such as the guest books.
public enum CottageGrant {
    /// The days before the arrival at which the grant begins, at midnight in UTC.
    public static let daysBefore = 2
    /// The last day of the grant, in days after the departure, in UTC.
    public static let daysAfter = 1

    /// The instant at which the grant of a stay that arrives on `arrival` begins.
    public static func begin(arrival: LocalDate) -> Date {
        Date(timeIntervalSince1970: Double(arrival.adding(days: -daysBefore).daysSince1970) * 86_400)
    }
}
