/// Our own data, or our own code, contradict themselves.
///
/// Nothing a client sends causes one. The request or the job that meets it fails, and it is logged and counted: going on
/// with a guess would hide it, and might cost somebody money.
public struct Inconsistency: Error, CustomStringConvertible {
    /// What was found, without personal data.
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
