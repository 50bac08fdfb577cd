import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension MessageTests {
    private func part(_ photo: Data, from: Int, count: Int = 45_000) -> PhotoPart {
        let bytes = photo.dropFirst(from).prefix(count)
        return PhotoPart(from: from, of: photo.count, bytes: bytes.base64EncodedString())
    }

    @Test func `A photo's bytes are read in ranges`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = SamplePhoto.baseline
            let path = stage.path("photos/\(try #require(PhotoName(of: photo)))")
            _ = try await send(photo, as: stage.member, stage, api)
            let whole = try await api.get(path, as: stage.member)
            let tag = try #require(whole.headers["etag"])

            func read(
                _ headers: [String: String],
                by method: String = "GET"
            ) async throws -> GuestAPITestService.Response {
                try await api.send(method, path, as: stage.member, headers: headers)
            }
            let part = try await read(["Range": "bytes=10-19", "If-Range": tag])
            #expect(part.status == 206 && part.body == whole.body[10..<20])
            #expect(part.headers["content-range"] == "bytes 10-19/\(whole.body.count)")
            let head = try await read([:], by: "HEAD")
            #expect(head.body.isEmpty && head.headers["content-length"] == "\(whole.body.count)")
            #expect(try await read(["If-None-Match": tag]).status == 304)
            let behind = try await read(["Range": "bytes=\(whole.body.count)-"])
            #expect(behind.code == "range_not_satisfiable")
            #expect(behind.headers["content-range"] == "bytes */\(whole.body.count)")
        }
    }

    /// A photo in a problem that a member has told the hosts.
    private struct ProblemPhoto {
        let bytes: Data
        let name: PhotoName
        /// The address for the group.
        let path: String
        /// The topic's address for hosts.
        let topic: String
        /// The photo's address for hosts.
        var hosted: String { "\(topic)/photos/\(name)" }
    }

    /// A problem is told whose photo has not come yet.
    private func problem(
        with bytes: Data = SamplePhoto.baseline,
        _ stage: Stage,
        _ api: GuestAPITestService
    ) async throws -> ProblemPhoto {
        let name = try #require(PhotoName(of: bytes))
        let request = TopicRequest(
            bookingId: stage.booking.id,
            kind: .problem,
            message: MessageRequest(text: "Look at this", photo: name)
        )
        let topic = try await api.post(stage.path("topics"), request, as: stage.member).decode(Topic.self)
        return ProblemPhoto(
            bytes: bytes,
            name: name,
            path: stage.path("photos/\(name)"),
            topic: "/v1/admin/topics/\(topic.id)"
        )
    }

    /// Sends a photo in one part.
    func send(
        _ bytes: Data,
        as who: Given.Person,
        _ stage: Stage,
        _ api: GuestAPITestService
    ) async throws -> PhotoName {
        let name = try #require(PhotoName(of: bytes))
        let sent = try await api.change("PUT", stage.path("photos/\(name)"), part(bytes, from: 0), as: who)
        #expect(try sent.decode(PhotoReceipt.self).isThere)
        try await api.work()
        return name
    }

    @Test(arguments: [SamplePhoto.baseline, SamplePhoto.progressive])
    func `Hosts get a problem's photo without its metadata`(_ bytes: Data) async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(with: bytes, stage, api)

            _ = try await send(bytes, as: stage.member, stage, api)

            let seen = try await api.get(photo.hosted, as: stage.host)
            #expect(seen.status == 200 && seen.headers["content-type"] == "image/jpeg")
            #expect(seen.body.range(of: Data("SECRET".utf8)) == nil && seen.body.starts(with: [0xff, 0xd8]))
            #expect(try await api.get(photo.path, as: stage.organiser).body == seen.body)
        }
    }

    @Test func `A photo is shown once it is stored`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(stage, api)

            /// As the message says, as hosts read it, and as the group reads it.
            func isShown() async throws -> [Bool] {
                let told = try await api.get(photo.topic, as: stage.host).decode(Told.self)
                return [
                    told.messages.first?.isPhotoThere == true,
                    try await api.get(photo.hosted, as: stage.host).status == 200,
                    try await api.get(photo.path, as: stage.organiser).status == 200,
                ]
            }
            #expect(try await isShown() == [false, false, false])
            let first = part(photo.bytes, from: 0, count: 200)
            #expect(try await api.change("PUT", photo.path, first, as: stage.member).status == 200)
            #expect(try await isShown() == [false, false, false])
            let last = part(photo.bytes, from: 200)
            #expect(try await api.change("PUT", photo.path, last, as: stage.member).status == 200)
            #expect(try await isShown() == [false, false, false])
            try await api.work()
            #expect(try await isShown() == [true, true, true])
        }
    }

    @Test func `A photo part that arrives out of order is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(stage, api)
            func send(_ part: PhotoPart) async throws -> GuestAPITestService.Response {
                try await api.change("PUT", photo.path, part, as: stage.member)
            }

            #expect(try await send(part(photo.bytes, from: 100)).code == "part_misplaced")
            // A part that comes twice is taken once.
            for _ in 0..<2 {
                let receipt = try await send(part(photo.bytes, from: 0, count: 200)).decode(PhotoReceipt.self)
                #expect(receipt == PhotoReceipt(received: 200, isThere: false))
            }
            #expect(try await send(part(photo.bytes, from: 300)).code == "part_misplaced")
            let otherSize = PhotoPart(from: 200, of: photo.bytes.count + 1, bytes: "AAAA")
            #expect(try await send(otherSize).code == "part_misplaced")
            for _ in 0..<2 {
                #expect(try await send(part(photo.bytes, from: 200)).decode(PhotoReceipt.self).isThere)
            }
        }
    }

    @Test func `Strangers and hosts of other topics get no photo`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(stage, api)
            _ = try await send(photo.bytes, as: stage.member, stage, api)

            let stranger = try await api.given.guest()
            #expect(try await api.get(photo.path, as: stranger).status == 404)
            let sent = try await api.change("PUT", photo.path, part(photo.bytes, from: 0), as: stranger)
            #expect(sent.status == 404)
            let elsewhere = try await api.given.staff([.host], at: api.given.park().park.id)
            #expect(try await api.get(photo.hosted, as: elsewhere).status == 404)
            let another = try await bring(.question, "?", nil, stage, api)
            let through = "/v1/admin/topics/\(another.id)/photos/\(photo.name)"
            #expect(try await api.get(through, as: stage.host).status == 404)
        }
    }

    @Test func `An upload that is no photo or mismatches its name is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let junk = Data(repeating: 7, count: 500)
            let named = try #require(PhotoName(of: junk)).description
            let photo = SamplePhoto.baseline

            for (name, bytes) in [(String(repeating: "a", count: 64), photo), (named, junk)] {
                let refused = try await api.change(
                    "PUT",
                    stage.path("photos/\(name)"),
                    part(bytes, from: 0),
                    as: stage.member
                )
                #expect(refused.code == "photo_unreadable")
            }
            // Nothing is left of them, so the photo begins anew.
            #expect(try await api.count("SELECT count(*) FROM message_photo_part") == 0)
            let noName = try await api.change("PUT", stage.path("photos/x"), part(photo, from: 0), as: stage.member)
            #expect(noName.status == 404)
        }
    }

    @Test func `A photo sent again after its removal stays`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let name = try await send(SamplePhoto.baseline, as: stage.member, stage, api)
            let friends = MessageRequest(text: "Look", photo: name)
            let said = try await api.post(stage.path("messages"), friends, as: stage.member).decode(Message.self)
            #expect(try await api.send("DELETE", stage.path("messages/\(said.id)"), as: stage.member).status == 204)

            _ = try await send(SamplePhoto.baseline, as: stage.member, stage, api)
            // The first one's object is removed an hour later.
            api.clock.advance(by: 3601)
            try await api.work()

            #expect(try await api.get(stage.path("photos/\(name)"), as: stage.member).status == 200)
            let files = try FileManager.default.subpathsOfDirectory(atPath: "\(api.stateFolder)/objects/messages")
            #expect(files.count == 2, "\(files)")
        }
    }

    /// The job that stores a photo, which waits.
    private func storing(_ api: GuestAPITestService) async throws -> [StorePhoto] {
        let waiting = Query("SELECT arguments FROM job WHERE kind = 'storePhoto' ORDER BY id") {
            try $0.decode("arguments", as: String.self)
        }
        return try await api.transaction { try await $0.all(waiting) }.map {
            try JSONDecoder().decode(StorePhoto.self, from: Data($0.utf8))
        }
    }

    @Test func `The job of a deleted upload stores no photo`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = SamplePhoto.baseline
            let path = stage.path("photos/\(try #require(PhotoName(of: photo)))")
            #expect(try await api.change("PUT", path, part(photo, from: 0), as: stage.member).status == 200)
            let former = try #require(try await storing(api).first)
            try await api.transaction { try await $0.run(Command("DELETE FROM message_photo_part")) }
            // Another upload has begun, and is not complete.
            let begun = part(photo, from: 0, count: 200)
            #expect(try await api.change("PUT", path, begun, as: stage.member).status == 200)

            try await api.work()

            #expect(try await api.count("SELECT count(*) FROM message_photo") == 0)
            let rest = part(photo, from: 200)
            #expect(try await api.change("PUT", path, rest, as: stage.member).status == 200)
            try await api.work()
            let stored = Query("SELECT object FROM message_photo") { try $0.decode("object", as: UUID.self) }
            let object = try #require(try await api.transaction { try await $0.first(stored) })
            #expect(object != former.object)
            #expect(try await api.get(path, as: stage.member).status == 200)
        }
    }

    @Test func `A photo stored during its sender's erasure is erased too`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = SamplePhoto.baseline
            let path = stage.path("photos/\(try #require(PhotoName(of: photo)))")
            #expect(try await api.change("PUT", path, part(photo, from: 0), as: stage.member).status == 200)
            let job = try #require(try await storing(api).first)

            try await api.erase(stage.member) { tx in
                try await job.finish(api.app.act(in: tx, as: .job("test")))
            }

            #expect(try await api.count("SELECT count(*) FROM message_photo") == 0)
        }
    }

    @Test func `A photo erased before it was stored leaves no object`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = SamplePhoto.baseline
            let path = stage.path("photos/\(try #require(PhotoName(of: photo)))")
            #expect(try await api.change("PUT", path, part(photo, from: 0), as: stage.member).status == 200)
            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 204)

            try await api.work()

            #expect(try await api.count("SELECT count(*) FROM message_photo") == 0)
            let files = try? FileManager.default.subpathsOfDirectory(atPath: "\(api.stateFolder)/objects/messages")
            #expect((files ?? []).isEmpty)
        }
    }

    @Test func `A message that is taken back takes its photo along`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let name = try await send(SamplePhoto.baseline, as: stage.member, stage, api)
            // A photo that waits for its message stays.
            let waiting = try await send(SamplePhoto.progressive, as: stage.member, stage, api)
            let friends = MessageRequest(text: "Look", photo: name)
            let said = try await api.post(stage.path("messages"), friends, as: stage.member).decode(Message.self)
            #expect(said.isPhotoThere == true)

            let back = try await api.send("DELETE", stage.path("messages/\(said.id)"), as: stage.member)

            #expect(back.status == 204)
            try await api.work()
            let left = Query("SELECT name FROM message_photo") { try $0.decode("name", as: String.self) }
            #expect(try await api.transaction { try await $0.all(left) } == [waiting.description])
        }
    }

    @Test func `An erased author's photos are in no table and no file`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await send(SamplePhoto.baseline, as: stage.member, stage, api)

            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 204)
            api.clock.advance(by: 3601)
            try await api.work()

            #expect(try await api.count("SELECT count(*) FROM message_photo") == 0)
            let files = try FileManager.default.subpathsOfDirectory(atPath: "\(api.stateFolder)/objects/messages")
            // The group's folder is left.
            #expect(files.count == 1, "\(files)")
        }
    }

    @Test func `A photo that the service refuses does not block other uploads`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            // A member has claimed that the photo is longer than it is.
            let spoilt = try phone.store.keep(photo: SamplePhoto.baseline, in: stage.group.id)
            let claim = PhotoPart(from: 0, of: 99_999, bytes: "AAAA")
            let path = stage.path("photos/\(spoilt)")
            #expect(try await api.change("PUT", path, claim, as: stage.organiser).status == 200)
            let other = try phone.store.keep(photo: SamplePhoto.baseline + Data("more".utf8), in: stage.group.id)
            let said = GroupArguments(
                groupId: stage.group.id,
                request: MessageRequest(id: .init(UUID()), text: "Two photos", photo: other)
            )
            try phone.store.perform("message.write@1", said, at: api.now)
            #expect(try await phone.engine.sync() == .upToDate)
            #expect(try phone.store.pending().isEmpty)
            #expect(try phone.store.unsentPhotos() == 1)
            #expect(try phone.store.photosSetAside() == 1)
            // The phone tries again later, not at once.
            let requests = phone.line.answers.count
            #expect(try await phone.engine.sync() == .upToDate)
            #expect(phone.line.answers.count == requests + 1)
            try await api.transaction { try await $0.run(Command("DELETE FROM message_photo_part")) }
            api.clock.advance(by: 601)
            #expect(try await phone.engine.sync() == .upToDate)
            #expect(try phone.store.unsentPhotos() == 0)
        }
    }

    @Test func `A photo upload continues after an interruption`()
        async throws
    {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            // The photo has three parts: the picture, and many bytes after its end.
            let photo = SamplePhoto.baseline + Data((0..<100_000).map { UInt8($0 % 251) })
            let name = try phone.store.keep(photo: photo, in: stage.group.id)
            let request = MessageRequest(id: .init(UUID()), text: "The roof", photo: name)
            let said = GroupArguments(groupId: stage.group.id, request: request)
            try phone.store.perform("message.write@1", said, at: api.now)
            #expect(try await phone.engine.photo(name, in: stage.group.id) == photo)
            #expect(try phone.store.unsentPhotos() == 1)
            // The message arrives. The request with the first part is lost, and then the answer to the second.
            phone.line.fail([.requestLost])
            await #expect(throws: Phone.Line.Lost.self) { try await phone.engine.sync() }
            for _ in 0..<4 {
                let before = phone.line.answers.count
                _ = try? await phone.engine.sync(atMost: 2)
                if phone.line.answers.count == before + 2 { phone.line.fail([.answerLost]) }
            }
            phone.line.fail([])
            try await phone.engine.sync()
            #expect(try phone.store.unsentPhotos() == 0)
            try await api.work()
            #expect(try await api.count("SELECT count(*) FROM message_photo_part") == 0)
            let other = try Phone(of: stage.organiser, api, mutators: Mutator.all)
            try await other.engine.sync()
            let message = try #require(try other.store.entities("message").first).decode(Message.self)
            #expect(message.photo == name && message.isPhotoThere == true)
            let fetched = try await other.engine.photo(name, in: stage.group.id)
            #expect(fetched.starts(with: [0xff, 0xd8]) && fetched.range(of: Data("SECRET".utf8)) == nil)
            // A member who leaves keeps no photo.
            #expect(try await api.post(stage.path("leave"), as: stage.member).status == 204)
            try await phone.engine.sync()
            #expect(try phone.store.photo(name, in: stage.group.id) == nil)
        }
    }
}
