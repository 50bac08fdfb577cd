import GuestModels
import Postgres
import SyncMessages

extension Feature {
    /// The arrival feature: from the weeks before arrival to the cottage's door, and out again.
    static let arrival = Feature(
        name: "arrival",
        handlers: [ArrivalRoutes.handlers],
        mutations: [
            "booking.setArrivalTime@1": MutationVerb { sent, act in
                let arguments: ArrivalTimeArguments = try sent.arguments()
                let request = ArrivalTimeRequest(time: arguments.time)
                _ = try await Booking.setArrivalTime(request, of: arguments.bookingId, act)
                return .applied
            }
        ],
        jobs: [ForgetRegister.self],
        schedules: [.hourly(ForgetRegister())],
        personalData: [.register]
    )
}

private struct ArrivalTimeArguments: Decodable {
    let bookingId: Booking.ID
    let time: LocalTime
}

/// Deletes register entries on the day set by law.
///
/// This is a job of its own, so that an error in `CleanUp` cannot delay it.
struct ForgetRegister: Work {
    static let kind = "forgetRegister"
    static let queue = Job.Queue.effects

    func finish(_ act: Act) async throws {
        try await act.tx.run(ArrivalSQL.forgetRegister(now: act.now))
    }
}
