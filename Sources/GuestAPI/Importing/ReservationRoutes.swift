import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes by which the property system reports reservations, one at a time.
enum ReservationRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "reportReservation": report, "withdrawReservation": withdraw,
    ]

    private static func report(_ call: Call) async throws -> Answer {
        let report = try call.body(ReservationReport.self)
        let (park, number) = try place(call)
        return try await call.write { act in
            let booking = try await Booking.report(report, as: number, in: park, act)
            return try .json(booking, version: booking.version)
        }
    }

    private static func withdraw(_ call: Call) async throws -> Answer {
        let (park, number) = try place(call)
        var query = QueryReader(call)
        let reported = query.optional("reportedAt", as: Instant.self, "must be an instant such as 2027-05-14T12:00:00Z")
        try query.finish()
        return try await call.write { act in
            try await Booking.cancelReservation(number, reportedAt: reported?.date, in: park, act)
            return .noContent
        }
    }

    private struct Instant: LosslessStringConvertible {
        let date: Date
        var description: String { date.rfc3339 }
        init?(_ text: String) {
            guard let date = Date(rfc3339: text) else { return nil }
            self.date = date
        }
    }

    private static func place(_ call: Call) throws -> (Park.ID, number: String) {
        let (park, number) = try call.path(Paths.adminParkReservation)
        var check = Check()
        check.text(number, "{number}", length: 1...100)
        guard check.errors.isEmpty else { throw BadRequest(check.errors) }
        return (park, number)
    }
}
