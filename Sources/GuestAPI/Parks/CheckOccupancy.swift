import Foundation
import GuestModels
import Postgres

/// Compares the nights that the search reads as taken with the allocations of the cottages.
///
/// A difference fails the job, so that staff see it.
struct CheckOccupancy: Work {
    static let kind = "checkOccupancy"
    static let queue = Job.Queue.effects

    let parkId: Park.ID

    struct Difference: Error {
        let cottages: [Cottage.ID]
    }

    func finish(_ act: Act) async throws {
        let wrong = try await act.tx.all(AvailabilitySQL.wrongOccupancy(of: parkId))
        guard wrong.isEmpty else { throw Difference(cottages: wrong) }
    }
}
