import Foundation
import GuestModels
import Postgres
import Sync
import TestKit
import Testing

@testable import GuestAPI

/// The check of photos' rows against their files.
extension AlbumTests {
    @Test func `The check of photos finds what is missing, too short or nobody's`() async throws {
        try await withGuestAPI(isTampering: true) { api in
            let stage = try await stage(api)
            _ = try await stage.photo()
            let jpeg = ["content-type": "image/jpeg"]
            let message = try #require(PhotoName(of: SamplePhoto.baseline))
            let path = "/v1/groups/\(stage.stay.group.id)/photos/\(message)"
            let sent = try await api.send(
                "PUT",
                path,
                raw: SamplePhoto.baseline,
                as: stage.stay.member,
                headers: jpeg
            )
            #expect(sent.status == 201)
            // A deleted photo whose files go in an hour, and bytes that wait for their job.
            let gone = try await stage.photo("sample.png")
            #expect(try await api.send("DELETE", "/v1/photos/\(gone.id)", as: stage.stay.member).status == 204)
            try await api.work()
            let waiting = try await stage.add(PictureTests.file("sample.webp"), as: stage.stay.member)
            _ = try await stage.send(PictureTests.file("sample.webp"), of: waiting, as: stage.stay.member)
            let office = Office(api.app)
            #expect(try await office.checkPhotos() == [])

            let objects = URL(filePath: api.stateFolder).appending(path: "objects")
            let all = try await api.app.objects.list("pictures") + api.app.objects.list("messages")
            let names = all.map(\.name).sorted()
            let small = try #require(names.first { $0.hasSuffix("/256") })
            let master = try #require(names.first { $0.hasSuffix("/master") })
            let photo = try #require(names.first { $0.hasPrefix("messages/") })
            for name in [small, photo] { try FileManager.default.removeItem(at: objects.appending(path: name)) }
            let length = try #require(all.first { $0.name == master }).size
            try Data([1, 2, 3]).write(to: objects.appending(path: master))
            try await api.app.objects.put([1], as: "pictures/\(UUID().uuidString.lowercased())/256")
            let staged = URL(filePath: api.stateFolder).appending(path: "staged")
            for file in try FileManager.default.contentsOfDirectory(at: staged, includingPropertiesForKeys: nil) {
                try Data([1]).write(to: file)
            }

            let found = try await office.checkPhotos()

            #expect(found.contains("\(small) is missing") && found.contains("\(photo) is missing"))
            #expect(found.contains("\(master) has 3 bytes instead of \(length)"))
            #expect(found.count { $0.hasSuffix("belongs to no row") } == 1)
            #expect(found.count { $0.hasPrefix("upload ") } == 1)
            #expect(found.count == 5)
        }
    }
}
