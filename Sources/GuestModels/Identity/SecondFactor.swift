import Foundation

extension StaffMember {
    /// Whether the colleague must prove a second factor (RFC 6238) after signing in.
    ///
    /// The second factor is required of head office, finance, and colleagues who read or set door codes.
    public var needsSecondFactor: Bool {
        isHeadOffice || posts.contains { [.finance, .reception, .maintenance].contains($0.function) }
    }
}

/// The secret for an authenticator app, shown only during enrolment.
public struct FactorEnrolment: Codable, Sendable {
    /// The secret to type in: 160 bits in base32 (RFC 4648).
    public var secret: String
    /// The secret as an address `otpauth://…`, to show as a QR code.
    public var url: String

    public init(secret: String, url: String) {
        self.secret = secret
        self.url = url
    }
}

/// A code of the authenticator app, or a recovery code.
public struct FactorProof: Codable, Sendable, Checked {
    /// The code: six digits, or a recovery code of ten letters and digits; hyphens and blanks are ignored.
    public var code: String

    public init(code: String) {
        self.code = code
    }

    public func check(_ check: inout Check) {
        check.secret(code.filter { $0 != " " }, "/code", length: 6...20)
    }
}

/// Codes for use when the authenticator app is lost; each works once.
public struct RecoveryCodes: Codable, Sendable {
    /// The ten recovery codes; the service shows them only once.
    public var codes: [String]

    public init(codes: [String]) {
        self.codes = codes
    }
}

extension Refusal {
    /// The colleague's session has not proved the second factor; prove it, then send the request again.
    public static let factorNeeded = Refusal(
        .forbidden,
        "second_factor_needed",
        en: "Type the code of your authenticator app first.",
        nl: "Typ eerst de code van je authenticator-app.",
        de: "Gib zuerst den Code deiner Authenticator-App ein."
    )

    /// The route wants a second factor proved within the last ten minutes; prove it again.
    public static let factorStale = Refusal(
        .forbidden,
        "second_factor_stale",
        en: "This cannot be undone. Type a code of your authenticator app once more.",
        nl: "Dit kan niet ongedaan worden gemaakt. Typ nog eens een code van je authenticator-app.",
        de: "Das lässt sich nicht rückgängig machen. Gib noch einmal einen Code deiner Authenticator-App ein."
    )

    /// The colleague has a confirmed app, so enrolling or confirming another is refused.
    public static let factorEnrolled = Refusal(
        .conflict,
        "second_factor_enrolled",
        en: "You have an authenticator app already. Head office can renew it.",
        nl: "Je hebt al een authenticator-app. Het hoofdkantoor kan die vernieuwen.",
        de: "Du hast schon eine Authenticator-App. Die Zentrale kann sie erneuern."
    )

    /// The colleague has not enrolled an app, or has not confirmed it with a first code.
    public static let factorMissing = Refusal(
        .conflict,
        "second_factor_missing",
        en: "You have no authenticator app yet. Enrol one first.",
        nl: "Je hebt nog geen authenticator-app. Stel er eerst een in.",
        de: "Du hast noch keine Authenticator-App. Richte zuerst eine ein."
    )

    /// The code fits none of three time steps around now, or the recovery code is wrong or used.
    public static let factorCodeWrong = Refusal(
        .conflict,
        "second_factor_wrong",
        en: "That code is not right. Is the clock of your phone?",
        nl: "Die code klopt niet. Klopt de klok van je telefoon?",
        de: "Dieser Code stimmt nicht. Geht die Uhr deines Telefons richtig?"
    )

    /// The code is of a time step not later than one already taken; the try does not count.
    public static let factorCodeUsed = Refusal(
        .conflict,
        "second_factor_used",
        en: "That code was used already. Wait for the next one.",
        nl: "Die code is al gebruikt. Wacht op de volgende.",
        de: "Dieser Code wurde schon benutzt. Warte auf den nächsten."
    )

    /// The colleague tried five codes within ten minutes; `Retry-After` says when to try again.
    public static let tooManyFactorTries = Refusal(
        .tooMany(after: 600),
        "too_many_factor_tries",
        en: "Too many wrong codes. Please wait ten minutes.",
        nl: "Te veel verkeerde codes. Wacht tien minuten.",
        de: "Zu viele falsche Codes. Bitte warte zehn Minuten."
    )
}
