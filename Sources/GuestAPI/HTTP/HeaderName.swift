package import HTTPTypes

extension HTTPField.Name {
    /// A name that stands in the source.
    ///
    /// One that is none ends the process when it is first used, which a test does.
    package init(constant name: StaticString) {
        guard let found = Self("\(name)") else { preconditionFailure("'\(name)' is no name of a header") }
        self = found
    }
}
