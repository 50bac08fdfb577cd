import CLibPQ
import Synchronization

/// The answer to one statement.
///
/// `@unchecked Sendable`: all properties are constants, libpq only reads a PGresult that it has handed out (its manual says
/// that such results are safe to share between threads), and nobody but `deinit`, when no reference is left, frees it.
final class ResultSet: @unchecked Sendable {
    private let result: OpaquePointer
    let count: Int
    let columns: [String]

    init(_ result: OpaquePointer) {
        self.result = result
        count = Int(PQntuples(result))
        columns = (0..<PQnfields(result)).map { PQfname(result, $0).map { String(cString: $0) } ?? "" }
    }

    deinit {
        PQclear(result)
    }

    /// Rows that an INSERT, UPDATE, DELETE or COPY touched.
    var affected: Int {
        PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }

    var tag: String {
        PQcmdStatus(result).map { String(cString: $0) } ?? ""
    }

    func decode<Element>(_ decode: (Row) throws -> Element) throws -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for index in 0..<count {
            elements.append(try decode(Row(set: self, index: Int32(index))))
        }
        return elements
    }

    /// The bytes of one field, valid while `self` lives; nil for NULL.
    func field(_ row: Int32, _ column: Int32) -> UnsafeRawBufferPointer? {
        guard PQgetisnull(result, row, column) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(result, row, column),
            count: Int(PQgetlength(result, row, column))
        )
    }
}

/// One row of an answer; columns are read by name.
public struct Row: Sendable {
    let set: ResultSet
    let index: Int32

    /// The column's value.
    ///
    /// Throws `PostgresError.undecodable` when there is no such column, when it is NULL, or when its text is
    /// not one of `Value`'s.
    public func decode<Value: PostgresDecodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        guard let value = try decodeIfPresent(column, as: type) else {
            throw PostgresError.undecodable(column: column, reason: "NULL")
        }
        return value
    }

    /// The bytes of a column's text, for as long as `body` runs; for what is passed on as it is.
    ///
    /// Throws `PostgresError.undecodable` when there is no such column or it is NULL.
    public func withBytes<Value>(of column: String, _ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
        guard let position = set.columns.firstIndex(of: column), let bytes = set.field(index, Int32(position)) else {
            throw PostgresError.undecodable(column: column, reason: "NULL, or no such column")
        }
        return try withExtendedLifetime(set) { try body(bytes) }
    }

    /// The column's value, nil for NULL.
    public func decodeIfPresent<Value: PostgresDecodable>(
        _ column: String,
        as type: Value.Type = Value.self
    ) throws -> Value? {
        guard let position = set.columns.firstIndex(of: column) else {
            throw PostgresError.undecodable(column: column, reason: "no such column")
        }
        guard let bytes = set.field(index, Int32(position)) else { return nil }
        guard let value = Value(postgresText: bytes) else {
            throw PostgresError.undecodable(
                column: column,
                reason: "'\(String(decoding: bytes.prefix(80), as: UTF8.self))' is no \(Value.self)"
            )
        }
        return value
    }
}
