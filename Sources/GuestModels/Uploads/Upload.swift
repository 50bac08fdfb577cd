/// Bytes that a guest or a child sends, until the service has all of them.
public enum Upload {
    public typealias ID = Identifier<Upload>

    /// The days for which an unfinished upload can go on.
    public static let daysKept = 7
    /// The most uploads that one sender may send at the same time.
    public static let maximumAtOnce = 3
    /// The name of the only media type of an append.
    public static let partialType = "application/partial-upload"
}

/// The headers of a request about its upload, by the IETF's draft "Resumable Uploads for HTTP".
///
/// The service understands versions 6 and 8 of the draft. It reads a request without a version as the finished
/// standard. Source: draft-ietf-httpbis-resumable-upload.
public struct UploadHeaders: Hashable, Sendable {
    /// The form of the protocol that the client speaks.
    public enum Dialect: Hashable, Sendable {
        case draft6
        case draft8
        /// The client names no version.
        case standard

        /// The value of `Upload-Draft-Interop-Version`; nil for the standard.
        public var number: Int? {
            switch self {
            case .draft6: 6
            case .draft8: 8
            case .standard: nil
            }
        }
    }

    /// The error of a header that cannot be read.
    public struct Unreadable: Error, Hashable {
        /// The name of the header.
        public let name: String
        /// The form that the header must have, in English.
        public let reason: String

        init(_ name: String, _ reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    /// nil for a request that knows nothing of the protocol: its body is all of the bytes.
    public var dialect: Dialect?
    /// Whether this request brings the last byte.
    public var isComplete: Bool
    /// The place of the body's first byte; nil if the client has not said it.
    public var offset: Int?
    /// The size of all bytes; nil if the client has not said it.
    public var length: Int?

    /// Reads the headers of a request.
    ///
    /// A client that speaks another version of the draft is served without the protocol. So its upload works, and
    /// begins anew after a cut.
    ///
    /// - Parameter header: the value of a header; nil if the request does not have it.
    /// - Throws: `Unreadable` for a header that cannot be read, and for a part of an upload in another version.
    public init(_ header: (_ name: String) -> String?) throws(Unreadable) {
        let complete = try Self.boolean("Upload-Complete", header)
        offset = try Self.number("Upload-Offset", "a number of bytes", header)
        length = try Self.number("Upload-Length", "a number of bytes", header)
        switch try Self.number("Upload-Draft-Interop-Version", "6, 8 or missing", header) {
        case 6: dialect = .draft6
        case 8: dialect = .draft8
        case nil: dialect = complete == nil && offset == nil && length == nil ? nil : .standard
        default:
            guard complete ?? true, (offset ?? 0) == 0 else {
                throw Unreadable("Upload-Draft-Interop-Version", "must be 6, 8 or missing")
            }
            dialect = nil
        }
        isComplete = dialect == nil || complete ?? (offset == nil)
    }

    private static func number(
        _ name: String,
        _ wanted: String,
        _ header: (String) -> String?
    ) throws(Unreadable) -> Int? {
        guard let text = header(name) else { return nil }
        guard text.utf8.count <= 15, text.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(text) else {
            throw Unreadable(name, "must be \(wanted)")
        }
        return number
    }

    private static func boolean(_ name: String, _ header: (String) -> String?) throws(Unreadable) -> Bool? {
        switch header(name) {
        case nil: return nil
        case "?1": return true
        case "?0": return false
        default: throw Unreadable(name, "must be ?1 or ?0")
        }
    }

    /// The headers of an answer about an upload.
    ///
    /// - Parameters:
    ///   - received: the bytes that are durable; nil in an answer that does not know it.
    ///   - length: the size of all bytes; nil while the client has not said it.
    ///   - isComplete: whether all bytes have come; nil in an answer before the bytes.
    ///   - maximum: the most bytes of the upload.
    ///   - seconds: the time for which the upload is kept.
    public static func answer(
        in dialect: Dialect,
        received: Int?,
        length: Int?,
        isComplete: Bool?,
        maximum: Int,
        seconds: Int
    ) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if let isComplete { fields.append(("Upload-Complete", isComplete ? "?1" : "?0")) }
        if let number = dialect.number { fields.append(("Upload-Draft-Interop-Version", String(number))) }
        if let received { fields.append(("Upload-Offset", String(received))) }
        if let length { fields.append(("Upload-Length", String(length))) }
        if isComplete != true { fields.append(limit(maximum: maximum, seconds: seconds, in: dialect)) }
        return fields
    }

    /// The header that says how many bytes an upload may have, and for how many seconds it can go on.
    public static func limit(maximum: Int, seconds: Int, in dialect: Dialect) -> (name: String, value: String) {
        ("Upload-Limit", "max-size=\(maximum), \(dialect == .draft6 ? "expires" : "max-age")=\(seconds)")
    }
}

extension Refusal {
    /// `Upload-Offset` is not where the last durable byte ended; ask with HEAD where to go on.
    public static let uploadOffset = Refusal(
        .conflict,
        "upload_offset",
        en: "The next byte of this upload is another; Upload-Offset says which.",
        nl: "De volgende byte van deze upload is een andere; Upload-Offset zegt welke.",
        de: "Das nächste Byte dieses Uploads ist ein anderes; Upload-Offset sagt, welches."
    )

    /// Another request of the same sender has taken the upload over, so this one writes no more.
    public static let uploadTakenOver = Refusal(
        .conflict,
        "upload_taken_over",
        en: "A newer request goes on with this upload.",
        nl: "Een nieuwer verzoek gaat verder met deze upload.",
        de: "Eine neuere Anfrage setzt diesen Upload fort."
    )

    /// All bytes have come, and a job passes them on, so the upload can no longer be cancelled.
    public static let uploadComplete = Refusal(
        .conflict,
        "upload_complete",
        en: "This upload is complete.",
        nl: "Deze upload is compleet.",
        de: "Dieser Upload ist vollständig."
    )

    /// The bytes are fewer or more than the client has announced.
    public static let uploadLength = Refusal(
        .conflict,
        "upload_length",
        en: "The upload has another size than was announced.",
        nl: "De upload heeft een andere grootte dan aangekondigd.",
        de: "Der Upload hat eine andere Größe als angekündigt."
    )

    /// The sender sends three uploads at this moment, or the answering process takes 200.
    public static let tooManyUploads = Refusal(
        .tooMany(after: 5),
        "too_many_uploads",
        en: "There are too many uploads at once. Please wait a moment.",
        nl: "Er zijn te veel uploads tegelijk. Wacht even.",
        de: "Es gibt zu viele Uploads gleichzeitig. Bitte warte einen Moment."
    )
}
