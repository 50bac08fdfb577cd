/// The photos of a booking, shared by its group.
///
/// A booking has one album, with the booking's id, from the moment when it becomes firm.
public struct Album: Hashable, Sendable {
    /// The most photos of an album.
    public static let maximumPhotos = 2_000
    /// The most bytes of an album's photos together, as guests sent them.
    public static let maximumBytes = 10 * 1024 * 1024 * 1024
    /// The days after the departure for which an album takes photos.
    public static let daysOpen = 365

    public var id: Booking.ID
    public var groupId: TravelGroup.ID
    public var state: Booking.State
    public var departure: LocalDate
    /// The park's time zone, an IANA name.
    public var timeZone: String

    public init(
        id: Booking.ID,
        groupId: TravelGroup.ID,
        state: Booking.State,
        departure: LocalDate,
        timeZone: String
    ) {
        self.id = id
        self.groupId = groupId
        self.state = state
        self.departure = departure
        self.timeZone = timeZone
    }

    /// Throws unless members may add photos on the park-local day `today`.
    ///
    /// - Throws: `albumClosed` before the booking is firm, after it was cancelled, and a year after the departure.
    public func allowAdding(today: LocalDate) throws(Refusal) {
        switch state {
        case .confirmed, .checkedIn, .checkedOut: break
        case .held, .expired, .cancelled, .noShow: throw .albumClosed
        }
        guard today <= departure.adding(days: Self.daysOpen) else { throw .albumClosed }
    }

    /// Throws `albumFull` if the album has no room for one more photo.
    ///
    /// - Parameters:
    ///   - photos: the number of its photos.
    ///   - bytes: the size of its photos together.
    public static func allowOneMore(of size: Int, besides photos: Int, with bytes: Int) throws(Refusal) {
        guard photos < maximumPhotos, bytes <= maximumBytes - size else { throw .albumFull }
    }
}

extension Refusal {
    /// The booking is not firm, was cancelled, or ended more than a year ago.
    public static let albumClosed = Refusal(
        .conflict,
        "album_closed",
        en: "This album takes no photos now.",
        nl: "Dit album neemt nu geen foto's aan.",
        de: "Dieses Album nimmt jetzt keine Fotos an."
    )

    /// The album has 2,000 photos or 10 GiB.
    public static let albumFull = Refusal(
        .conflict,
        "album_full",
        en: "The album is full.",
        nl: "Het album is vol.",
        de: "Das Album ist voll."
    )

    /// The child's guardian has not agreed to photos, or does not any more.
    public static let photosNotAllowed = Refusal(
        .forbidden,
        "photos_not_allowed",
        en: "The person who looks after you has not agreed to photos.",
        nl: "Wie voor je zorgt, heeft geen toestemming gegeven voor foto's.",
        de: "Wer für dich sorgt, hat Fotos nicht zugestimmt."
    )

    /// The album has the photo, and it is hidden from this member.
    public static let photoHidden = Refusal(
        .conflict,
        "photo_hidden",
        en: "This photo is hidden in the album.",
        nl: "Deze foto is verborgen in het album.",
        de: "Dieses Foto ist im Album verborgen."
    )

    /// Somebody else has changed the text that the request replaces.
    public static let textChanged = Refusal(
        .conflict,
        "text_changed",
        en: "Somebody else has just changed this text; look at it and try again.",
        nl: "Iemand anders heeft deze tekst net veranderd; bekijk hem en probeer het opnieuw.",
        de: "Jemand anders hat diesen Text gerade geändert; sieh ihn an und versuche es erneut."
    )
}
