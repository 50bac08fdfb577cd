import Foundation
import GuestModels
import Postgres

extension Office {
    /// Compares the rows of photos, pictures and uploads with the files that they promise, both ways.
    ///
    /// - Returns: a line for each file that is missing, has another size, or belongs to no row.
    public func checkPhotos() async throws -> [String] {
        let first = try await photoDifferences()
        guard !first.isEmpty else { return [] }
        // Differences made by a running job are gone at the second look.
        return try await first.intersection(photoDifferences()).sorted()
    }

    private func photoDifferences() async throws -> Set<String> {
        var objects: [String: Int] = [:]
        for folder in ["messages", "pictures"] {
            for object in try await app.objects.list(folder) { objects[object.name] = object.size }
        }
        let (photos, pictures, uploads, removals) = try await app.look(as: .job("check")) {
            try await $0.reader.all(
                CheckPhotosSQL.messagePhotos,
                CheckPhotosSQL.pictures,
                CheckPhotosSQL.uploads,
                CheckPhotosSQL.removals
            )
        }
        var differences: Set<String> = []
        var promised = Set(photos)
        for name in photos where objects[name] == nil { differences.insert("\(name) is missing") }
        for picture in pictures {
            for size in Picture.Size.allCases {
                let name = Picture.object(picture.id, size)
                promised.insert(name)
                guard let found = objects[name] else {
                    differences.insert("\(name) is missing")
                    continue
                }
                if size == .master, found != picture.size {
                    differences.insert("\(name) has \(found) bytes instead of \(picture.size)")
                }
            }
        }
        for (id, waiting) in uploads {
            guard let waiting else { continue }
            let file = StagedFile(id.uuid, in: app.settings.stateFolder)
            let size = try await Files.run { try file.size() }
            if size ?? 0 < waiting { differences.insert("upload \(id) has \(size ?? 0) of \(waiting) bytes") }
        }
        // A job that stores an object has its upload's row, and one that removes an object is in the queue.
        let stored = Set(uploads.map { $0.id.description })
        promised.formUnion(try removals.map { try Self.object(of: $0) })
        for name in objects.keys where !promised.contains(name) {
            let ids = name.split(separator: "/").map(String.init)
            if !ids.contains(where: stored.contains) { differences.insert("\(name) belongs to no row") }
        }
        return differences
    }

    /// The object that a waiting job will remove.
    private static func object(of arguments: String) throws -> String {
        let work = try JSONDecoder().decode(RemovePhoto.self, from: Data(arguments.utf8))
        return MessagePhoto.object(work.object, of: work.name, in: work.groupId)
    }
}
