public import Foundation

/// A photo of an album.
///
/// Its row comes ahead of its bytes, so that the group sees that it is on its way.
public struct Photo: Codable, Hashable, Sendable {
    public typealias ID = Identifier<Photo>

    public enum State: String, Codable, CaseIterable, Sendable {
        /// The bytes have not all come.
        case coming
        /// All bytes have come, and the copies are being made.
        case making
        /// The copies can be fetched.
        case ready
        /// The bytes are no picture that can be read.
        case unreadable
    }

    public var id: ID
    public var groupId: TravelGroup.ID
    /// The album's booking.
    public var bookingId: Booking.ID
    /// The member who added the photo.
    public var travellerId: Traveller.ID
    /// The SHA-256 of the bytes as they were taken.
    public var name: PhotoName
    /// The number of these bytes.
    public var size: Int
    /// When the photo was taken.
    public var takenAt: Date
    public var caption: String?
    /// A description of the picture, for those who cannot see it.
    public var alt: String?
    /// A blurred picture in 5 to 25 bytes, as base64 (https://evanw.github.io/thumbhash).
    public var thumbhash: String?
    public var state: State
    /// The pixels of the upright picture; nil before it is ready.
    public var width: Int?
    public var height: Int?
    /// The photo's place among photos that a curator has put in order; nil for a photo by its time.
    public var rank: Rank?
    /// True for a photo that the group does not see, because a curator hid it or somebody pictured objects.
    public var isHidden: Bool?
    /// The members who like the photo, in the order of their ids.
    public var hearts: [Traveller.ID]
    public var addedAt: Date

    public init(
        _ request: PhotoRequest,
        id: ID,
        album: Booking.ID,
        group: TravelGroup.ID,
        by traveller: Traveller.ID,
        at instant: Date
    ) {
        self.id = id
        groupId = group
        bookingId = album
        travellerId = traveller
        name = request.name
        size = request.size
        takenAt = Self.possible(request.takenAt ?? instant, addedAt: instant)
        caption = request.caption
        alt = request.alt
        thumbhash = request.thumbhash
        state = .coming
        hearts = []
        addedAt = instant
    }

    /// Changes the caption or the text for those who cannot see the picture.
    ///
    /// - Throws: `textChanged` if a text is not the one that the request replaces.
    public mutating func change(_ request: PhotoChange) throws(Refusal) {
        if let change = request.caption { caption = try change.replacing(caption, at: "/caption") }
        if let change = request.alt { alt = try change.replacing(alt, at: "/alt") }
    }

    /// Whether a member of the group sees the photo.
    ///
    /// - Parameters:
    ///   - isCurator: whether the member is the organiser or a curator of the album.
    ///   - isObjected: whether somebody says to be pictured and wants the photo hidden.
    public func isSeen(by traveller: Traveller.ID, isCurator: Bool, isObjected: Bool) -> Bool {
        traveller == travellerId || !isObjected && (isHidden != true || isCurator)
    }

    /// Corrects when the photo was taken, which was never after it was added.
    public mutating func shiftTime(by seconds: Int) {
        takenAt = Self.possible(takenAt.addingTimeInterval(Double(seconds)), addedAt: addedAt)
    }

    /// The time nearest to what a clock says: no photo was taken after it was added, or before 1900.
    private static func possible(_ instant: Date, addedAt: Date) -> Date {
        max(min(instant, addedAt), Date(timeIntervalSince1970: -2_208_988_800))
    }

    /// Adds or removes a member's heart.
    public mutating func heart(_ isHearted: Bool, by traveller: Traveller.ID) {
        hearts = (hearts.filter { $0 != traveller } + (isHearted ? [traveller] : [])).sorted()
    }
}

/// A photo that a member adds to an album; its bytes follow.
public struct PhotoRequest: Codable, Hashable, Sendable, Checked {
    /// The id, chosen by the phone; nil lets the service choose.
    public var id: Photo.ID?
    /// The SHA-256 of the bytes.
    public var name: PhotoName
    /// The number of bytes, 1 to 40 MiB.
    public var size: Int
    /// When the photo was taken; nil means now.
    public var takenAt: Date?
    public var caption: String?
    public var alt: String?
    public var thumbhash: String?

    public init(
        id: Photo.ID? = nil,
        name: PhotoName,
        size: Int,
        takenAt: Date? = nil,
        caption: String? = nil,
        alt: String? = nil,
        thumbhash: String? = nil
    ) {
        self.id = id
        self.name = name
        self.size = size
        self.takenAt = takenAt
        self.caption = caption
        self.alt = alt
        self.thumbhash = thumbhash
    }

    public func check(_ check: inout Check) {
        check.range(size, "/size", 1...Picture.maximumBytes)
        check.text(caption, "/caption", length: 1...500, hasLines: true)
        check.text(alt, "/alt", length: 1...500, hasLines: true)
        if let thumbhash {
            let count = Data(base64Encoded: thumbhash)?.count ?? 0
            check.require((5...25).contains(count), "/thumbhash", "must be 5 to 25 bytes in base64")
        }
    }
}

/// A change of a photo's texts; a text that is nil here stays as it is.
public struct PhotoChange: Codable, Hashable, Sendable, Checked {
    public var caption: TextChange?
    public var alt: TextChange?

    public init(caption: TextChange? = nil, alt: TextChange? = nil) {
        self.caption = caption
        self.alt = alt
    }

    public func check(_ check: inout Check) {
        check.part(caption, "/caption")
        check.part(alt, "/alt")
    }
}

/// A text in place of the text that its writer has seen.
public struct TextChange: Codable, Hashable, Sendable, Checked {
    /// The text that is replaced; nil if there was none.
    public var was: String?
    /// The new text, 1 to 500 characters; nil removes it.
    public var text: String?

    public init(was: String?, text: String?) {
        self.was = was
        self.text = text
    }

    public func check(_ check: inout Check) { check.text(text, "/text", length: 1...500, hasLines: true) }

    /// The new text; the same change once more changes nothing.
    ///
    /// - Throws: `textChanged` if the present text is another one.
    func replacing(_ present: String?, at pointer: String) throws(Refusal) -> String? {
        guard present == was || present == text else { throw .textChanged.at(pointer) }
        return text
    }
}

/// Whether a member likes a photo.
///
/// If two devices of one member differ, the answer that is later by their clocks wins.
public struct HeartRequest: Codable, Hashable, Sendable {
    public var isHearted: Bool

    public init(isHearted: Bool) {
        self.isHearted = isHearted
    }
}

/// A change of a photo's place in the album; what is nil here stays as it is.
public struct PhotoPlacement: Codable, Hashable, Sendable {
    public var isHidden: Bool?
    public var rank: Rank?

    public init(isHidden: Bool? = nil, rank: Rank? = nil) {
        self.isHidden = isHidden
        self.rank = rank
    }
}

/// The wish of somebody pictured that a photo is hidden, or is not any more.
public struct ObjectionRequest: Codable, Hashable, Sendable {
    /// The traveller who is pictured: nil for the member, or a child whose guardian the member is.
    public var travellerId: Traveller.ID?
    public var isObjecting: Bool

    public init(travellerId: Traveller.ID? = nil, isObjecting: Bool) {
        self.travellerId = travellerId
        self.isObjecting = isObjecting
    }
}

/// An objection as the member sees it who made it.
public struct PhotoObjection: Codable, Hashable, Sendable {
    public var photoId: Photo.ID
    /// The traveller who is pictured.
    public var travellerId: Traveller.ID
    public var at: Date

    public init(photoId: Photo.ID, travellerId: Traveller.ID, at: Date) {
        self.photoId = photoId
        self.travellerId = travellerId
        self.at = at
    }
}

/// A correction of the times of several photos, for a camera whose clock was wrong.
public struct TimeShift: Codable, Hashable, Sendable, Checked {
    /// 1 to 500 photos, which the member has added.
    public var photoIds: [Photo.ID]
    /// The seconds by which they were taken later, at most ten years; negative for earlier.
    public var seconds: Int

    public init(photoIds: [Photo.ID], seconds: Int) {
        self.photoIds = photoIds
        self.seconds = seconds
    }

    public func check(_ check: inout Check) {
        check.require((1...500).contains(photoIds.count), "/photoIds", "must have 1 to 500 ids")
        check.require(Set(photoIds).count == photoIds.count, "/photoIds", "must not name a photo twice")
        check.range(seconds, "/seconds", -315_576_000...315_576_000)
    }
}

/// The members who may hide and order an album's photos besides the organiser.
public struct CuratorsRequest: Codable, Hashable, Sendable, Checked {
    /// Members of the group, at most 50.
    public var travellerIds: [Traveller.ID]

    public init(travellerIds: [Traveller.ID]) {
        self.travellerIds = travellerIds
    }

    public func check(_ check: inout Check) {
        check.require(travellerIds.count <= 50, "/travellerIds", "must have at most 50 ids")
        check.require(Set(travellerIds).count == travellerIds.count, "/travellerIds", "must not name anybody twice")
    }
}

extension [Photo] {
    /// The photos in series: those that one member took within five seconds of the one before show as one.
    ///
    /// - Returns: the series in the order of their first photos' times; ties by the photos' ids.
    public var series: [[Photo]] {
        var series: [[Photo]] = []
        var last: [Traveller.ID: Int] = [:]
        for photo in sorted(by: { ($0.takenAt, $0.id) < ($1.takenAt, $1.id) }) {
            if let place = last[photo.travellerId], let before = series[place].last,
                photo.takenAt.timeIntervalSince(before.takenAt) <= 5
            {
                series[place].append(photo)
            } else {
                last[photo.travellerId] = series.count
                series.append([photo])
            }
        }
        return series
    }
}

extension Picture.Made {
    /// When the camera says that the photo was taken.
    ///
    /// - Parameters:
    ///   - clock: the park's clock, for cameras that know no time zone.
    ///   - latest: the time of the upload; no photo was taken later.
    /// - Returns: nil if the camera says no time that can be read.
    public func taken(by clock: ParkClock, atMost latest: Date) -> Date? {
        guard let takenAt else { return nil }
        let parts = takenAt.split(separator: " ")
        guard parts.count == 2, let date = LocalDate(String(parts[0]).replacing(":", with: "-")),
            parts[1].utf8.count == 8,
            let time = LocalTime(String(parts[1].prefix(5))), let seconds = Int(parts[1].suffix(2)),
            (0..<60).contains(seconds)
        else { return nil }
        var instant = clock.instant(date, time)
        if let takenOffset, let offset = Self.seconds(of: takenOffset) {
            let local = date.daysSince1970 * 86400 + time.minutes * 60
            instant = Date(timeIntervalSince1970: Double(local - offset))
        }
        return min(instant.addingTimeInterval(Double(seconds)), latest)
    }

    /// The seconds of a time zone such as `+02:00`, by which it is ahead of UTC; nil for other texts.
    private static func seconds(of offset: String) -> Int? {
        guard let sign = offset.first, "+-".contains(sign), let time = LocalTime(String(offset.dropFirst())) else {
            return nil
        }
        return (sign == "-" ? -60 : 60) * time.minutes
    }
}
