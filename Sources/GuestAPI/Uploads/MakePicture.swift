import Foundation
import GuestModels
import Postgres

extension Picture {
    /// The tries after which a file that ends its process every time is unreadable.
    private static let maximumDeaths = 3

    /// The name of a copy in the object store.
    static func object(_ id: ID, _ size: Size) -> String { "pictures/\(id)/\(size.rawValue)" }

    /// Makes a picture of a whole upload's bytes, and stores its copies; harmless to repeat.
    ///
    /// The outcome has the upload's id. Nothing happens if the upload has ended.
    static func make(of upload: Upload.ID, as kind: String, _ app: AppEnvironment) async throws {
        let id = ID(upload.uuid)
        let (uploads, outcomes) = try await app.look(as: .job(kind)) {
            try await $0.reader.all(UploadSQL.upload(upload), PictureSQL.outcome(id))
        }
        guard uploads.first?.isWhole == true, outcomes.isEmpty else { return }
        let state = URL(filePath: app.settings.stateFolder)
        let folder = Files.unfinished(in: state).appending(path: UUID().uuidString)
        try await Files.run { try Files.makeDurableFolder(folder) }
        let file = StagedFile(upload.uuid, in: app.settings.stateFolder)
        let result: Result<Made?, any Error>
        do {
            let made = try await copies(of: file, in: folder, id, as: kind, app)
            if made != nil {
                for size in Size.allCases {
                    let bytes = try await Files.run { try Files.read(folder.appending(path: size.rawValue)) }
                    try await app.objects.put(bytes, as: object(id, size))
                }
            }
            result = .success(made)
        } catch {
            result = .failure(error)
        }
        try await Files.remove(folder)
        let made = try result.get()
        try await app.act(as: .job(kind)) { act in
            try await act.tx.run(PictureSQL.setDone(id, made, at: act.now))
        }
    }

    /// Has a process write the copies into a folder; nil if the bytes are no picture.
    private static func copies(
        of file: StagedFile,
        in folder: URL,
        _ id: ID,
        as kind: String,
        _ app: AppEnvironment
    ) async throws -> Made? {
        do {
            let order = Order(source: file.path, folder: folder.path(percentEncoded: false))
            return try await app.pictures.carryOut(order).made
        } catch let death as PictureWorker.Died {
            let deaths = try await app.act(as: .job(kind)) { try await $0.tx.first(PictureSQL.countDeath(of: id)) }
            guard deaths ?? 0 >= maximumDeaths else { throw death }
            return nil
        }
    }

    /// Queues the removal of a picture that nothing shows any more.
    static func remove(_ id: ID, _ act: Act) throws {
        let work = RemovePicture(pictureId: id)
        try Job.enqueue(work, at: act.now.addingTimeInterval(RemovePicture.delay), act)
    }

    /// Answers with a copy of a picture.
    ///
    /// The copy never changes. A client asks each time, because the right to see it may end.
    static func answer(_ id: ID, _ size: Size, to call: Call) async throws -> Answer {
        guard let object = try await call.app.objects.open(object(id, size)) else { throw Refusal.notFound }
        return .object(
            object,
            tag: "\(id)-\(size.rawValue)",
            type: "image/jpeg",
            caching: "private, no-cache",
            to: call
        )
    }
}

/// The job that removes a picture's copies from the object store, and its row.
struct RemovePicture: Work {
    static let kind = "removePicture"
    static let queue = Job.Queue.objects
    static let patience = Job.patienceWithObjects
    /// Seconds between a picture's end and the removal of its copies.
    ///
    /// A backup that has begun then has the objects of its rows.
    static let delay: TimeInterval = 3600

    let pictureId: Picture.ID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        for size in Picture.Size.allCases { try await app.objects.remove(Picture.object(pictureId, size)) }
    }

    func finish(_ act: Act) async throws {
        try await act.tx.run(PictureSQL.delete(pictureId))
    }
}
