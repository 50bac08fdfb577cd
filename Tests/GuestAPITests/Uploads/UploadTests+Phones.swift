import Foundation
import GuestModels
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI
@testable import Sync

extension UploadTests {
    private func say(_ text: String, with photo: PhotoName, on phone: Phone, in group: TravelGroup.ID) throws {
        let request = MessageRequest(id: .init(UUID()), text: text, photo: photo)
        try phone.store.perform("message.write@1", GroupArguments(groupId: group, request: request), at: .now)
    }

    @Test func `A phone sends a photo in portions despite lost requests and answers`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            // The photo has several portions: the picture, and many bytes after its end.
            let photo = SamplePhoto.baseline + Data((0..<300_000).map { UInt8($0 % 251) })
            let name = try phone.store.keep(photo: photo, in: stage.group.id)
            try say("The roof", with: name, on: phone, in: stage.group.id)
            #expect(try await phone.engine.photo(name, in: stage.group.id) == photo)
            #expect(try phone.store.unsentPhotos() == 1)
            while try !phone.store.pending().isEmpty { _ = try await phone.engine.step() }
            // A request of the photo is lost, then an answer, and so on; two requests between them get through.
            var lost = 0
            for number in 0..<300 where try phone.store.unsentPhotos() > 0 {
                phone.line.fail(number % 3 == 0 ? [number % 2 == 0 ? .requestLost : .answerLost] : [])
                do { _ = try await phone.engine.sendPortion() } catch is Phone.Line.Lost { lost += 1 }
            }
            #expect(lost > 3)
            #expect(try phone.store.unsentPhotos() == 0)

            #expect(try await stage.isShown(photo))
            let other = try Phone(of: stage.organiser, api, mutators: Mutator.all)
            try await other.engine.sync()
            let message = try #require(try other.store.entities("message").first).decode(Message.self)
            #expect(message.photo == name && message.isPhotoThere == true)
            let fetched = try await other.engine.photo(name, in: stage.group.id)
            #expect(fetched.starts(with: [0xff, 0xd8]) && fetched.range(of: Data("SECRET".utf8)) == nil)
        }
    }

    @Test func `The loops of a running engine do not send one photo twice`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            let running = Task { await phone.engine.run() }
            defer { running.cancel() }

            let photo = SamplePhoto.baseline + Data((0..<900_000).map { UInt8($0 % 251) })
            let name = try phone.store.keep(photo: photo, in: stage.group.id)
            try say("Look", with: name, on: phone, in: stage.group.id)

            while try phone.store.unsentPhotos() > 0 { try await Task.sleep(for: .milliseconds(20)) }
            let answers = phone.line.answers.map { String(decoding: $0, as: UTF8.self) }
            #expect(!answers.contains { $0.contains(#""code":"upload_"#) })
            #expect(try await stage.isShown(photo))
        }
    }

    @Test func `A small photo is sent with one request`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            try phone.store.keep(photo: SamplePhoto.baseline, in: stage.group.id)
            let requests = phone.line.answers.count

            #expect(try await phone.engine.sync() == .upToDate)

            // Rows, the photo, and nothing else.
            #expect(phone.line.answers.count == requests + 2)
            #expect(try await stage.isShown(SamplePhoto.baseline))
        }
    }

    @Test func `A photo that the service refuses does not block other photos`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try phone.store.keep(photo: Data("no picture".utf8), in: stage.group.id)
            let other = try phone.store.keep(photo: SamplePhoto.baseline, in: stage.group.id)
            try say("One of two", with: other, on: phone, in: stage.group.id)

            #expect(try await phone.engine.sync() == .upToDate)

            #expect(try phone.store.pending().isEmpty)
            #expect(try phone.store.unsentPhotos() == 1)
            #expect(try phone.store.photosSetAside() == 1)
            // The phone tries again later, not at once.
            let requests = phone.line.answers.count
            #expect(try await phone.engine.sync() == .upToDate)
            #expect(phone.line.answers.count == requests + 1)
            api.clock.advance(by: 601)
            #expect(try await phone.engine.sync() == .upToDate)
            #expect(phone.line.answers.count == requests + 3)
        }
    }

    @Test func `A member who leaves keeps no photo on the phone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let phone = try Phone(of: stage.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            let name = try phone.store.keep(photo: SamplePhoto.baseline, in: stage.group.id)
            try await phone.engine.sync()
            #expect(try phone.store.photo(name, in: stage.group.id) != nil)

            #expect(try await api.post("/v1/groups/\(stage.group.id)/leave", as: stage.member).status == 204)
            try await phone.engine.sync()

            #expect(try phone.store.photo(name, in: stage.group.id) == nil)
            #expect(try PhotoFiles(besides: phone.path).read(.photo(name, in: stage.group.id)) == nil)
        }
    }
}
