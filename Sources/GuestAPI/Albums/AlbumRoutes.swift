import Foundation
import GuestModels
import HTTPTypes
import Postgres

/// The routes of albums and their photos.
///
/// Phones do the same through `/v1/sync`, except for the bytes; both call the same verbs.
enum AlbumRoutes {
    static let handlers: [String: RouteTable.Handler] = [
        "listPhotos": list, "addPhoto": add, "showAlbumPhoto": show, "changePhoto": change, "removePhoto": remove,
        "heartPhoto": heart, "sendPhotoBytes": sendBytes, "showPicture": showPicture, "placePhoto": place,
        "objectToPhoto": object, "listObjections": listObjections, "listHiddenPhotos": listHidden,
        "setCurators": setCurators, "downloadAlbum": download, "shiftPhotoTimes": shiftTimes,
    ]

    private static func list(_ call: Call) async throws -> Answer {
        let album = try call.path(Paths.albumPhotos)
        var query = QueryReader(call)
        let after = query.optional("cursor", as: Photo.ID.self, "must be the `next` of a page")
        let limit = query.int("limit", 1...500, default: 100)
        try query.finish()
        return .published(
            try await call.read {
                try await Album.list(album, after: after, limit: limit, unless: call.headers.knows, $0)
            }
        )
    }

    private static func add(_ call: Call) async throws -> Answer {
        let request = try call.body(PhotoRequest.self)
        let album = try call.path(Paths.albumPhotos)
        return try await call.write { act in
            let (id, isNew) = try await Photo.add(request, to: album, act)
            return try await .json(Photo.shown(id, act), isNew ? .created : .ok)
        }
    }

    private static func show(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.photo)
        return .json(try await call.read { try await Photo.show(id, $0) })
    }

    private static func change(_ call: Call) async throws -> Answer {
        let request = try call.body(PhotoChange.self)
        let id = try call.path(Paths.photo)
        return try await call.write { act in
            _ = try await Photo.change(request, to: id, act)
            return try await .json(Photo.shown(id, act))
        }
    }

    private static func remove(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.photo)
        return try await call.write { act in
            try await Photo.remove(id, act)
            return .noContent
        }
    }

    private static func heart(_ call: Call) async throws -> Answer {
        let request = try call.body(HeartRequest.self)
        let id = try call.path(Paths.photoHeart)
        return try await call.write { act in
            _ = try await Photo.heart(request, id, act)
            return try await .json(Photo.shown(id, act))
        }
    }

    // MARK: Curators, and those who are pictured

    private static func setCurators(_ call: Call) async throws -> Answer {
        let request = try call.body(CuratorsRequest.self)
        let album = try call.path(Paths.albumCurators)
        return try await call.write { act in
            try await Album.setCurators(request, of: album, act)
            return .noContent
        }
    }

    private static func listHidden(_ call: Call) async throws -> Answer {
        let album = try call.path(Paths.albumHidden)
        let items = try await call.read { try await Album.listHidden(album, $0) }
        return .json(JSONText(#"{"items":\#(items.text)}"#))
    }

    private static func place(_ call: Call) async throws -> Answer {
        let request = try call.body(PhotoPlacement.self)
        let id = try call.path(Paths.photoPlacement)
        return try await call.write { act in
            _ = try await Photo.place(request, id, act)
            return .noContent
        }
    }

    private static func object(_ call: Call) async throws -> Answer {
        let request = try call.body(ObjectionRequest.self)
        let id = try call.path(Paths.photoObjection)
        return try await call.write { act in
            _ = try await Photo.object(request, to: id, act)
            return .noContent
        }
    }

    private static func listObjections(_ call: Call) async throws -> Answer {
        let album = try call.path(Paths.albumObjections)
        let objections = try await call.read { try await Photo.objections(to: album, $0) }
        return try .json(Page(items: objections, next: nil))
    }

    private static func shiftTimes(_ call: Call) async throws -> Answer {
        let request = try call.body(TimeShift.self)
        let album = try call.path(Paths.albumTimeShift)
        return try await call.write { act in
            _ = try await Photo.shiftTimes(request, in: album, act)
            return .noContent
        }
    }

    // MARK: Bytes

    private static func sendBytes(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.photoBytes)
        let photo = try await call.read { try await Photo.expected(id, $0) }
        return try await UploadRoutes.begin(
            .albumPhoto,
            of: id.uuid,
            as: Photo.upload(of: photo),
            expecting: photo.size,
            call
        )
    }

    private static func download(_ call: Call) async throws -> Answer {
        let id = try call.path(Paths.albumArchive)
        let archive = try await call.read { try await Album.archive(id, $0) }
        let (type, caching) = ("application/zip", "private, no-cache")
        var answer = Answer.object(archive.object, tag: archive.tag, type: type, caching: caching, to: call)
        answer.headers.append(HTTPField(name: .contentDisposition, value: "attachment; filename=\"album.zip\""))
        return answer
    }

    private static func showPicture(_ call: Call) async throws -> Answer {
        let (id, size) = try call.path(Paths.photoPicture)
        return try await Picture.answer(call.read { try await Photo.picture(of: id, $0) }, size, to: call)
    }
}
