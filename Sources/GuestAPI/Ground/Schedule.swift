import Foundation
import GuestModels

/// A schedule says when work is queued by the clock.
///
/// Every process checks the schedules. A row in `job_run` lets only one process queue the work each time.
enum Schedule: Sendable {
    /// Work that becomes due once an hour, at minute 0.
    case hourly(any Work, key: String? = nil)
    /// Work that becomes due once a day, at midnight UTC.
    case daily(any Work, key: String? = nil)
    /// Work that becomes due every five minutes, if the settings of the service need it.
    case everyFiveMinutes(any Work, key: String? = nil, where: @Sendable (AppEnvironment) -> Bool)
    /// Work that becomes due once for each version of the work's result.
    case once(any Work, key: String? = nil, version: String)
    /// Work that becomes due once a day for each park, at a given time on the park's clock.
    case dailyAtPark(LocalTime, @Sendable (Park.ID, _ today: LocalDate) -> any Work)
}
