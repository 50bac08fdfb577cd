/// A rule's answer *no*: a sentence for the guest and a stable code for the app.
///
/// Codes are part of the API: new ones may be added, but none is renamed. The refusals of a feature are static members
/// in the feature's folder.
public struct Refusal: Error, Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// The thing does not exist, or the principal may not see it; both look the same.
        case notFound
        /// The principal is signed in, but lacks the required function.
        case forbidden
        /// The principal is not signed in, or no longer.
        case unauthenticated
        /// The request contradicts the present state; another request may be allowed.
        case conflict
        /// A value in the request cannot be right.
        case invalid
        /// The principal has done this too often; it is allowed again in `after` seconds.
        case tooMany(after: Int)
    }

    public let kind: Kind
    public let code: String
    public let message: LocalizedText
    /// The JSON Pointer (RFC 6901) of the wrong field; nil when no field is wrong.
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
    /// The route or object does not exist, or the principal may not see it; both look the same.
    public static let notFound = Refusal(
        .notFound,
        "not_found",
        en: "We can't find that.",
        nl: "We kunnen dat niet vinden.",
        de: "Das können wir nicht finden."
    )

    /// The principal lacks the function, or role in the group, for this route, object or field.
    public static let forbidden = Refusal(
        .forbidden,
        "forbidden",
        en: "Your account has no function that allows this.",
        nl: "Je account heeft geen functie waarmee dit mag.",
        de: "Dein Konto hat keine Funktion, die das erlaubt."
    )

    /// The token is missing, wrong, old or revoked; refresh it, or sign in if refreshing is refused.
    public static let signInNeeded = Refusal(
        .unauthenticated,
        "sign_in_needed",
        en: "Please sign in first.",
        nl: "Meld je eerst aan.",
        de: "Bitte melde dich zuerst an."
    )
}
