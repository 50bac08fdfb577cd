import Foundation
import GuestModels
import SyncMessages
import TestKit
import Testing

@testable import GuestAPI
@testable import Sync

extension AlbumTests {
    /// The photos of the album as a phone shows them.
    private func shown(on phone: Phone) throws -> [Photo] {
        try phone.store.entities("photo").map { try $0.decode(Photo.self) }
    }

    @discardableResult
    private func add(_ bytes: [UInt8], on phone: Phone, _ stage: Stage) throws -> Photo.ID {
        try phone.store.add(
            photo: Data(bytes),
            to: stage.stay.booking.id,
            in: stage.stay.group.id,
            thumbhash: "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
            at: stage.api.now
        )
    }

    private func phones(_ stage: Stage) async throws -> (own: Phone, other: Phone) {
        let own = try Phone(of: stage.stay.member, stage.api, mutators: Mutator.all)
        let other = try Phone(of: stage.stay.organiser, stage.api, mutators: Mutator.all)
        for phone in [own, other] { try await phone.engine.sync() }
        return (own, other)
    }

    @Test func `A photo shows on all phones before its bytes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (own, other) = try await phones(stage)

            let id = try add(PictureTests.file("p3.jpg"), on: own, stage)
            #expect(try shown(on: own).map(\.state) == [.coming])
            while try !own.store.pending().isEmpty { _ = try await own.engine.step() }
            try await other.engine.sync()

            let seen = try #require(try shown(on: other).first)
            #expect(seen.id == id && seen.state == .coming && seen.thumbhash?.isEmpty == false)
            #expect(try own.store.unsentPhotos() == 1)
        }
    }

    @Test func `An album photo arrives despite lost requests and answers`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (own, other) = try await phones(stage)
            // The photo has several portions: the picture, and many bytes after its end.
            let bytes = try PictureTests.file("p3.jpg") + (0..<300_000).map { UInt8($0 % 251) }
            let id = try add(bytes, on: own, stage)
            while try !own.store.pending().isEmpty { _ = try await own.engine.step() }
            _ = try await own.engine.step()
            var lost = 0
            for number in 0..<300 where try own.store.unsentPhotos() > 0 {
                own.line.fail(number % 3 == 0 ? [number % 2 == 0 ? .requestLost : .answerLost] : [])
                do { _ = try await own.engine.sendPortion() } catch is Phone.Line.Lost { lost += 1 }
            }
            #expect(lost > 3)
            #expect(try own.store.unsentPhotos() == 0)
            try await api.work()

            try await other.engine.sync()
            #expect(try shown(on: other).map(\.state) == [.ready])
            let picture = try await other.engine.picture(of: id, .large)
            #expect(picture.starts(with: [0xff, 0xd8]) && picture.range(of: Data("SECRET".utf8)) == nil)
        }
    }

    @Test func `Small pictures come ahead and are then on the phone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photos = [try await stage.photo(), try await stage.photo("sample.png")]
            let (_, other) = try await phones(stage)

            for photo in photos { #expect(try other.store.bytes(of: .picture(photo.id, .small)) != nil) }
            let requests = other.line.answers.count
            _ = try await other.engine.picture(of: photos[0].id, .small)
            #expect(other.line.answers.count == requests)
        }
    }

    @Test func `Pictures ahead stop at half of the phone's budget`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            var sizes: [Photo.ID: Int] = [:]
            for name in ["p3.jpg", "sample.png", "sample.webp"] {
                let photo = try await stage.photo(name)
                sizes[photo.id] = try await stage.picture(photo, .small).body.count
            }
            let path = api.stateFolder + "-small.sqlite"
            let store = try LocalStore(
                path: path,
                of: stage.stay.organiser.id(),
                mutators: Mutator.all,
                // Half of it has room for a picture of 64 KiB besides one picture, and not besides two.
                photoBudget: 2 * (64 * 1024 + (sizes.values.max() ?? 0))
            )
            let line = try Phone(of: stage.stay.organiser, api).line
            let engine = SyncEngine(store, over: line, now: { api.now })

            for _ in 0..<2 { #expect(try await engine.sync(atMost: 50) == .upToDate) }

            #expect(try sizes.keys.count { try store.bytes(of: .picture($0, .small)) != nil } == 2)
        }
    }

    @Test func `A photo that two phones add is in the album once`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (own, other) = try await phones(stage)
            let bytes = try PictureTests.file("p3.jpg")
            for phone in [own, other] { try add(bytes, on: phone, stage) }

            for phone in [own, other, own, other] {
                try await phone.engine.sync()
                try await api.work()
            }

            for phone in [own, other] {
                #expect(try shown(on: phone).map(\.state) == [.ready])
                #expect(try phone.store.unsentPhotos() == 0)
                #expect(try phone.store.refused().isEmpty)
            }
        }
    }

    @Test func `A lie about the size does not catch a phone's bytes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let bytes = try PictureTests.file("p3.jpg")
            for size in [10, 90_000] {
                _ = try await api.post(stage.album, stage.request(bytes, size: size), as: stage.stay.organiser)
            }
            let (own, _) = try await phones(stage)
            let id = try add(bytes, on: own, stage)

            try await own.engine.sync()
            try await api.work()

            #expect(try own.store.unsentPhotos() == 0)
            let photo: Photo = try await api.get("/v1/photos/\(id)", as: stage.stay.member).decode()
            #expect(photo.state == .ready)
        }
    }

    @Test func `A hidden photo that is deleted leaves its member's phone`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let path = "/v1/photos/\(photo.id)/objection"
            let objection = ObjectionRequest(isObjecting: true)
            #expect(try await api.change("PUT", path, objection, as: stage.stay.organiser).status == 204)
            let (own, _) = try await phones(stage)
            #expect(try shown(on: own).map(\.id) == [photo.id])

            #expect(try await api.send("DELETE", "/v1/photos/\(photo.id)", as: stage.stay.member).status == 204)
            try await own.engine.sync()

            #expect(try shown(on: own).isEmpty)
        }
    }

    @Test func `A phone brings the bytes that another phone never sends`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (own, other) = try await phones(stage)
            let bytes = try PictureTests.file("p3.jpg")
            try add(bytes, on: own, stage)
            while try !own.store.pending().isEmpty { _ = try await own.engine.step() }

            try add(bytes, on: other, stage)
            try await other.engine.sync()
            try await api.work()
            try await other.engine.sync()

            #expect(try shown(on: other).map(\.state) == [.ready])
        }
    }

    @Test func `A deleted photo leaves the other phones with its pictures`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let (own, other) = try await phones(stage)
            let file = PhotoFile.picture(photo.id, .small)
            #expect(try PhotoFiles(besides: other.path).read(file) != nil)

            let gone = ThingArguments<Photo>(groupId: stage.stay.group.id, id: photo.id)
            try own.store.perform("photo.remove@1", gone, at: api.now)
            #expect(try shown(on: own).isEmpty)
            try await own.engine.sync()
            try await other.engine.sync()

            #expect(try shown(on: other).isEmpty)
            #expect(try PhotoFiles(besides: other.path).read(file) == nil)
        }
    }

    @Test func `A photo that the album refused can be added again`() async throws {
        try await withGuestAPI { api in
            let held = try await api.given.stay()
            let stage = Stage(api: api, stay: held)
            let phone = try Phone(of: held.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            try add(PictureTests.file("p3.jpg"), on: phone, stage)
            try await phone.engine.sync()
            let refused = try #require(try phone.store.refused().first)
            #expect(try refused.code == "album_closed" && shown(on: phone).isEmpty)

            let firm = ReasonRequest(reason: "on account")
            let path = "/v1/bookings/\(held.booking.id)/confirm"
            #expect(try await api.post(path, firm, as: held.reception, key: "firm").status == 200)
            try phone.store.retry(refused.deed.id, at: api.now)
            for _ in 0..<2 {
                try await phone.engine.sync()
                try await api.work()
            }

            #expect(try shown(on: phone).map(\.state) == [.ready])
        }
    }

    @Test func `The bytes of a refused photo go when its guest gives it up`() async throws {
        try await withGuestAPI { api in
            let held = try await api.given.stay()
            let stage = Stage(api: api, stay: held)
            let phone = try Phone(of: held.member, api, mutators: Mutator.all)
            try await phone.engine.sync()
            try add(PictureTests.file("p3.jpg"), on: phone, stage)
            try await phone.engine.sync()
            #expect(try phone.store.unsentPhotos() == 1)

            try phone.store.discard(#require(try phone.store.refused().first).deed.id)
            try await phone.engine.sync()

            #expect(try phone.store.unsentPhotos() == 0)
        }
    }

    @Test func `Hearts and captions made offline reach the others`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let photo = try await stage.photo()
            let (own, other) = try await phones(stage)
            let group = stage.stay.group.id
            let heart = ChangeArguments<Photo, HeartRequest>(
                groupId: group,
                id: photo.id,
                request: .init(isHearted: true)
            )
            let text = PhotoChange(caption: TextChange(was: nil, text: "The lake"))
            let caption = ChangeArguments<Photo, PhotoChange>(groupId: group, id: photo.id, request: text)
            try own.store.perform("photo.heart@1", heart, at: api.now)
            try own.store.perform("photo.change@1", caption, at: api.now)
            #expect(try shown(on: own).first?.caption == "The lake" && shown(on: own).first?.hearts.count == 1)

            try await own.engine.sync()
            try await other.engine.sync()

            let seen = try #require(try shown(on: other).first)
            #expect(seen.caption == "The lake" && seen.hearts.count == 1)
        }
    }
}
