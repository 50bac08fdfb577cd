import Foundation
import GuestModels
import Postgres
import Sync
import TestKit
import Testing

@testable import GuestAPI

/// Albums: photos whose rows come ahead of their bytes, as members send, like, caption and delete them.
@Suite(.timeLimit(.minutes(20))) struct AlbumTests {
    struct Stage: Sendable {
        let api: GuestAPITestService
        let stay: Given.BookedStay
        var album: String { "/v1/albums/\(stay.booking.id)/photos" }

        func request(_ bytes: [UInt8], size: Int? = nil, caption: String? = nil) throws -> PhotoRequest {
            PhotoRequest(
                name: try #require(PhotoName(of: Data(bytes))),
                size: size ?? bytes.count,
                takenAt: api.now.addingTimeInterval(-3600),
                caption: caption
            )
        }

        func add(_ bytes: [UInt8], as who: Given.Person, caption: String? = nil) async throws -> Photo {
            try await api.post(album, request(bytes, caption: caption), as: who).decode()
        }

        func send(_ bytes: [UInt8], of photo: Photo, as who: Given.Person) async throws -> GuestAPITestService.Response
        {
            let headers = ["content-type": "application/octet-stream"]
            return try await api.send(
                "PUT",
                "/v1/photos/\(photo.id)/bytes",
                raw: Data(bytes),
                as: who,
                headers: headers
            )
        }

        /// Adds a photo with its bytes, and waits until its pictures are made.
        func photo(
            _ name: String = "p3.jpg",
            as who: Given.Person? = nil,
            caption: String? = nil
        ) async throws -> Photo {
            let (bytes, who) = (try PictureTests.file(name), who ?? stay.member)
            let photo = try await add(bytes, as: who, caption: caption)
            #expect(try await send(bytes, of: photo, as: who).status == 201)
            try await api.work()
            return try await seen(photo)
        }

        func seen(_ photo: Photo, as who: Given.Person? = nil) async throws -> Photo {
            try await api.get("/v1/photos/\(photo.id)", as: who ?? stay.organiser).decode()
        }

        func picture(_ photo: Photo, _ size: Picture.Size) async throws -> GuestAPITestService.Response {
            try await api.get("/v1/photos/\(photo.id)/pictures/\(size.rawValue)", as: stay.organiser)
        }
    }

    func stage(_ api: GuestAPITestService) async throws -> Stage {
        // The member does not travel, so that the member may leave the group.
        let stay = try await api.given.stay(everybody: false, confirmed: true)
        try stay.wait(until: "2027-05-16 12:00")
        return Stage(api: api, stay: stay)
    }

    @Test func `A photo's row comes ahead of its bytes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")

            let photo = try await stage.add(bytes, as: stage.stay.member)
            #expect(try await stage.seen(photo).state == .coming)
            #expect(try await stage.send(bytes, of: photo, as: stage.stay.member).status == 201)
            #expect(try await stage.seen(photo).state == .making)
            #expect(try await stage.picture(photo, .small).status == 404)
            try await api.work()

            let ready = try await stage.seen(photo)
            #expect(ready.state == .ready && ready.width == 64 && ready.height == 48)
            #expect(try await stage.send(bytes, of: photo, as: stage.stay.member).status == 204)
        }
    }

    @Test func `Members see a ready photo in four sizes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()

            for size in Picture.Size.allCases {
                let picture = try await stage.picture(photo, size)
                #expect(picture.status == 200 && picture.headers["content-type"] == "image/jpeg")
                #expect(picture.headers["cache-control"] == "private, no-cache")
                #expect(picture.body.starts(with: [0xff, 0xd8]) && picture.body.range(of: Data("SECRET".utf8)) == nil)
                let tag = try #require(picture.headers["etag"])
                let path = "/v1/photos/\(photo.id)/pictures/\(size.rawValue)"
                let again = try await api.send("GET", path, as: stage.stay.member, headers: ["If-None-Match": tag])
                #expect(again.status == 304)
            }
        }
    }

    @Test func `The camera's time is the photo's time`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            #expect(try await stage.photo().takenAt == Date(rfc3339: "2027-05-14T14:32:07Z"))
        }
    }

    @Test func `One photo added many times at once is in the album once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let request = try stage.request(PictureTests.file("p3.jpg"))

            let answers = try await withThrowingTaskGroup(of: GuestAPITestService.Response.self) { group in
                for number in 0..<20 {
                    let who = number % 2 == 0 ? stage.stay.organiser : stage.stay.member
                    group.addTask { try await api.post(stage.album, request, as: who) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }

            #expect(answers.count { $0.status == 201 } == 1 && answers.count { $0.status == 200 } == 19)
            #expect(try Set(answers.map { try $0.decode(Photo.self).id }).count == 1)
        }
    }

    @Test func `Two members send the bytes of one photo at once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            let photo = try await stage.add(bytes, as: stage.stay.organiser)

            async let one = stage.send(bytes, of: photo, as: stage.stay.organiser)
            async let other = stage.send(bytes, of: photo, as: stage.stay.member)
            let statuses = try await [one.status, other.status]
            try await api.work()

            #expect(statuses.allSatisfy { [201, 204].contains($0) })
            #expect(try await stage.seen(photo).state == .ready)
            // The picture that lost is removed after an hour.
            api.clock.advance(by: RemovePicture.delay + 1)
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM picture") == 1)
            #expect(try await api.count("SELECT count(*) FROM upload WHERE gone_at IS NULL") == 0)
        }
    }

    @Test func `An album takes photos only while its booking is firm`() async throws {
        try await withGuestAPI { api in
            let held = try await api.given.stay()
            let stage = Stage(api: api, stay: held)
            let request = try stage.request(PictureTests.file("p3.jpg"))
            #expect(try await api.post(stage.album, request, as: held.member).code == "album_closed")

            let firm = try await self.stage(api)
            api.clock.advance(by: 370 * 86400)
            #expect(try await api.post(firm.album, request, as: firm.stay.member).code == "album_closed")
        }
    }

    @Test func `A full album takes no photo`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api)
            let own = try #require(stage.stay.group.travellers.first).id
            try await api.transaction { tx in
                try await tx.run(
                    Command(
                        """
                        INSERT INTO photo (id, group_id, booking_id, added_by, name, size, taken_at, added_at)
                        SELECT gen_random_uuid(), \(stage.stay.group.id)::uuid, \(stage.stay.booking.id)::uuid,
                            \(own)::uuid, lpad(to_hex(number), 64, '0'), 1, now(), now()
                        FROM generate_series(1, \(Album.maximumPhotos)::int) AS number
                        """
                    )
                )
            }
            let request = try stage.request(PictureTests.file("p3.jpg"))
            #expect(try await api.post(stage.album, request, as: stage.stay.member).code == "album_full")
        }
    }

    // MARK: Bytes

    @Test func `Bytes that are not the photo's are refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            let photo = try await stage.add(bytes, as: stage.stay.member)

            let wrong = try await stage.send(bytes.dropLast() + [0], of: photo, as: stage.stay.member)
            #expect(wrong.code == "photo_unreadable")

            #expect(try await stage.send(bytes, of: photo, as: stage.stay.member).status == 201)
        }
    }

    @Test func `A lie about the size keeps no photo out of the album`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            _ = try await api.post(stage.album, stage.request(bytes, size: 10), as: stage.stay.organiser)

            #expect(try await stage.photo().state == .ready)
        }
    }

    @Test func `A photo whose bytes never come goes after thirty days`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (ready, coming) = (try await stage.photo(), try await stage.add([1, 2, 3], as: stage.stay.member))
            func forget(after days: Double) async throws -> Int {
                api.clock.advance(by: days * 86400)
                _ = try await api.transaction { try await Photo.forgetComing(api.app.act(in: $0, as: .job("test"))) }
                return try await api.get("/v1/photos/\(coming.id)", as: stage.stay.organiser).status
            }

            #expect(try await forget(after: 29) == 200)
            #expect(try await forget(after: 2) == 404)
            #expect(try await stage.seen(ready).state == .ready)
        }
    }

    @Test func `A photo with another size than was told is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            let request = try stage.request(bytes, size: 10)
            let photo: Photo = try await api.post(stage.album, request, as: stage.stay.member).decode()

            #expect(try await stage.send(bytes, of: photo, as: stage.stay.member).code == "upload_length")
            let headers = ["content-type": "image/jpeg", "upload-complete": "?0", "upload-length": "11"]
            let path = "/v1/photos/\(photo.id)/bytes"
            let begun = try await api.send("PUT", path, raw: Data(), as: stage.stay.member, headers: headers)
            #expect(begun.code == "upload_length")
        }
    }

    @Test func `A file of another format is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let svg = Array(#"<svg xmlns="http://www.w3.org/2000/svg"/>"#.utf8)
            let photo = try await stage.add(svg, as: stage.stay.member)

            #expect(try await stage.send(svg, of: photo, as: stage.stay.member).code == "photo_unreadable")
        }
    }

    @Test func `A cut picture becomes unreadable`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try Array(PictureTests.file("p3.jpg").dropLast(200))
            let photo = try await stage.add(bytes, as: stage.stay.member)

            #expect(try await stage.send(bytes, of: photo, as: stage.stay.member).status == 201)
            try await api.work()

            #expect(try await stage.seen(photo).state == .unreadable)
            #expect(try await stage.picture(photo, .small).status == 404)
        }
    }

    @Test func `A photo that ends its process three times is unreadable`() async throws {
        let program = NSTemporaryDirectory() + "voorpret-worker-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: program) }
        try Data("#!/bin/sh\necho ready\nread order\nkill -9 $$\n".utf8).write(to: URL(filePath: program))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        try await withGuestAPI(adjust: { $0.photoWorker = program }) { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            #expect(photo.state == .making)
            for _ in 0..<2 {
                api.clock.advance(by: 60)
                try await api.work()
            }
            #expect(try await stage.seen(photo).state == .unreadable)
        }
    }

    @Test(arguments: ["/nowhere/photo-worker", "/bin/false"])
    func `A photo waits for a worker program that does not start`(_ program: String) async throws {
        try await withGuestAPI(adjust: { $0.photoWorker = program }) { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            for _ in 0..<5 {
                api.clock.advance(by: 600)
                try await api.work()
            }
            #expect(try await stage.seen(photo).state == .making)
        }
    }

    @Test func `Another member brings the bytes of a photo whose sender was erased`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            let photo = try await stage.add(bytes, as: stage.stay.organiser)
            #expect(try await stage.send(bytes, of: photo, as: stage.stay.member).status == 201)
            #expect(try await api.send("DELETE", "/v1/me", as: stage.stay.member).status == 204)
            try await api.work()
            #expect(try await stage.seen(photo).state == .coming)

            #expect(try await stage.send(bytes, of: photo, as: stage.stay.organiser).status == 201)
            try await api.work()

            #expect(try await stage.seen(photo).state == .ready)
        }
    }

    @Test func `A photo with a camera's endless time is ready without it`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            var bytes = try PictureTests.file("sample.png")
            let time = Array("2027:05:14 16:32:07".utf8)
            let place = try #require(Data(bytes).range(of: Data(time))).lowerBound
            bytes.replaceSubrange(place..<place + time.count, with: Array("9999:99:99 99:99:99".utf8))

            let photo = try await stage.add(bytes, as: stage.stay.member)
            _ = try await stage.send(bytes, of: photo, as: stage.stay.member)
            try await api.work()

            #expect(try await stage.seen(photo).takenAt == photo.takenAt)
        }
    }

    @Test func `A member who leaves midway sends no more bytes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (bytes, member) = (try PictureTests.file("p3.jpg"), stage.stay.member)
            let photo = try await stage.add(bytes, as: member)
            let headers = ["content-type": "image/jpeg", "upload-complete": "?0", "upload-length": "\(bytes.count)"]
            let path = "/v1/photos/\(photo.id)/bytes"
            let begun = try await api.send("PUT", path, raw: Data(), as: member, headers: headers)
            let upload = try #require(begun.headers["location"])
            let own = try #require(try await traveller(of: member, stage))
            let address = "/v1/groups/\(stage.stay.group.id)/travellers/\(own)"
            let left = try await api.send("DELETE", address, as: stage.stay.organiser)
            #expect(left.status == 204)

            let last = ["content-type": Upload.partialType, "upload-offset": "0", "upload-complete": "?1"]
            let refused = try await api.send("PATCH", upload, raw: Data(bytes), as: member, headers: last)
            #expect(refused.status == 404)
            #expect(try await stage.seen(photo).state == .coming)
        }
    }

    private func traveller(of who: Given.Person, _ stage: Stage) async throws -> Traveller.ID? {
        let guest = try who.id()
        return try await stage.api.transaction {
            try await $0.first(GroupSQL.ownRow(in: stage.stay.group.id, of: guest))?.id
        }
    }

    // MARK: Texts and hearts

    private func change(
        _ photo: Photo,
        _ change: PhotoChange,
        as who: Given.Person,
        _ api: GuestAPITestService
    ) async throws -> GuestAPITestService.Response {
        try await api.change("PATCH", "/v1/photos/\(photo.id)", change, as: who)
    }

    @Test func `A caption replaces only the text that its writer has seen`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.add(PictureTests.file("p3.jpg"), as: stage.stay.member, caption: "Lake")
            let first = PhotoChange(caption: TextChange(was: "Lake", text: "The lake"))
            let second = PhotoChange(caption: TextChange(was: "Lake", text: "A pond"))

            let changed = try await change(photo, first, as: stage.stay.organiser, api)
            #expect(try changed.decode(Photo.self).caption == "The lake")
            let refused = try await change(photo, second, as: stage.stay.member, api)
            #expect(refused.code == "text_changed" && refused.pointers == ["/caption"])
            // The same change once more changes nothing.
            #expect(try await change(photo, first, as: stage.stay.organiser, api).status == 200)
            #expect(try await api.count("SELECT count(*) FROM photo_event") == 2)
        }
    }

    @Test func `A later heart counts, by the clocks of the phones`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (photo, member) = (try await stage.photo(), stage.stay.member)
            let guest = try member.id()
            func heart(_ isHearted: Bool, at instant: Date) async throws {
                _ = try await api.transaction { tx in
                    let act = api.app.act(in: tx, as: .guest(guest), at: instant)
                    return try await Photo.heart(HeartRequest(isHearted: isHearted), photo.id, act)
                }
            }
            let own = try #require(try await traveller(of: member, stage))

            try await heart(true, at: api.now)
            try await heart(false, at: api.now.addingTimeInterval(-60))
            #expect(try await stage.seen(photo).hearts == [own])

            try await heart(false, at: api.now.addingTimeInterval(1))
            #expect(try await stage.seen(photo).hearts == [])
        }
    }

    @Test func `The hearts of a member who leaves go and their photos stay`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (photo, member) = (try await stage.photo(), stage.stay.member)
            let liked = try await api.change(
                "PUT",
                "/v1/photos/\(photo.id)/heart",
                HeartRequest(isHearted: true),
                as: member
            )
            #expect(liked.status == 200)

            let own = try #require(try await traveller(of: member, stage))
            let address = "/v1/groups/\(stage.stay.group.id)/travellers/\(own)"
            #expect(try await api.send("DELETE", address, as: stage.stay.organiser).status == 204)

            let left = try await stage.seen(photo)
            #expect(left.hearts == [] && left.travellerId == own)
            #expect(try await api.get("/v1/photos/\(photo.id)", as: member).status == 404)
        }
    }

    // MARK: Lists

    @Test func `An album is listed in pages, and once to a reader who has it`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            var added: [Photo.ID] = []
            for name in ["p3.jpg", "sample.png", "sample.webp"] {
                added.append(try await stage.add(PictureTests.file(name), as: stage.stay.member).id)
            }
            added.sort()
            let first = try await api.get("\(stage.album)?limit=2", as: stage.stay.organiser)
            let page = try first.decode(Listed<Photo>.self)
            #expect(page.items.map(\.id) == Array(added.prefix(2)))
            let next = try #require(page.next)
            let rest = try await api.get("\(stage.album)?limit=2&cursor=\(next)", as: stage.stay.organiser)
            #expect(try rest.decode(Listed<Photo>.self).items.map(\.id) == Array(added.suffix(1)))

            let known = ["If-None-Match": try #require(first.headers["etag"])]
            func again() async throws -> Int {
                try await api.send("GET", stage.album, as: stage.stay.organiser, headers: known).status
            }
            #expect(try await again() == 304)
            _ = try await stage.add(PictureTests.file("sample.avif"), as: stage.stay.member)
            #expect(try await again() == 200)
        }
    }

    // MARK: Going

    /// The addresses of a photo, as its group asks for them.
    private func statuses(_ photo: Photo, _ stage: Stage) async throws -> Set<Int> {
        var statuses: Set<Int> = []
        for path in ["", "/pictures/master", "/pictures/256"] {
            statuses.insert(try await stage.api.get("/v1/photos/\(photo.id)\(path)", as: stage.stay.organiser).status)
        }
        return statuses
    }

    @Test func `A deleted photo is gone at once and its bytes after an hour`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let other = try await api.send("DELETE", "/v1/photos/\(photo.id)", as: stage.stay.organiser)
            #expect(other.status == 403)

            #expect(try await api.send("DELETE", "/v1/photos/\(photo.id)", as: stage.stay.member).status == 204)

            #expect(try await statuses(photo, stage) == [404])
            let folder = "\(api.stateFolder)/objects/pictures"
            func files() throws -> Int {
                try FileManager.default.subpathsOfDirectory(atPath: folder).count { $0.contains("/") }
            }
            try await api.work()
            #expect(try files() == 4)
            api.clock.advance(by: RemovePicture.delay + 1)
            try await api.work()
            #expect(try files() == 0)
            #expect(try await api.count("SELECT count(*) FROM picture") == 0)
        }
    }

    @Test func `A photo that is deleted while its pictures are made leaves none`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            let photo = try await stage.add(bytes, as: stage.stay.member)
            _ = try await stage.send(bytes, of: photo, as: stage.stay.member)
            let upload: Upload.ID = try #require(
                try await api.transaction { tx in
                    try await tx.first(Query("SELECT id FROM upload ORDER BY id") { try $0.decode("id") })
                }
            )
            let work = MakePhoto(photoId: photo.id, uploadId: upload)
            try await work.deliver(Job.ID(UUID()), api.app)

            #expect(try await api.send("DELETE", "/v1/photos/\(photo.id)", as: stage.stay.member).status == 204)
            try await api.work()
            api.clock.advance(by: RemovePicture.delay + 1)
            try await api.work()

            #expect(try await api.count("SELECT count(*) FROM picture") == 0)
            let objects = try FileManager.default.subpathsOfDirectory(atPath: "\(api.stateFolder)/objects/pictures")
            #expect(!objects.contains { $0.contains("/") })
        }
    }

    @Test func `An erasure takes a guest's photos, texts and hearts`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let own = try await stage.photo(caption: "Mine")
            let other = try await stage.photo("sample.png", as: stage.stay.organiser)
            let caption = PhotoChange(caption: TextChange(was: nil, text: "Words of the member"))
            #expect(try await change(other, caption, as: stage.stay.member, api).status == 200)
            let alt = PhotoChange(alt: TextChange(was: nil, text: "Four quarters"))
            #expect(try await change(other, alt, as: stage.stay.organiser, api).status == 200)

            let path = "/v1/photos/\(other.id)/heart"
            let liked = try await api.change("PUT", path, HeartRequest(isHearted: true), as: stage.stay.member)
            #expect(try liked.decode(Photo.self).hearts.count == 1)

            #expect(try await api.send("DELETE", "/v1/me", as: stage.stay.member).status == 204)

            #expect(try await statuses(own, stage) == [404])
            let left = try await stage.seen(other)
            #expect(left.caption == nil && left.alt == "Four quarters" && left.state == .ready)
            #expect(left.hearts == [])
            #expect(try await api.count("SELECT count(*) FROM photo_event WHERE value LIKE 'Words%'") == 0)
        }
    }

    @Test func `What an older node leaves of an erased guest goes later`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let guest = try stage.stay.member.id()
            try await api.transaction { tx in
                try await tx.run(GroupDataSQL.erase(guest, at: api.now))
                try await Photo.forgetErased(api.app.act(in: tx, as: .job("test")))
            }
            #expect(try await statuses(photo, stage) == [404])
        }
    }
}
