import Foundation
import GuestModels
import NIOCore
import NIOPosix
import Postgres
import Sync
import TestKit
import Testing

@testable import GuestAPI

/// Uploads that are cut, hang, lie and race; their bytes are photos of messages.
@Suite(.timeLimit(.minutes(20))) struct UploadTests {
    struct Stage: Sendable {
        let api: GuestAPITestService
        let organiser: Given.Person
        let member: Given.Person
        let group: TravelGroup

        func path(_ photo: Data) throws -> String {
            "/v1/groups/\(group.id)/photos/\(try #require(PhotoName(of: photo)))"
        }

        /// Begins an upload without bytes; returns its address.
        func begin(_ photo: Data, as who: Given.Person? = nil) async throws -> String {
            let headers = [
                "content-type": "image/jpeg", "upload-complete": "?0", "upload-length": "\(photo.count)",
            ]
            let begun = try await api.send("PUT", path(photo), raw: Data(), as: who ?? member, headers: headers)
            #expect(begun.status == 201)
            return try #require(begun.headers["location"])
        }

        func append(
            _ bytes: Data,
            to upload: String,
            at offset: Int,
            isLast: Bool,
            as who: Given.Person? = nil
        ) async throws -> GuestAPITestService.Response {
            let headers = [
                "content-type": Upload.partialType, "upload-offset": "\(offset)",
                "upload-complete": isLast ? "?1" : "?0",
            ]
            return try await api.send("PATCH", upload, raw: bytes, as: who ?? member, headers: headers)
        }

        /// The number of durable bytes.
        func offset(of upload: String) async throws -> Int? {
            let answer = try await api.send("HEAD", upload, as: member)
            return answer.headers["upload-offset"].flatMap { Int($0) }
        }

        /// Waits until bytes of an upload are in its file; asking the service would take the file over.
        func waitForBytes(_ count: Int, of upload: String) async throws {
            let file = "\(api.stateFolder)/staged/\(try #require(upload.split(separator: "/").last))"
            func size() -> Int {
                (try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? Int ?? 0
            }
            while size() < count { try await Task.sleep(for: .milliseconds(10)) }
        }

        /// Whether the group sees the photo, once all jobs are done.
        func isShown(_ photo: Data) async throws -> Bool {
            try await api.work()
            return try await api.get(path(photo), as: organiser).status == 200
        }
    }

    func stage(_ api: GuestAPITestService) async throws -> Stage {
        let organiser = try await api.given.guest()
        let group = try await api.given.group(of: organiser)
        let member = try await api.given.member(of: group, invitedBy: organiser)
        return Stage(api: api, organiser: organiser, member: member, group: group)
    }

    /// A photo of 100,499 bytes: a picture, and many bytes after its end.
    private static let photo = SamplePhoto.baseline + Data((0..<100_000).map { UInt8($0 % 251) })

    @Test func `An upload goes on where its last durable byte ended`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = Self.photo
            let upload = try await stage.begin(photo)
            #expect(try await stage.offset(of: upload) == 0)

            let first = try await stage.append(photo.prefix(40_000), to: upload, at: 0, isLast: false)
            #expect(first.status == 204 && first.headers["upload-offset"] == "40000")
            #expect(first.headers["upload-complete"] == "?0")
            #expect(try await stage.offset(of: upload) == 40_000)
            #expect(try await stage.isShown(photo) == false)

            let last = try await stage.append(photo.dropFirst(40_000), to: upload, at: 40_000, isLast: true)
            #expect(last.status == 201 && last.headers["upload-complete"] == "?1")
            #expect(try await stage.isShown(photo))
        }
    }

    @Test func `Bytes at a wrong offset are refused with the right one`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            _ = try await stage.append(Self.photo.prefix(1000), to: upload, at: 0, isLast: false)

            let refused = try await stage.append(Self.photo.prefix(1000), to: upload, at: 0, isLast: false)

            #expect(refused.code == "upload_offset" && refused.headers["upload-offset"] == "1000")
            #expect(try await stage.offset(of: upload) == 1000)
        }
    }

    @Test func `A complete upload gives its lost last answer again`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            #expect(try await stage.append(Self.photo, to: upload, at: 0, isLast: true).status == 201)

            let again = try await stage.append(Self.photo, to: upload, at: 0, isLast: true)

            #expect(again.status == 204 && again.headers["upload-complete"] == "?1")
            let ended = try await api.send("DELETE", upload, as: stage.member)
            #expect(ended.code == "upload_complete")
            #expect(try await stage.isShown(Self.photo))
        }
    }

    @Test func `An append of another media type is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            let headers = ["content-type": "image/jpeg", "upload-offset": "0", "upload-complete": "?1"]

            let refused = try await api.send("PATCH", upload, raw: Self.photo, as: stage.member, headers: headers)

            #expect(refused.status == 415 && refused.code == "part_needed")
        }
    }

    @Test func `An upload of another guest looks absent`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)

            let appended = try await stage.append(Self.photo, to: upload, at: 0, isLast: true, as: stage.organiser)

            #expect(appended.status == 404)
            #expect(try await api.get(upload, as: stage.organiser).status == 404)
            #expect(try await api.send("DELETE", upload, as: stage.organiser).status == 404)
            #expect(try await stage.offset(of: upload) == 0)
        }
    }

    @Test func `An upload shorter or longer than announced is refused`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            let longer = try await stage.append(Self.photo + [0], to: upload, at: 0, isLast: true)
            #expect(longer.code == "upload_length" && longer.headers["upload-complete"] == "?1")
            let begun = try await stage.begin(SamplePhoto.baseline)

            let shorter = try await stage.append(SamplePhoto.baseline.prefix(100), to: begun, at: 0, isLast: true)

            #expect(shorter.code == "upload_length")
            #expect(try await api.get(begun, as: stage.member).status == 404)
        }
    }

    @Test func `A photo of more than two mebibytes is refused before its bytes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let headers = ["content-type": "image/jpeg", "upload-complete": "?0", "upload-length": "2097153"]

            let refused = try await api.send(
                "PUT",
                stage.path(Self.photo),
                raw: Data(),
                as: stage.member,
                headers: headers
            )

            #expect(refused.status == 413 && refused.headers["upload-limit"]?.hasPrefix("max-size=2097152") == true)
            #expect(try await api.count("SELECT count(*) FROM upload") == 0)
        }
    }

    @Test func `A member who has left cannot finish an upload`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            _ = try await stage.append(Self.photo.prefix(1000), to: upload, at: 0, isLast: false)
            #expect(try await api.post("/v1/groups/\(stage.group.id)/leave", as: stage.member).status == 204)

            let last = try await stage.append(Self.photo.dropFirst(1000), to: upload, at: 1000, isLast: true)

            #expect(last.status == 404)
            #expect(try await stage.isShown(Self.photo) == false)
        }
    }

    @Test func `Another member's wrong bytes do not spoil a photo`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let path = try stage.path(Self.photo)
            let wrong = try await api.send(
                "PUT",
                path,
                raw: Data("no photo".utf8),
                as: stage.organiser,
                headers: ["content-type": "image/jpeg"]
            )
            #expect(wrong.code == "photo_unreadable")
            _ = try await stage.begin(Self.photo, as: stage.organiser)

            let sent = try await api.send(
                "PUT",
                path,
                raw: Self.photo,
                as: stage.member,
                headers: ["content-type": "image/jpeg"]
            )

            #expect(sent.status == 201)
            #expect(try await stage.isShown(Self.photo))
        }
    }

    @Test func `One photo sent many times at once is stored once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let path = try stage.path(Self.photo)

            let statuses = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for number in 0..<10 {
                    let who = number % 2 == 0 ? stage.member : stage.organiser
                    tasks.addTask {
                        try await api.send(
                            "PUT",
                            path,
                            raw: Self.photo,
                            as: who,
                            headers: ["content-type": "image/jpeg"]
                        )
                        .status
                    }
                }
                return try await tasks.reduce(into: []) { $0.append($1) }
            }

            // A newer request takes an older one's place, and a guest's fourth upload at once is refused.
            // A busy machine may refuse any of them for now, so the member sends the photo once more.
            #expect(Set(statuses).isSubset(of: [201, 204, 409, 429, 503]), "\(statuses)")
            let again = try await api.send(
                "PUT",
                path,
                raw: Self.photo,
                as: stage.member,
                headers: ["content-type": "image/jpeg"]
            )
            #expect([201, 204].contains(again.status))
            #expect(try await stage.isShown(Self.photo))
            #expect(try await api.count("SELECT count(*) FROM message_photo") == 1)
        }
    }

    // MARK: What is left

    private func staged(_ api: GuestAPITestService) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(api.stateFolder)/staged")) ?? []
    }

    private func forget(_ api: GuestAPITestService) async throws {
        try await api.transaction { tx in
            try Job.enqueue(ForgetUploads(), at: api.now, api.app.act(in: tx, as: .job("test")))
        }
        try await api.work()
    }

    @Test func `An upload that its guest ends is deleted`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            _ = try await stage.append(Self.photo.prefix(1000), to: upload, at: 0, isLast: false)

            #expect(try await api.send("DELETE", upload, as: stage.member).status == 204)

            #expect(try await api.get(upload, as: stage.member).status == 404)
            #expect(staged(api).isEmpty)
            api.clock.advance(by: 3601)
            try await forget(api)
            #expect(try await api.count("SELECT count(*) FROM upload") == 0)
        }
    }

    @Test func `An upload that is replaced is deleted`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            _ = try await stage.append(Self.photo.prefix(1000), to: upload, at: 0, isLast: false)

            let headers = ["content-type": "image/jpeg"]
            let path = try stage.path(Self.photo)
            let whole = try await api.send("PUT", path, raw: Self.photo, as: stage.member, headers: headers)

            #expect(whole.status == 201)
            #expect(staged(api).count == 2, "the bytes of one upload, and the mark of its writer")
            #expect(try await stage.offset(of: upload) == nil)
        }
    }

    @Test func `The most bytes of an upload are told before it begins`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let limits = [
                (try stage.path(Self.photo), PhotoName.maximumBytes), ("/v1/photos/x/bytes", Picture.maximumBytes),
                ("/v1/uploads/x", Picture.maximumBytes),
            ]
            for (path, most) in limits {
                let told = try await api.send("OPTIONS", path)
                #expect(told.status == 204 && told.headers["upload-limit"] == "max-size=\(most), max-age=604800")
                #expect(told.headers["allow"]?.hasSuffix(", OPTIONS") == true)
            }
            let elsewhere = try await api.send("OPTIONS", "/v1/parks")
            #expect(elsewhere.status == 405 && elsewhere.code == "method_not_allowed")
        }
    }

    @Test func `A beginning without bytes goes on with an unfinished upload`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            _ = try await stage.append(Self.photo.prefix(1000), to: upload, at: 0, isLast: false)

            #expect(try await stage.begin(Self.photo) == upload)

            #expect(try await stage.offset(of: upload) == 1000)
        }
    }

    @Test func `An unfinished upload ends after seven days`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            api.clock.advance(by: 7 * 86_400 - 60)
            try await forget(api)
            #expect(try await stage.offset(of: upload) == 0)

            api.clock.advance(by: 120)
            try await forget(api)

            #expect(try await stage.offset(of: upload) == nil)
        }
    }

    @Test func `A stored photo's staged file is deleted after an hour`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let upload = try await stage.begin(Self.photo)
            _ = try await stage.append(Self.photo, to: upload, at: 0, isLast: true)
            #expect(try await stage.isShown(Self.photo))

            api.clock.advance(by: 3601)
            try await forget(api)

            #expect(staged(api).isEmpty)
            #expect(try await stage.isShown(Self.photo))
        }
    }

    @Test func `An erased guest's uploads end`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            _ = try await stage.begin(Self.photo)

            #expect(try await api.send("DELETE", "/v1/me", as: stage.member).status == 204)

            #expect(try await api.count("SELECT count(*) FROM upload WHERE gone_at IS NULL") == 0)
        }
    }

    // MARK: On a line of one's own

    private typealias Socket = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// A connection on which a test writes bytes as it likes, with the text that it has read.
    private struct Line {
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
        var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        var text = ""

        func write(_ bytes: some Sequence<UInt8>) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }

        /// Reads until a text has come, or the service has closed the connection.
        mutating func read(until end: String) async throws -> String {
            while !text.contains(end) {
                guard let buffer = try await inbound.next() else { break }
                text += String(buffer: buffer)
            }
            return text
        }
    }

    private func onLine(
        _ api: GuestAPITestService,
        _ body: (inout Line) async throws -> Void
    ) async throws {
        let socket = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: api.port) { channel in
                channel.eventLoop.makeCompletedFuture { try Socket(wrappingChannelSynchronously: channel) }
            }
        try await socket.executeThenClose { inbound, outbound in
            var line = Line(outbound: outbound, inbound: inbound.makeAsyncIterator())
            try await body(&line)
        }
    }

    private func head(
        _ method: String,
        _ path: String,
        as who: Given.Person,
        length: Int,
        _ headers: [String: String] = [:]
    ) -> [UInt8] {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(who.token)\r\n"
        text += "Content-Length: \(length)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// Sends the first bytes of a request that would end the upload, and waits until they are staged.
    private func sendFirst(_ count: Int, of photo: Data, to upload: String, _ stage: Stage, on line: Line) async throws
    {
        let headers = ["Content-Type": Upload.partialType, "Upload-Offset": "0", "Upload-Complete": "?1"]
        try await line.write(head("PATCH", upload, as: stage.member, length: photo.count, headers))
        try await line.write(photo.prefix(count))
        try await stage.waitForBytes(count, of: upload)
    }

    @Test func `An upload that was cut goes on from its durable bytes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = Self.photo
            let upload = try await stage.begin(photo)
            try await onLine(api) { line in
                try await sendFirst(60_000, of: photo, to: upload, stage, on: line)
            }

            let offset = try #require(try await stage.offset(of: upload))

            #expect((1...60_000).contains(offset))
            let rest = try await stage.append(photo.dropFirst(offset), to: upload, at: offset, isLast: true)
            #expect(rest.status == 201)
            #expect(try await stage.isShown(photo))
        }
    }

    @Test func `A newer request takes over from one that hangs`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = Self.photo
            let upload = try await stage.begin(photo)
            try await onLine(api) { line in
                try await sendFirst(50_000, of: photo, to: upload, stage, on: line)
                let offset = try #require(try await stage.offset(of: upload))
                let rest = try await stage.append(photo.dropFirst(offset), to: upload, at: offset, isLast: true)
                #expect(rest.status == 201)

                try await line.write(photo.dropFirst(50_000))

                let refused = try await line.read(until: "upload_taken_over")
                #expect(refused.contains(" 409 ") && refused.contains("upload_taken_over"))
            }
            #expect(try await stage.isShown(photo))
        }
    }

    @Test func `Bytes that were told before a kill are there after it`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = Self.photo
            let upload = try await stage.begin(photo)
            var told = 0
            for round in 0..<3 {
                let service = try await ServiceProcess.start(api)
                // The service dies in the middle of the portion after some that it has told.
                let last = told + 5 * 3_000
                let file = "\(api.stateFolder)/staged/\(try #require(upload.split(separator: "/").last))"
                while let answer = await service.send(
                    "PATCH",
                    upload,
                    photo.dropFirst(told).prefix(3_000),
                    headers: [
                        "content-type": Upload.partialType, "upload-offset": "\(told)", "upload-complete": "?0",
                    ],
                    as: stage.member,
                    killingAt: told >= last ? (file, told) : nil
                ) {
                    #expect(answer.status == 204)
                    told = try #require(answer.headers["upload-offset"].flatMap { Int($0) })
                }
                service.kill()
                let offset = try #require(try await stage.offset(of: upload))
                #expect(offset >= told && told >= last, "round \(round)")
                told = offset
            }

            let rest = try await stage.append(photo.dropFirst(told), to: upload, at: told, isLast: true)

            #expect(rest.status == 201)
            #expect(try await stage.isShown(photo))
        }
    }

    @Test func `A client that expects 100 Continue is asked for the body`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = Self.photo
            let path = try stage.path(photo)
            let headers = ["Content-Type": "image/jpeg", "Expect": "100-continue"]
            try await onLine(api) { line in
                try await line.write(head("PUT", path, as: stage.member, length: photo.count, headers))
                #expect(try await line.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue\r\n"))
                try await line.write(photo)
                let answer = try await line.read(until: " 201 ")
                #expect(answer.contains("HTTP/1.1 201 Created") && !answer.contains("onnection: close"))
            }
            #expect(try await stage.isShown(photo))
        }
    }

    @Test func `A stranger is refused before the body`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let stranger = try await api.given.guest()
            let path = try stage.path(Self.photo)
            let headers = ["Content-Type": "image/jpeg", "Expect": "100-continue"]
            try await onLine(api) { line in
                try await line.write(head("PUT", path, as: stranger, length: Self.photo.count, headers))
                #expect(try await line.read(until: "not_found").hasPrefix("HTTP/1.1 404 "))
            }
        }
    }

    @Test func `An upload's address is sent ahead if the operator says so`() async throws {
        try await withGuestAPI(adjust: { $0.sendsInterim = true }) { api in
            let stage = try await stage(api)
            let photo = Self.photo
            let path = try stage.path(photo)
            let headers = [
                "Content-Type": "image/jpeg", "Upload-Complete": "?1", "Upload-Draft-Interop-Version": "8",
            ]
            try await onLine(api) { line in
                try await line.write(head("PUT", path, as: stage.member, length: photo.count, headers))
                let interim = try await line.read(until: "\r\n\r\n")
                #expect(interim.hasPrefix("HTTP/1.1 104 Upload Resumption Supported\r\n"))
                #expect(interim.lowercased().contains("location: /v1/uploads/"))
                #expect(!interim.lowercased().contains("connection:"))
                try await line.write(photo)
                #expect(try await line.read(until: " 201 ").contains("HTTP/1.1 201 Created"))
            }
            #expect(try await stage.isShown(photo))
        }
    }

    @Test func `Uploads that hang keep no place in the service`() async throws {
        try await withGuestAPI(capacity: 5) { api in
            let stage = try await stage(api)
            let other = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            let third = try await api.given.member(of: stage.group, invitedBy: stage.organiser)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let waiting = Heard()
                for who in [stage.member, other, third] {
                    for number in 0..<2 {
                        let photo = Self.photo + [UInt8(number)]
                        let path = try stage.path(photo)
                        tasks.addTask {
                            try await onLine(api) { line in
                                let headers = ["Content-Type": "image/jpeg", "Expect": "100-continue"]
                                try await line.write(head("PUT", path, as: who, length: photo.count, headers))
                                #expect(try await line.read(until: "\r\n\r\n").contains("100 Continue"))
                                waiting.add("waits")
                                try await Task.sleep(for: .seconds(600))
                            }
                        }
                    }
                }
                while waiting.all.count < 6 { try await Task.sleep(for: .milliseconds(10)) }

                #expect(try await api.get("/v1/groups/\(stage.group.id)", as: stage.organiser).status == 200)

                tasks.cancelAll()
                do { try await tasks.waitForAll() } catch is CancellationError {}
            }
        }
    }
}
