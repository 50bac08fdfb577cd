import CLibPQ
import Synchronization

/// The result of one statement.
///
/// `@unchecked Sendable` is safe because nothing changes between `init` and `deinit`:
/// - All properties are constants. Only the type of `result`, a C pointer, prevents the compiler from checking this.
/// - `Wire` hands over each PGresult once, and afterwards neither uses nor frees it. The pointer is private here.
/// - Only reading functions are called on it: `PQntuples`, `PQnfields`, `PQfname`, `PQgetisnull`, `PQgetvalue`,
///   `PQgetlength`, `PQcmdTuples` and `PQcmdStatus`. "PGresult objects are normally read-only after creation, and so
///   can be passed around freely between threads", unless a modifying function is called; none is called here
///   (https://www.postgresql.org/docs/15/libpq-threading.html).
/// - Only `deinit` frees it, after the last reference is gone. `withField` keeps a reference while it reads the bytes.
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

    /// The number of rows that an INSERT, UPDATE, DELETE or COPY changed.
    var affected: Int {
        withExtendedLifetime(self) { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }
    }

    var tag: String {
        withExtendedLifetime(self) { PQcmdStatus(result).map { String(cString: $0) } ?? "" }
    }

    func decode<Element>(_ decode: (Row) throws -> Element) throws -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for index in 0..<count {
            elements.append(try decode(Row(set: self, index: Int32(index))))
        }
        return elements
    }

    /// Gives the bytes of one field to `body`; they are valid while `body` runs, and nil means NULL.
    func withField<Value>(
        _ row: Int32,
        _ column: Int32,
        _ body: (UnsafeRawBufferPointer?) throws -> Value
    ) throws -> Value {
        // The result must stay alive, or it might be freed between taking the address of the field and reading it.
        try withExtendedLifetime(self) {
            guard PQgetisnull(result, row, column) == 0 else { return try body(nil) }
            let count = Int(PQgetlength(result, row, column))
            return try body(UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: count))
        }
    }
}

/// One row of an answer; columns are read by name.
public struct Row: Sendable {
    let set: ResultSet
    let index: Int32

    /// Reads the value of a column that cannot be NULL.
    ///
    /// Throws `PostgresError.undecodable` when there is no such column, when it is NULL, or when its text is
    /// not one of `Value`'s.
    public func decode<Value: PostgresDecodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        guard let value = try decodeIfPresent(column, as: type) else {
            throw PostgresError.undecodable(column: column, reason: "NULL")
        }
        return value
    }

    /// Gives the bytes of a column's text to `body`, for text that is passed on unchanged; valid while `body` runs.
    ///
    /// Throws `PostgresError.undecodable` when there is no such column or it is NULL.
    public func withBytes<Value>(of column: String, _ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
        try withField(column) { bytes in
            guard let bytes else { throw PostgresError.undecodable(column: column, reason: "NULL") }
            return try body(bytes)
        }
    }

    /// The column's value, nil for NULL.
    public func decodeIfPresent<Value: PostgresDecodable>(
        _ column: String,
        as type: Value.Type = Value.self
    ) throws -> Value? {
        try withField(column) { bytes in
            guard let bytes else { return nil }
            guard let value = Value(postgresText: bytes) else {
                throw PostgresError.undecodable(
                    column: column,
                    reason: "'\(String(decoding: bytes.prefix(80), as: UTF8.self))' is no \(Value.self)"
                )
            }
            return value
        }
    }

    /// Reads the column's text as a word of an enumeration, so an unknown word is an error.
    ///
    /// Throws `PostgresError.undecodable` when there is no such column, when it is NULL, or when the word is unknown.
    public func word<Word: RawRepresentable<String>>(_ column: String, as type: Word.Type = Word.self) throws -> Word {
        let text: String = try decode(column)
        guard let word = Word(rawValue: text) else {
            throw PostgresError.undecodable(column: column, reason: "'\(text.prefix(80))' is no \(Word.self)")
        }
        return word
    }

    private func withField<Value>(
        _ column: String,
        _ body: (UnsafeRawBufferPointer?) throws -> Value
    ) throws -> Value {
        guard let position = set.columns.firstIndex(of: column) else {
            throw PostgresError.undecodable(column: column, reason: "no such column")
        }
        return try set.withField(index, Int32(position), body)
    }
}
