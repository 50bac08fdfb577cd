/// The name of a message's photo: the SHA-256 of the phone's bytes, 64 hexadecimal digits.
public struct PhotoName: Codable, Hashable, Sendable, LosslessStringConvertible {
    /// The most bytes of a photo; a phone makes a larger photo smaller before it sends it.
    public static let maximumBytes = 2 * 1024 * 1024

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

extension Refusal {
    /// All bytes have come, but they are not those that the photo's name says, or no picture; the upload has ended.
    public static let photoUnreadable = Refusal(
        .conflict,
        "photo_unreadable",
        en: "The photo is not what its name says, or no picture that we can read; send it from the beginning.",
        nl: "De foto is niet wat de naam zegt, of geen leesbare foto; stuur hem opnieuw vanaf het begin.",
        de: "Das Foto ist nicht, was sein Name sagt, oder kein lesbares Bild; sende es von vorn."
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
