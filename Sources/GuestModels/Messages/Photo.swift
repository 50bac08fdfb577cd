/// The name of a message's photo: the SHA-256 of the phone's bytes, 64 hexadecimal digits.
public struct PhotoName: Codable, Hashable, Sendable, LosslessStringConvertible {
    public let description: String

    /// Reads a name; nil unless the text has 64 hexadecimal digits in lower case.
    public init?(_ description: String) {
        guard description.utf8.count == 64,
            description.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
        else { return nil }
        self.description = description
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let name = PhotoName(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "must be a SHA-256 in 64 hexadecimal digits"
            )
        }
        self = name
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension PhotoName: PathValue {
    public static func reading(_ segment: String) -> PhotoName? { PhotoName(segment) }
    public var segment: String { description }
}

/// A part of a photo.
///
/// Parts are sent one after the other, and each may be sent again, so a bad line loses only one part.
public struct PhotoPart: Codable, Hashable, Sendable, Checked {
    /// The most bytes of a photo; a phone makes a larger photo smaller before it sends it.
    public static let maximumPhoto = 2 * 1024 * 1024
    /// The most bytes of a part, so that a part fits into a request.
    public static let maximumBytes = 45_000

    /// The place in the photo where the part begins, in bytes.
    public var from: Int
    /// The size of the photo in bytes.
    public var of: Int
    /// The bytes of the part in Base64.
    public var bytes: String

    public init(from: Int, of size: Int, bytes: String) {
        self.from = from
        of = size
        self.bytes = bytes
    }

    public func check(_ check: inout Check) {
        check.range(from, "/from", 0...Self.maximumPhoto)
        check.range(of, "/of", 1...Self.maximumPhoto)
        check.require(
            (1...Self.maximumBytes / 3 * 4).contains(bytes.utf8.count),
            "/bytes",
            "must be 1 to \(Self.maximumBytes) bytes in base64"
        )
    }
}

/// The answer to a part of a photo: how much of the photo the service has.
public struct PhotoReceipt: Codable, Hashable, Sendable {
    /// The bytes received from the beginning; the next part begins there.
    public var received: Int
    /// Whether the photo is complete and matches its name; others see it a moment later, when it is stored.
    public var isThere: Bool

    public init(received: Int, isThere: Bool) {
        self.received = received
        self.isThere = isThere
    }
}

extension Refusal {
    /// `from` leaves a gap or passes the end, or `of` differs; continue at `received`, or from 0.
    public static let partMisplaced = Refusal(
        .conflict,
        "part_misplaced",
        en: "That part does not begin where the last one ended, or belongs to a photo of another size.",
        nl: "Dat deel begint niet waar het vorige eindigde, of hoort bij een foto van een andere grootte.",
        de: "Dieser Teil beginnt nicht, wo der letzte endete, oder gehört zu einem Foto anderer Größe."
    )

    /// The parts are complete, but their SHA-256 is not the name, or they are no JPEG; all were deleted.
    public static let photoUnreadable = Refusal(
        .conflict,
        "photo_unreadable",
        en: "The photo is not what its name says, or no JPEG; send it from the beginning.",
        nl: "De foto is niet wat de naam zegt, of geen JPEG; stuur hem opnieuw vanaf het begin.",
        de: "Das Foto ist nicht, was sein Name sagt, oder kein JPEG; sende es von vorn."
    )

    /// The group has 500 photos, unfinished ones included, or the guest has sent 2,000 in all groups.
    public static let tooManyPhotos = Refusal(
        .conflict,
        "too_many_photos",
        en: "There are too many photos with messages, in this group or of yours.",
        nl: "Er zijn te veel foto's bij berichten, in deze groep of van jou.",
        de: "Es gibt zu viele Fotos bei Nachrichten, in dieser Gruppe oder von dir."
    )
}
