import Crypto
import Foundation
import GuestClient
import GuestModels

extension Story {
    /// The album has a photo before its bytes, hearts and a caption, and one photo less when somebody objects.
    mutating func fillAlbum() async throws {
        let album = Paths.albumPhotos.with(text(booking))
        let photo = try await add(Self.evening, caption: "The first evening", to: album, as: els)
        let coming = try await items(album, as: mira).contains {
            text($0) == text(photo) && text($0, "state") == "coming"
        }
        try require(coming, "the photo's row is not ahead of its bytes")
        say("Els adds a photo. Mira's phone shows that it is on its way.")

        try await client.send(Self.evening, to: Paths.photoBytes.with(text(photo)), as: els)
        let ready = try await client.wait { () -> JSON? in
            let photo = try await ask("GET", Paths.photo.with(text(photo)), as: mira)
            return text(photo, "state") == "ready" ? photo : nil
        }
        try require(ready != nil, "no picture was made of the photo; is photo-worker beside the service?")
        _ = try await ask("PUT", Paths.photoHeart.with(text(photo)), ["isHearted": true], as: mira)
        say("The bytes have come, and pictures of four sizes without the camera's data. Mira likes it.")

        // A JPEG may have bytes behind its end, so this is another photo of the same picture.
        let other = try await add(Self.evening + Data([0]), caption: nil, to: album, as: mira)
        _ = try await ask("PUT", Paths.photoObjection.with(text(other)), ["isObjecting": true], as: els)
        let left = try await items(album, as: els).map { text($0) }
        try require(left == [text(photo)], "the photo that Els objects to is still in the album")
        say("Mira adds one on which Els looks tired. Els hides it, and it is gone for everybody else.")
    }

    private func add(_ bytes: Data, caption: String?, to album: String, as token: String) async throws -> JSON {
        let name = SHA256.hash(data: bytes).hexadecimal
        var request: [String: any Sendable] = ["name": name, "size": bytes.count]
        if let caption { request["caption"] = caption }
        return try await ask("POST", album, request, as: token)
    }
}
