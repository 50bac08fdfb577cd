import Foundation
import GuestModels
import Postgres

extension Transaction {
    /// Runs a statement whose constraints the schema may hold against it, and says what that means.
    ///
    /// - Parameter refusals: by constraint name.
    @discardableResult
    func run(_ command: Command, refusing refusals: [String: Refusal]) async throws -> Int {
        do {
            return try await run(command)
        } catch let error as PostgresError {
            throw error.violatedConstraint.flatMap { refusals[$0] } ?? error
        }
    }

    func run(_ commands: [Command], refusing refusals: [String: Refusal]) async throws {
        do {
            try await run(commands)
        } catch let error as PostgresError {
            throw error.violatedConstraint.flatMap { refusals[$0] } ?? error
        }
    }
}

extension Row {
    /// A `jsonb` column as one of our types.
    func decodeJSON<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        let text = try decode(column, as: JSONText.self).text
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw PostgresError.undecodable(column: column, reason: "no \(Value.self): \(error)")
        }
    }
}

extension JSONText {
    init(encoding value: some Encodable) throws {
        self.init(String(decoding: try ResponseEncoder.encode(value), as: UTF8.self))
    }
}
