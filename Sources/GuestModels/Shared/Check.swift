/// One value of a request that cannot be right.
public struct FieldError: Hashable, Codable, Sendable {
    /// The place of the value: a JSON Pointer (RFC 6901) into the body, or `?name` for a query parameter.
    public let pointer: String
    /// The requirement, in English, for the developer of the client.
    public let detail: String

    public init(pointer: String, detail: String) {
        self.pointer = pointer
        self.detail = detail
    }
}

/// A request that can check its own values before anything else happens.
public protocol Checked {
    func check(_ check: inout Check)
}

/// Collects all errors of a request, so that a form can mark all fields at once.
public struct Check: Sendable {
    public private(set) var errors: [FieldError] = []
    private let prefix: String
    /// The latest current date anywhere on earth; nil when the caller gave none.
    private let today: LocalDate?

    public init(prefix: String = "", today: LocalDate? = nil) {
        self.prefix = prefix
        self.today = today
    }

    public mutating func require(_ condition: Bool, _ pointer: String, _ detail: String) {
        if !condition { errors.append(FieldError(pointer: prefix + pointer, detail: detail)) }
    }

    /// Checks a text that a person typed.
    ///
    /// The text must have a visible character, unless it may be empty. Its length counts code points, as PostgreSQL
    /// and JSON Schema do. Control characters are not allowed, except the line feed with `hasLines`.
    public mutating func text(
        _ text: String?,
        _ pointer: String,
        length: ClosedRange<Int>,
        hasLines: Bool = false
    ) {
        guard let text else { return }
        require(
            length.contains(text.unicodeScalars.count),
            pointer,
            "must have \(length.lowerBound) to \(length.upperBound) characters"
        )
        require(length.lowerBound == 0 || !text.isBlank, pointer, "must not be blank")
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.properties.generalCategory != .control || hasLines && scalar == "\n"
        }
        require(isPlain, pointer, "must not have control characters")
    }

    /// Checks a living person's date of birth: from 1900 to today.
    public mutating func birth(_ date: LocalDate?, _ pointer: String) {
        guard let date else { return }
        require(date.components.year >= 1900 && date <= today ?? date, pointer, "must be from 1900 to today")
    }

    public mutating func range<Value: Comparable>(_ value: Value?, _ pointer: String, _ range: ClosedRange<Value>) {
        guard let value else { return }
        require(range.contains(value), pointer, "must be from \(range.lowerBound) to \(range.upperBound)")
    }

    /// Checks a mail address by the rules of browsers (`type=email` in the HTML standard).
    ///
    /// The address also needs a dot after the `@`, and has at most 254 characters.
    public mutating func email(_ email: String?, _ pointer: String) {
        guard let email else { return }
        let parts = email.split(separator: "@", omittingEmptySubsequences: false)
        let isLikely = parts.count == 2 && email.utf8.count <= 254 && Self.isMailbox(parts[0]) && Self.isHost(parts[1])
        require(isLikely, pointer, "must be a mail address")
    }

    private static func isMailbox(_ name: Substring) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { isAlphanumeric($0) || ".!#$%&'*+/=?^_`{|}~-".utf8.contains($0) }
    }

    private static func isHost(_ name: Substring) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            }
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Checks a code that staff use on paper: letters, digits and hyphens, 1 to 20.
    public mutating func code(_ code: String, _ pointer: String) {
        let isCode =
            (1...20).contains(code.utf8.count)
            && code.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        require(isCode, pointer, "must be 1 to 20 of A-Z, a-z, 0-9 and -")
    }

    /// Checks a text that machines exchange: visible ASCII only.
    public mutating func secret(_ text: String, _ pointer: String, length: ClosedRange<Int>) {
        let isPlain = length.contains(text.utf8.count) && text.utf8.allSatisfy { (33...126).contains($0) }
        require(isPlain, pointer, "must be \(length.lowerBound) to \(length.upperBound) visible ASCII characters")
    }

    /// Checks a part of the request under its own pointer.
    public mutating func part(_ part: (some Checked)?, _ pointer: String) {
        guard let part else { return }
        var inner = Check(prefix: prefix + pointer, today: today)
        part.check(&inner)
        errors += inner.errors
    }

    public mutating func parts(_ parts: [some Checked], _ pointer: String) {
        for (index, part) in parts.enumerated() { self.part(part, "\(pointer)/\(index)") }
    }
}
