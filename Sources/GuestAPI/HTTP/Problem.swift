import GuestModels
import HTTPTypes
import Postgres

/// A problem document (RFC 9457), the one shape every error has.
///
/// Nothing internal goes into it.
struct Problem: Error, Sendable {
    var status: HTTPResponse.Status
    var code: String
    var detail: LocalizedText
    var isRetryable = false
    var errors: [FieldError] = []
    /// The number of seconds after which the client may try again.
    var retryAfter: Int?
    var allow: String?

    private struct Document: Encodable {
        let type: String
        let title: String
        let status: Int
        let detail: String
        let instance: String
        let code: String
        let retryable: Bool
        let errors: [FieldError]?
    }

    /// - Parameter instance: the request id, by which the log can be searched.
    func answer(in language: Language, instance: String) -> Answer {
        let document = Document(
            type: "urn:voorpret:problem:\(code)",
            title: status.reasonPhrase,
            status: status.code,
            detail: detail[language],
            instance: instance,
            code: code,
            retryable: isRetryable,
            errors: errors.isEmpty ? nil : errors
        )
        var headers: [HTTPField] = [
            HTTPField(name: .contentType, value: "application/problem+json"),
            HTTPField(name: .contentLanguage, value: language.rawValue),
            HTTPField(name: .cacheControl, value: "no-store"),
        ]
        if let retryAfter { headers.append(HTTPField(name: .retryAfter, value: String(retryAfter))) }
        if let allow { headers.append(HTTPField(name: .allow, value: allow)) }
        if status == .unauthorized { headers.append(HTTPField(name: .wwwAuthenticate, value: "Bearer")) }
        // A document of texts and numbers always encodes.
        let body = (try? ResponseEncoder.encode(document)) ?? []
        return Answer(status: status, headers: headers, body: body)
    }
}

extension Problem {
    init(_ refusal: Refusal) {
        let status: HTTPResponse.Status =
            switch refusal.kind {
            case .notFound: .notFound
            case .forbidden: .forbidden
            case .unauthenticated: .unauthorized
            case .conflict: .conflict
            case .invalid: .badRequest
            case .tooMany: .tooManyRequests
            }
        self.init(status: status, code: refusal.code, detail: refusal.message)
        if case .tooMany(let after) = refusal.kind {
            retryAfter = after
            isRetryable = true
        }
        if let pointer = refusal.pointer {
            errors = [FieldError(pointer: pointer, detail: refusal.message.english)]
        }
    }

    init(_ request: BadRequest) {
        self = .invalidRequest
        errors = Array(request.errors.prefix(50))
    }

    /// The problem document of an error; nil when the error is our fault and belongs in the log.
    init?(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let refusal as Refusal: self.init(refusal)
        case let request as BadRequest: self.init(request)
        case PostgresError.outcomeUnknown, is CancellationError: self = .unavailable
        case let error as PostgresError where error.isUnavailability: self = .unavailable
        case is ObjectsUnavailable: self = .unavailable
        case is StagedFile.NoSpace: self = .storageFull
        case is StagedFile.TakenOver: self.init(Refusal.uploadTakenOver)
        default: return nil
        }
    }

    /// A field, parameter or header is missing, unknown or malformed; `errors` names at most 50 of them.
    static let invalidRequest = Problem(
        status: .badRequest,
        code: "invalid_request",
        detail: LocalizedText(
            en: "Something in the request is not right; see errors.",
            nl: "Iets in het verzoek klopt niet; zie errors.",
            de: "Etwas an der Anfrage stimmt nicht; siehe errors."
        )
    )

    /// A request waited five seconds for a place, or the database is away; repeat it with the same key.
    static let unavailable = Problem(
        status: .serviceUnavailable,
        code: "unavailable",
        detail: LocalizedText(
            en: "We are very busy or restarting. Please try again in a moment.",
            nl: "We zijn erg druk of starten opnieuw op. Probeer het zo nog eens.",
            de: "Wir sind gerade überlastet oder starten neu. Bitte versuche es gleich noch einmal."
        ),
        isRetryable: true,
        retryAfter: 1
    )

    /// The service has no room for the bytes; what has come stays, and the upload can go on later.
    static let storageFull = Problem(
        status: .insufficientStorage,
        code: "storage_full",
        detail: LocalizedText(
            en: "There is no room for this at the moment. Please try again later.",
            nl: "Er is nu geen ruimte voor. Probeer het later nog eens.",
            de: "Dafür ist gerade kein Platz. Bitte versuche es später noch einmal."
        ),
        isRetryable: true,
        retryAfter: 600
    )

    /// The body is JSON, as apps of former versions sent photos.
    static let appTooOld = Problem(
        status: .unsupportedMediaType,
        code: "app_too_old",
        detail: LocalizedText(
            en: "This app is too old to send photos. Please update it; the photo is kept until then.",
            nl: "Deze app is te oud om foto's te sturen. Werk hem bij; de foto blijft tot dan bewaard.",
            de: "Diese App ist zu alt, um Fotos zu senden. Bitte aktualisiere sie; das Foto bleibt bis dahin erhalten."
        )
    )

    /// The range of `Range` begins behind the end; `Content-Range` has the size.
    static let rangeNotSatisfiable = Problem(
        status: .rangeNotSatisfiable,
        code: "range_not_satisfiable",
        detail: LocalizedText(
            en: "This file is shorter.",
            nl: "Dit bestand is korter.",
            de: "Diese Datei ist kürzer."
        )
    )

    /// An error that the service did not expect; `instance` is the request id, by which the log is searched.
    static let internalError = Problem(
        status: .internalServerError,
        code: "internal",
        detail: LocalizedText(
            en: "Something went wrong on our side. We have noted it.",
            nl: "Er ging iets mis aan onze kant. We hebben het genoteerd.",
            de: "Bei uns ist etwas schiefgegangen. Wir haben es notiert."
        )
    )

    /// The body has more than 64 KiB of JSON, or more bytes than the upload may have.
    static let bodyTooLarge = Problem(
        status: .contentTooLarge,
        code: "body_too_large",
        detail: LocalizedText(
            en: "The request is too large.",
            nl: "Het verzoek is te groot.",
            de: "Die Anfrage ist zu groß."
        )
    )

    /// The path and query have more than 8 KiB together.
    static let uriTooLong = Problem(
        status: .uriTooLong,
        code: "uri_too_long",
        detail: LocalizedText(
            en: "The address is too long.",
            nl: "Het adres is te lang.",
            de: "Die Adresse ist zu lang."
        )
    )

    /// The request has more than 100 header fields, or more than 16 KiB of them.
    static let headersTooLarge = Problem(
        status: .requestHeaderFieldsTooLarge,
        code: "headers_too_large",
        detail: LocalizedText(
            en: "The request has too many headers.",
            nl: "Het verzoek heeft te veel headers.",
            de: "Die Anfrage hat zu viele Header."
        )
    )

    /// The request breaks HTTP or names no host, or an event of the payment provider cannot be read.
    static let malformed = Problem(
        status: .badRequest,
        code: "malformed_http",
        detail: LocalizedText(
            en: "This is not a valid HTTP request.",
            nl: "Dit is geen geldig HTTP-verzoek.",
            de: "Das ist keine gültige HTTP-Anfrage."
        )
    )

    /// `Content-Type` is missing or not JSON, or `Content-Encoding` is not `identity`.
    static let unsupportedMedia = Problem(
        status: .unsupportedMediaType,
        code: "unsupported_media_type",
        detail: LocalizedText(
            en: "The body must be application/json and not compressed.",
            nl: "De body moet application/json zijn en niet gecomprimeerd.",
            de: "Der Inhalt muss application/json und unkomprimiert sein."
        )
    )

    /// `Content-Type` is not `application/partial-upload`, as an append to an upload needs it.
    static let partNeeded = Problem(
        status: .unsupportedMediaType,
        code: "part_needed",
        detail: LocalizedText(
            en: "The body must be application/partial-upload.",
            nl: "De body moet application/partial-upload zijn.",
            de: "Der Inhalt muss application/partial-upload sein."
        )
    )

    /// The key is missing on a route that requires one, or it is empty, too long or has other characters.
    static let keyRequired = Problem(
        status: .badRequest,
        code: "idempotency_key_required",
        detail: LocalizedText(
            en: "This request needs an Idempotency-Key header of 1 to 200 visible characters.",
            nl: "Dit verzoek heeft een Idempotency-Key-header van 1 tot 200 zichtbare tekens nodig.",
            de: "Diese Anfrage braucht einen Idempotency-Key-Header mit 1 bis 200 sichtbaren Zeichen."
        )
    )

    /// The same principal used the key with another route, parameter, query, `If-Match` or body; make a new key.
    static let keyReused = Problem(
        status: .unprocessableContent,
        code: "idempotency_key_reused",
        detail: LocalizedText(
            en: "This Idempotency-Key has been used for another request.",
            nl: "Deze Idempotency-Key is al voor een ander verzoek gebruikt.",
            de: "Dieser Idempotency-Key wurde schon für eine andere Anfrage verwendet."
        )
    )

    /// The route changes a versioned object, and the request lacks the object's version, such as `If-Match: "3"`.
    static let matchRequired = Problem(
        status: .preconditionRequired,
        code: "if_match_required",
        detail: LocalizedText(
            en: "Say which version you change, with an If-Match header.",
            nl: "Geef met een If-Match-header aan welke versie je wijzigt.",
            de: "Gib mit einem If-Match-Header an, welche Version du änderst."
        )
    )

    /// `If-Match` has another version than the object; read it, apply the change again, send the new version.
    static let matchFailed = Problem(
        status: .preconditionFailed,
        code: "version_conflict",
        detail: LocalizedText(
            en: "Somebody has changed this in the meantime. Fetch it again first.",
            nl: "Iemand heeft dit intussen gewijzigd. Haal het eerst opnieuw op.",
            de: "Jemand hat das inzwischen geändert. Lade es zuerst neu."
        )
    )

    /// `Stripe-Signature` is missing, wrong or more than five minutes off, or the service has no payment settings.
    static let badSignature = Problem(
        status: .forbidden,
        code: "bad_signature",
        detail: LocalizedText(
            en: "The message is not signed by the payment provider, or too long ago.",
            nl: "Het bericht is niet door de betaaldienst ondertekend, of te lang geleden.",
            de: "Die Nachricht ist nicht vom Zahlungsdienst signiert, oder vor zu langer Zeit."
        )
    )

    /// The path exists, but not with this method; the `Allow` header lists its methods.
    static func methodNotAllowed(_ allow: String) -> Problem {
        Problem(
            status: .methodNotAllowed,
            code: "method_not_allowed",
            detail: LocalizedText(
                en: "That cannot be done here.",
                nl: "Dat kan hier niet.",
                de: "Das geht hier nicht."
            ),
            allow: allow
        )
    }
}

extension HTTPResponse.Status {
    /// 507, of RFC 4918.
    fileprivate static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
