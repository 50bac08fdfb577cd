import Foundation
import GuestModels
import Postgres

extension Transaction {
    /// Runs a statement and turns a violated constraint into its refusal.
    ///
    /// - Parameter refusals: the refusals by constraint name.
    @discardableResult
    func run(_ command: Command, refusing refusals: [String: Refusal]) async throws -> Int {
        try await refusing(refusals) { try await run(command) }
    }

    func run(_ commands: [Command], refusing refusals: [String: Refusal]) async throws {
        try await refusing(refusals) { try await run(commands) }
    }

    func first<Value>(_ query: Query<Value>, refusing refusals: [String: Refusal]) async throws -> Value? {
        try await refusing(refusals) { try await first(query) }
    }

    private func refusing<Value>(
        _ refusals: [String: Refusal],
        _ statement: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await statement()
        } catch let error as PostgresError {
            throw error.violatedConstraint.flatMap { refusals[$0] } ?? error
        }
    }
}

extension Row {
    /// Decodes the value of a `jsonb` column.
    func decodeJSON<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        let text = try decode(column, as: JSONText.self).text
        do {
            return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
        } catch {
            throw PostgresError.undecodable(column: column, reason: "no \(Value.self): \(error)")
        }
    }
}

extension Row {
    /// A column that holds a time of day, such as `15:00`.
    func time(_ column: String) throws -> LocalTime {
        let text: String = try decode(column)
        guard let time = LocalTime(text) else {
            throw PostgresError.undecodable(column: column, reason: "'\(text.prefix(80))' is no time of day")
        }
        return time
    }

    /// A column that holds a time of day; nil for NULL.
    func timeIfPresent(_ column: String) throws -> LocalTime? {
        try decodeIfPresent(column, as: String.self) == nil ? nil : time(column)
    }
}

extension Error {
    /// True for an error that shows a contradiction in the service's own data or code.
    var isContradiction: Bool {
        if case .undecodable? = self as? PostgresError { return true }
        return self is Inconsistency
    }
}

extension Row {
    /// Decodes the value of a `jsonb` column; nil for NULL.
    func decodeJSONIfPresent<Value: Decodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value? {
        try decodeIfPresent(column, as: JSONText.self) == nil ? nil : decodeJSON(column)
    }
}

extension JSONText {
    init(encoding value: some Encodable) throws {
        self.init(String(decoding: try ResponseEncoder.encode(value), as: UTF8.self))
    }
}
