import Foundation
import GuestModels

/// A schedule says when work is queued by the clock.
///
/// Every process checks the schedules. A row in `job_run` lets only one process queue the work each time.
enum Schedule: Sendable {
    /// At the beginning of every hour.
    case hourly(any Work, key: String? = nil)
    /// At the beginning of every day in UTC.
    case daily(any Work, key: String? = nil)
    /// Every five minutes, if the settings of the service need the work.
    case everyFiveMinutes(any Work, key: String? = nil, where: @Sendable (AppEnvironment) -> Bool)
    /// Once for each version of the work's result.
    case once(any Work, key: String? = nil, version: String)
    /// Once a day for each park, from a time on the park's clock on.
    case dailyAtPark(LocalTime, @Sendable (Park.ID, _ today: LocalDate) -> any Work)
}
