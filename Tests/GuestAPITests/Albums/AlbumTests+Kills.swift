import Foundation
import GuestModels
import Postgres
import TestKit
import Testing

@testable import GuestAPI

/// Services that are killed while they make pictures.
extension AlbumTests {
    @Test func `Every photo is ready although its services are killed`() async throws {
        try await withGuestAPI { api in
            // The processes live by the real clock, so the test's clock stays in the past.
            let stage = Stage(api: api, stay: try await api.given.stay(confirmed: true))
            var photos: [Photo] = []
            for name in ["p3.jpg", "sample.png", "sample.webp", "sample.heic", "gainmap.heic"] {
                let bytes = try PictureTests.file(name)
                let photo = try await stage.add(bytes, as: stage.stay.member)
                #expect(try await stage.send(bytes, of: photo, as: stage.stay.member).status == 201)
                photos.append(photo)
            }
            for _ in 0..<3 {
                let service = try await ServiceProcess.start(api, workers: 1)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...200)))
                service.kill()
            }
            let last = try await ServiceProcess.start(api, workers: 1)
            defer { last.kill() }
            while try await api.count("SELECT count(*) FROM photo WHERE state = 'making'") > 0 {
                try await Task.sleep(for: .milliseconds(50))
            }

            for photo in photos {
                #expect(try await stage.seen(photo).state == .ready)
                #expect(try await stage.picture(photo, .master).status == 200)
            }
            #expect(try await Office(api.app).checkPhotos() == [])
        }
    }
}
