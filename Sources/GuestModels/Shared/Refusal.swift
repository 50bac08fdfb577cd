/// Something the rules do not allow: a sentence for the guest, a stable code for the app.
///
/// Codes are part of the API: add some, never rename one. The refusals of a feature stand in its
/// folder as static members.
public struct Refusal: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// There is no such thing, or it is none of the asker's business; both look the same.
        case notFound
        /// Signed in, but without the function this needs.
        case forbidden
        /// Not signed in, or no longer.
        case unauthenticated
        /// The request contradicts the state of things; another request may not.
        case conflict
        /// A value in the request cannot be right.
        case invalid
        /// The asker has done this too often; `after` seconds from now it is allowed again.
        case tooMany(after: Int)
    }

    public let kind: Kind
    public let code: String
    public let message: LocalizedText
    /// The JSON Pointer (RFC 6901) of the field at fault, if one is.
    public var pointer: String?

    public init(_ kind: Kind, _ code: String, en: String, nl: String, de: String) {
        self.kind = kind
        self.code = code
        message = LocalizedText(en: en, nl: nl, de: de)
    }

    /// The same refusal, pointing at a field of the request.
    public func at(_ pointer: String) -> Refusal {
        var copy = self
        copy.pointer = pointer
        return copy
    }
}

extension Refusal {
    public static let notFound = Refusal(
        .notFound,
        "not_found",
        en: "We can't find that.",
        nl: "We kunnen dat niet vinden.",
        de: "Das können wir nicht finden."
    )

    public static let forbidden = Refusal(
        .forbidden,
        "forbidden",
        en: "Your account has no function that allows this.",
        nl: "Je account heeft geen functie waarmee dit mag.",
        de: "Dein Konto hat keine Funktion, die das erlaubt."
    )

    public static let signInNeeded = Refusal(
        .unauthenticated,
        "sign_in_needed",
        en: "Please sign in first.",
        nl: "Meld je eerst aan.",
        de: "Bitte melde dich zuerst an."
    )
}
