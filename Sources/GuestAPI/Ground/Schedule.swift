import Foundation
import GuestModels

/// A schedule says when work is queued by the clock.
///
/// Every process looks; `job_run` lets one of them win each time.
enum Schedule: Sendable {
    /// At the beginning of every hour.
    case hourly(any Work, key: String? = nil)
    /// At the beginning of every day in UTC.
    case daily(any Work, key: String? = nil)
    /// Every five minutes, where the service is set up for it.
    case everyFiveMinutes(any Work, key: String? = nil, where: @Sendable (AppEnvironment) -> Bool)
    /// Once for each version of what the work makes.
    case once(any Work, key: String? = nil, version: String)
    /// Every day and park, from a time of the park's clock on.
    case dailyAtPark(LocalTime, @Sendable (Park.ID, _ today: LocalDate) -> any Work)
}
