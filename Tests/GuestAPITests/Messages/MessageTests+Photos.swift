import Foundation
import GuestModels
import Postgres
import Sync
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI

extension MessageTests {
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

    /// Sends a photo to the service, which has not stored it yet.
    private func put(
        _ bytes: Data,
        to path: String,
        as who: Given.Person,
        _ api: GuestAPITestService
    ) async throws -> GuestAPITestService.Response {
        try await api.send("PUT", path, raw: bytes, as: who, headers: ["content-type": "image/jpeg"])
    }

    /// Sends a photo, and waits until it is stored.
    func send(
        _ bytes: Data,
        as who: Given.Person,
        _ stage: Stage,
        _ api: GuestAPITestService
    ) async throws -> PhotoName {
        let name = try #require(PhotoName(of: bytes))
        let sent = try await put(bytes, to: stage.path("photos/\(name)"), as: who, api)
        #expect([201, 204].contains(sent.status))
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
            #expect(try await put(photo.bytes, to: photo.path, as: stage.member, api).status == 201)
            #expect(try await isShown() == [false, false, false])
            try await api.work()
            #expect(try await isShown() == [true, true, true])
        }
    }

    @Test func `A photo as JSON is refused because the app is too old`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(stage, api)
            let part = Data(#"{"from": 0, "of": 3, "bytes": "AAAA"}"#.utf8)

            let refused = try await api.send("PUT", photo.path, raw: part, as: stage.member)

            #expect(refused.status == 415 && refused.code == "app_too_old")
        }
    }

    @Test func `A photo that the service has is answered with 204`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(stage, api)
            #expect(try await put(photo.bytes, to: photo.path, as: stage.member, api).status == 201)
            #expect(try await put(photo.bytes, to: photo.path, as: stage.member, api).status == 204)
            try await api.work()

            #expect(try await put(photo.bytes, to: photo.path, as: stage.organiser, api).status == 204)
        }
    }

    @Test func `Parts from the version before are stored`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(stage, api)
            let object = UUID()
            let sender = Query("SELECT id FROM traveller WHERE guest_id = \(try stage.member.id())") {
                try $0.decode("id", as: Traveller.ID.self)
            }
            try await api.transaction { tx in
                let sender = try #require(try await tx.first(sender))
                let parts: [(Int, Data, UUID?)] = [
                    (0, Data(photo.bytes.prefix(200)), nil), (200, Data(photo.bytes.dropFirst(200)), object),
                ]
                for (from, piece, last) in parts {
                    try await tx.run(
                        Command(
                            """
                            INSERT INTO message_photo_part (group_id, name, begins, size, bytes, object, sent_by, at)
                            VALUES (\(stage.group.id), \(photo.name.description), \(from), \(photo.bytes.count),
                                \(piece), \(last), \(sender), \(api.now))
                            """
                        )
                    )
                }
                let job = StorePhotoParts(groupId: stage.group.id, name: photo.name, object: object)
                try Job.enqueue(job, at: api.now, api.app.act(in: tx, as: .job("test")))
            }

            try await api.work()

            #expect(try await api.get(photo.path, as: stage.organiser).status == 200)
            #expect(try await api.count("SELECT count(*) FROM message_photo_part") == 0)
        }
    }

    @Test func `Strangers and hosts of other topics get no photo`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await problem(stage, api)
            _ = try await send(photo.bytes, as: stage.member, stage, api)

            let stranger = try await api.given.guest()
            #expect(try await api.get(photo.path, as: stranger).status == 404)
            #expect(try await put(photo.bytes, to: photo.path, as: stranger, api).status == 404)
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
                let refused = try await put(bytes, to: stage.path("photos/\(name)"), as: stage.member, api)
                #expect(refused.code == "photo_unreadable")
            }
            // Nothing is left of them, so the photo begins anew.
            #expect(try await api.count("SELECT count(*) FROM upload WHERE gone_at IS NULL") == 0)
            #expect(try await put(photo, to: stage.path("photos/x"), as: stage.member, api).status == 404)
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
        let waiting = Query("SELECT arguments FROM job WHERE kind = 'storeUploadedPhoto' ORDER BY id") {
            try $0.decode("arguments", as: String.self)
        }
        return try await api.transaction { try await $0.all(waiting) }.map {
            try JSONDecoder().decode(StorePhoto.self, from: Data($0.utf8))
        }
    }

    @Test func `The job of an ended upload stores no photo`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = SamplePhoto.baseline
            let path = stage.path("photos/\(try #require(PhotoName(of: photo)))")
            #expect(try await put(photo, to: path, as: stage.member, api).status == 201)
            let former = try #require(try await storing(api).first)
            try await api.transaction { try await $0.run(UploadSQL.end(former.uploadId, at: api.now)) }

            try await api.work()

            #expect(try await api.count("SELECT count(*) FROM message_photo") == 0)
            #expect(try await put(photo, to: path, as: stage.member, api).status == 201)
            try await api.work()
            let stored = Query("SELECT object FROM message_photo") { try $0.decode("object", as: UUID.self) }
            let object = try #require(try await api.transaction { try await $0.first(stored) })
            #expect(object != former.uploadId.uuid)
            #expect(try await api.get(path, as: stage.member).status == 200)
        }
    }

    @Test func `A photo stored during its sender's erasure is erased too`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = SamplePhoto.baseline
            let path = stage.path("photos/\(try #require(PhotoName(of: photo)))")
            #expect(try await put(photo, to: path, as: stage.member, api).status == 201)
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
            #expect(try await put(photo, to: path, as: stage.member, api).status == 201)
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
}
