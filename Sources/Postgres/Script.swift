import CLibPQ
import Foundation

/// Runs a text of several statements, such as a migration or `CREATE DATABASE`.
public enum Script {
    /// Runs the text on its own connection.
    ///
    /// If the text has no BEGIN, the server runs all of it in one transaction, or nothing.
    ///
    /// - Throws: `PostgresError.server` for the first statement that failed, `.unreachable` when no server answers.
    public static func run(_ text: String, on connectionString: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let thread = Thread { continuation.resume(with: execute(text, on: connectionString).mapError { $0 }) }
            thread.name = "postgres-script"
            thread.start()
        }
    }

    private static func execute(_ text: String, on connectionString: String) -> Result<Void, PostgresError> {
        LibPQ.connect(connectionString).flatMap { connection in
            defer { PQfinish(connection) }
            // A migration may build an index, which may take longer than a request's limit.
            PQclear(PQexec(connection, "SET statement_timeout = 0; SET lock_timeout = 0"))
            let result = PQexec(connection, text)
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return .success(())
            default: return .failure(.server(PostgresError.ServerError(result, on: connection)))
            }
        }
    }
}

extension PostgresError.ServerError {
    /// Reads the fields of a failed result.
    ///
    /// The codes are the PG_DIAG_ constants of postgres_ext.h.
    init(_ result: OpaquePointer?, on connection: OpaquePointer) {
        func field(_ code: UInt8) -> String? {
            PQresultErrorField(result, Int32(code)).map { String(cString: $0) }
        }
        self.init(
            sqlState: field(UInt8(ascii: "C")) ?? "XX000",
            message: field(UInt8(ascii: "M")) ?? String(cString: PQerrorMessage(connection)),
            constraint: field(UInt8(ascii: "n"))
        )
    }
}
