import Foundation
import GuestModels
import Postgres
import SyncMessages

/// An action that a phone may do offline; it calls the same verb as a route.
///
/// The name of a mutation never changes its meaning. A change gets a new number behind the `@`, and the old number
/// stays for a year.
struct MutationVerb: Sendable {
    /// A mutation as a phone sent it.
    struct Sent: Sendable {
        let bytes: [UInt8]
        /// The phone's time of the action, never later than now and always later than the phone's action before.
        let madeAt: Date
        let now: Date

        /// Decodes the arguments of the mutation; throws `BadRequest` for arguments that the verb does not take.
        func arguments<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try RequestDecoder.decode(type, from: bytes, at: now)
        }
    }

    /// Rows that mutations of one push must lock in one order, before the first of them begins.
    struct Lock: Sendable {
        /// The kind of rows, such as `planItem`; mutations with the same name lock rows of one table.
        let name: String
        let command: @Sendable (_ ids: [UUID], _ guest: Guest.ID) -> Command
    }

    typealias Results = [Result<Outcome.Result, any Error>]

    /// Whether consecutive mutations of the same name are done together.
    let takesSeveral: Bool
    let lock: Lock?
    let run: @Sendable ([Sent], Act) async throws -> Results

    init(locking lock: Lock? = nil, _ one: @escaping @Sendable (Sent, Act) async throws -> Outcome.Result) {
        takesSeveral = false
        self.lock = lock
        run = { all, act in
            var results: Results = []
            for sent in all { results.append(.success(try await one(sent, act))) }
            return results
        }
    }

    /// Makes a verb that does several mutations together.
    ///
    /// - Parameter several: does all mutations, with the same results as one after the other.
    init(locking lock: Lock? = nil, several: @escaping @Sendable ([Sent], Act) async throws -> Results) {
        takesSeveral = true
        self.lock = lock
        run = several
    }
}
