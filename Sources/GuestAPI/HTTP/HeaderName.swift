import HTTPTypes

extension HTTPField.Name {
    /// A header name that is a constant in the source.
    ///
    /// An invalid name stops the process at its first use.
    init(constant name: StaticString) {
        guard let found = Self("\(name)") else { preconditionFailure("'\(name)' is no name of a header") }
        self = found
    }
}
