import CLibPQ

/// Turns a connection string into environment variables for libpq's own programs.
///
/// The password then does not appear in program arguments, which everybody on the machine could read.
public enum ConnectionSettings {
    /// The variables (`PGHOST`, `PGPASSWORD`, …) with the settings of the connection string.
    ///
    /// Settings that have no variable are left out.
    ///
    /// - Throws: `PostgresError.unreachable` with libpq's reason when libpq cannot read the string.
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
