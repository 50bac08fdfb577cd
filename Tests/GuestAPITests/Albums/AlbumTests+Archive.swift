import Foundation
import GuestModels
import TestKit
import Testing

@testable import GuestAPI

/// The archive of an album, as it is downloaded, cut and resumed.
extension AlbumTests {
    private func archive(_ stage: Stage) -> String { "/v1/albums/\(stage.stay.booking.id)/archive" }

    @Test func `An archive that was cut goes on with the same bytes`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            for name in ["p3.jpg", "sample.png", "sample.heic"] { _ = try await stage.photo(name) }
            let path = archive(stage)
            let whole = try await api.get(path, as: stage.stay.organiser)
            #expect(whole.status == 200 && whole.headers["content-type"] == "application/zip")
            #expect(whole.headers["content-length"] == "\(whole.body.count)")
            let tag = try #require(whole.headers["etag"])

            for cut in stride(from: 1, to: whole.body.count, by: 97) {
                let headers = ["Range": "bytes=\(cut)-", "If-Range": tag]
                let rest = try await api.send("GET", path, as: stage.stay.organiser, headers: headers)
                #expect(rest.status == 206 && rest.body == whole.body.dropFirst(cut), "cut at \(cut)")
            }
            #expect(whole.body.range(of: Data("SECRET".utf8)) == nil)
        }
    }

    @Test func `Hidden and deleted photos are in no archive`() async throws {
        try await withGuestAPI { api in
            let stage = try await stage(api)
            let (hidden, gone) = (try await stage.photo(), try await stage.photo("sample.png"))
            let path = archive(stage)
            let before = try await api.get(path, as: stage.stay.organiser)
            let objection = ObjectionRequest(isObjecting: true)
            let objected = try await api.change(
                "PUT",
                "/v1/photos/\(hidden.id)/objection",
                objection,
                as: stage.stay.organiser
            )
            #expect(objected.status == 204)
            #expect(try await api.send("DELETE", "/v1/photos/\(gone.id)", as: stage.stay.member).status == 204)

            let after = try await api.get(path, as: stage.stay.organiser)
            // An archive without files is its last record alone.
            #expect(after.body.count == 22 && before.body.count > 2000)
            let headers = ["Range": "bytes=10-", "If-Range": try #require(before.headers["etag"])]
            let resumed = try await api.send("GET", path, as: stage.stay.organiser, headers: headers)
            #expect(resumed.status == 200 && resumed.body == after.body)
        }
    }
}
