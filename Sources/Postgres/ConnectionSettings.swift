import CLibPQ

/// A connection string as the environment that libpq's own programs read it from, so that no password stands in their
/// arguments, where everybody on the machine could read it.
public enum ConnectionSettings {
    /// The variables (`PGHOST`, `PGPASSWORD`, …) that say what the connection string says; settings that have no variable
    /// are left out.
    ///
    /// - Throws: `PostgresError.unreachable` with libpq's reason for a string that it cannot read.
    public static func environment(of connectionString: String) throws -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(connectionString, &message) else {
            defer { PQfreemem(message) }
            throw PostgresError.unreachable(
                message.map { String(cString: $0) } ?? "the connection string cannot be read"
            )
        }
        defer { PQconninfoFree(options) }
        var environment: [String: String] = [:]
        var option = options
        while option.pointee.keyword != nil {
            if let variable = option.pointee.envvar, let value = option.pointee.val {
                environment[String(cString: variable)] = String(cString: value)
            }
            option += 1
        }
        return environment
    }
}
