import CLibPQ
import Foundation

/// The functions of libpq that the pool and the listener share.
enum LibPQ {
    /// Default settings of every connection.
    ///
    /// A server that disappears is noticed within half a minute. An address that never answers blocks for five seconds
    /// at most.
    private static let defaults = [
        ("connect_timeout", "5"), ("keepalives", "1"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
        ("keepalives_count", "3"), ("tcp_user_timeout", "20000"),
    ]

    /// Connects, blocking, with the settings every session has: UTC, ISO dates, quiet notices.
    static func connect(_ text: String) -> Result<OpaquePointer, PostgresError> {
        // Settings in the connection string come later in the list and override the defaults.
        let settings = defaults + [("dbname", text)]
        let words = settings.map { strdup($0.0) }
        let values = settings.map { strdup($0.1) }
        defer { for word in words + values { free(word) } }
        let connection = (words.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { words in
            (values.map { UnsafePointer($0) } + [nil]).withUnsafeBufferPointer { values in
                PQconnectdbParams(words.baseAddress, values.baseAddress, 1)
            }
        }
        guard let connection else { return .failure(.unreachable("out of memory")) }
        guard PQstatus(connection) == CONNECTION_OK else {
            let reason = String(cString: PQerrorMessage(connection)).trimmingCharacters(in: .whitespacesAndNewlines)
            PQfinish(connection)
            return .failure(.unreachable(reason))
        }
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        let session = """
            SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET client_encoding = 'UTF8';
            SET extra_float_digits = 1; SET bytea_output = 'hex';
            SET statement_timeout = 5000; SET lock_timeout = 500; SET idle_in_transaction_session_timeout = 30000;
            """
        let result = PQexec(connection, session)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else {
            PQfinish(connection)
            return .failure(.unreachable("the session settings were refused"))
        }
        return .success(connection)
    }
}
