import Foundation
import GuestModels
import Testing

/// The rules of albums and their photos.
@Suite struct AlbumRulesTests {
    @Test func `An album has room up to its last photo and its last byte`() throws {
        try Album.allowOneMore(of: 10, besides: Album.maximumPhotos - 1, with: Album.maximumBytes - 10)
        #expect(throws: Refusal.albumFull) { try Album.allowOneMore(of: 10, besides: Album.maximumPhotos, with: 0) }
        #expect(throws: Refusal.albumFull) { try Album.allowOneMore(of: 10, besides: 0, with: Album.maximumBytes - 9) }
    }

    private func photo(_ second: Double, by traveller: Traveller.ID) throws -> Photo {
        let name = try #require(PhotoName(String(repeating: "0", count: 64)))
        let taken = Date(timeIntervalSince1970: second)
        let request = PhotoRequest(name: name, size: 1, takenAt: taken)
        let (album, group) = (Booking.ID(UUID()), TravelGroup.ID(UUID()))
        return Photo(request, id: Photo.ID(UUID()), album: album, group: group, by: traveller, at: .distantFuture)
    }

    @Test func `Photos of one member within five seconds are a series`() throws {
        let (one, other) = (Traveller.ID(UUID()), Traveller.ID(UUID()))
        let photos = try [
            photo(0, by: one), photo(4, by: one), photo(5, by: other), photo(9, by: one), photo(14.5, by: one),
        ]

        let series = photos.shuffled().series

        #expect(series.map { $0.map(\.takenAt.timeIntervalSince1970) } == [[0, 4, 9], [5], [14.5]])
    }

    @Test func `A hidden photo is seen by its member and curators`() throws {
        let (adder, other) = (Traveller.ID(UUID()), Traveller.ID(UUID()))
        var photo = try photo(0, by: adder)
        func isSeen(_ who: Traveller.ID, curator: Bool = false, objected: Bool = false) -> Bool {
            photo.isSeen(by: who, isCurator: curator, isObjected: objected)
        }
        #expect(isSeen(other) && !isSeen(other, objected: true) && !isSeen(other, curator: true, objected: true))
        #expect(isSeen(adder, objected: true))
        photo.isHidden = true
        #expect(!isSeen(other) && isSeen(other, curator: true) && isSeen(adder))
    }

    private let clock = ParkClock(timeZone: "Europe/Amsterdam")
    private let late = Date(timeIntervalSince1970: 2_000_000_000)

    private func taken(_ at: String?, _ offset: String? = nil, atMost latest: Date? = nil) -> TimeInterval? {
        guard let clock else { return nil }
        let made = Picture.Made(width: 1, height: 1, size: 1, crc32: 0, takenAt: at, takenOffset: offset)
        return made.taken(by: clock, atMost: latest ?? late)?.timeIntervalSince1970
    }

    @Test func `A camera with a time zone counts by it`() {
        #expect(taken("2027:05:14 16:32:07", "+02:00") == 1_810_305_127)
        #expect(taken("2027:05:14 16:32:07", "-05:00") == 1_810_330_327)
    }

    @Test func `A camera without a time zone counts by the park's clock`() {
        #expect(taken("2027:05:14 16:32:07") == 1_810_305_127)
        #expect(taken("2027:01:14 16:32:07", "rubbish") == taken("2027:01:14 16:32:07", "+01:00"))
    }

    @Test func `A photo is never taken after its upload`() {
        #expect(taken("2099:01:01 00:00:00") == late.timeIntervalSince1970)
    }

    @Test(arguments: ["", "0000:00:00 00:00:00", "2027:05:14", "2027:05:14 25:00:00", "2027:05:14 16:32:99", "x y"])
    func `A time that cannot be read is none`(_ text: String) {
        #expect(taken(text) == nil)
    }

    @Test(arguments: [
        ("ffd8ffe0", Picture.Format.jpeg), ("89504e470d0a1a0a", .png), ("524946460000000057454250", .webp),
        ("000000186674797068656963000000006d69663168656963", .heic),
        ("00000018667479706d696631000000006d69663168656963", .heic),
        ("0000001c66747970617669660000000061766966", .avif), ("474946383961", nil), ("49492a00", nil),
        ("000000186674797069736f6d0000000069736f6d6d703432", nil), ("", nil), ("0000000066747970", nil),
    ])
    func `A format is told by the first bytes`(_ hexadecimal: String, _ format: Picture.Format?) {
        let bytes = stride(from: 0, to: hexadecimal.count, by: 2).map { place in
            UInt8(hexadecimal.dropFirst(place).prefix(2), radix: 16) ?? 0
        }
        #expect(Picture.Format(firstBytes: bytes) == format)
    }
}
