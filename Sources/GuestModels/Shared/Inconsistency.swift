/// Our own data, or our own code, contradict themselves.
///
/// No request of a client can cause an inconsistency. The request or the job fails, and the error is logged and
/// counted. A guess would hide the error and might cost money.
public struct Inconsistency: Error, CustomStringConvertible {
    /// The contradiction, without personal data.
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
