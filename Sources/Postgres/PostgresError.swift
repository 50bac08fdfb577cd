/// An error between this process and PostgreSQL.
public enum PostgresError: Error, Sendable {
    /// The server refused a statement.
    case server(ServerError)
    /// The connection ended before the answer came; nothing was committed by this call.
    case connectionLost(String)
    /// The connection ended during COMMIT: the transaction may or may not have happened.
    case outcomeUnknown
    /// No connection became free before the deadline.
    case poolExhausted
    /// The transaction exceeded its time limit; nothing of it was committed.
    case deadline
    /// The server did not answer in time; a repeated read is safe, because reads change nothing.
    case noAnswer
    /// The database could not be reached at all.
    case unreachable(String)
    /// The pool has been closed.
    case closed
    /// A column was missing, or its value does not fit the Swift type.
    case undecodable(column: String, reason: String)

    /// The error for a text with a zero byte, which cannot be sent; the code is the server's own.
    static let zeroByte = PostgresError.server(
        ServerError(sqlState: "22021", message: "a text has a zero byte", constraint: nil)
    )

    /// An error of the server, without the DETAIL field, because DETAIL quotes the row and would reach logs.
    ///
    /// `constraint` names the constraint that stopped a row.
    public struct ServerError: Error, Sendable, CustomStringConvertible {
        /// The SQLSTATE, five characters; see appendix A of the PostgreSQL manual.
        public let sqlState: String
        public let message: String
        public let constraint: String?

        /// Whether a prepared statement no longer fits the tables or no longer exists.
        ///
        /// The codes are 0A000 "cached plan must not change result type" and
        /// 26000 "prepared statement does not exist".
        var isStalePlan: Bool { sqlState == "0A000" || sqlState == "26000" }

        public var description: String {
            "\(sqlState): \(message)"
        }
    }

    /// The name of the violated constraint; nil for other errors.
    public var violatedConstraint: String? {
        guard case .server(let error) = self, error.sqlState.hasPrefix("23") else { return nil }
        return error.constraint
    }

    /// Whether the server ended this transaction because of a conflict (40001, 40P01); running it again is right.
    public var isSerializationConflict: Bool {
        guard case .server(let error) = self else { return false }
        return error.sqlState == "40001" || error.sqlState == "40P01"
    }

    /// Whether the database is away, restarting, full or slow; the caller may try again later.
    public var isUnavailability: Bool {
        switch self {
        case .connectionLost, .poolExhausted, .deadline, .noAnswer, .unreachable, .closed: true
        case .outcomeUnknown, .undecodable: false
        case .server(let error):
            error.sqlState == "25006" || error.sqlState.hasPrefix("57P") || error.sqlState == "57014"
                || error.sqlState.hasPrefix("08") || error.sqlState.hasPrefix("53") || error.sqlState == "55P03"
                || isSerializationConflict
        }
    }

    /// Whether a prepared statement no longer fits the tables; a repetition prepares it anew.
    var isStalePlan: Bool {
        guard case .server(let error) = self else { return false }
        return error.isStalePlan
    }

    /// Whether the session is unusable: demoted (25006), shut down (57P0x) or broken (08xxx).
    var spoilsConnection: Bool {
        switch self {
        case .connectionLost, .outcomeUnknown, .unreachable, .closed: true
        case .poolExhausted, .deadline, .noAnswer, .undecodable: false
        case .server(let error):
            error.sqlState == "25006" || error.sqlState.hasPrefix("57P0") || error.sqlState.hasPrefix("08")
        }
    }
}
