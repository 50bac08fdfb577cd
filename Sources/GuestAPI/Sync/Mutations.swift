import Foundation
import GuestModels
import Postgres
import Sync

/// What a phone may do offline: names of mutations and the verbs they reach, the same that routes call.
///
/// A name is never given another meaning: what changes gets another number behind the `@`, and the old one stays for a
/// year.
enum Mutations {
    /// A mutation on its way to its verb.
    struct Act: Sendable {
        let bytes: [UInt8]
        /// By the phone's clock, never later than now.
        let madeAt: Date
        let principal: Principal
        let app: AppEnvironment
        let now: Date

        /// Throws `BadRequest` for arguments that are none of the verb's.
        func arguments<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try RequestDecoder.decode(type, from: bytes)
        }
    }

    typealias Verb = @Sendable (Act, Transaction) async throws -> Outcome.Result

    static let all: [String: Verb] = [
        "booking.setArrivalTime@1": { act, tx in
            let arguments: ArrivalTime = try act.arguments()
            let id = arguments.bookingId
            _ = try await Booking.setArrivalTime(arguments.time, of: id, as: act.principal, in: tx)
            return .applied
        },
        "guest.change@1": { act, tx in
            guard let guest = act.principal.guestID else { throw Refusal.forbidden }
            let arguments: GuestChange = try act.arguments()
            _ = try await Guest.change(guest, arguments.change, expecting: arguments.version, in: tx)
            return .applied
        },
    ]

    private struct ArrivalTime: Decodable {
        let bookingId: Booking.ID
        let time: LocalTime
    }

    private struct GuestChange: Decodable, Checked {
        let version: Int
        let change: ProfileChange

        func check(_ check: inout Check) { change.check(&check) }
    }
}
