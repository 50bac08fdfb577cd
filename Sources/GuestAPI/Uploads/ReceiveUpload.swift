import Foundation
import GuestModels
import NIOCore
import Postgres

extension StoredUpload {
    /// Begins an upload, or finds the one that goes on.
    ///
    /// A sender has one upload of the same bytes. A beginning with bytes replaces an unfinished upload; one without bytes
    /// goes on with it.
    ///
    /// - Returns: the upload, or nil if the service has all the bytes already; and the upload that was replaced.
    static func begin(
        _ kind: UploadKind,
        of owner: UUID,
        as name: String,
        size: Int?,
        goesOn: Bool,
        _ act: Act
    ) async throws -> (upload: StoredUpload?, replaced: Upload.ID?) {
        guard try await kind.allow(owner, name, act) else { return (nil, nil) }
        let sender = try act.principal.sender()
        let (_, found) = try await act.tx.all(
            UploadSQL.lock(kind.name, owner, name, of: sender),
            UploadSQL.upload(kind.name, owner, name, of: sender)
        )
        let known = found.first
        if let known {
            if known.isWhole { return (nil, nil) }
            if goesOn, size == nil || known.size == nil || size == known.size { return (known, nil) }
            try await act.tx.run(UploadSQL.endUnfinished(known.id, at: act.now))
        }
        try await kind.limit(owner, act)
        let upload = StoredUpload(
            id: act.id(),
            kind: kind.name,
            owner: owner,
            name: name,
            sender: sender,
            size: size,
            begunAt: act.now,
            isWhole: false
        )
        try await act.tx.run(UploadSQL.insert(upload))
        return (upload, known?.id)
    }

    /// The asker's own upload; an upload of another sender looks absent.
    static func own(_ id: Upload.ID, _ look: Look) async throws -> StoredUpload {
        guard let upload = try await look.reader.first(UploadSQL.recent(id)),
            upload.sender == (try look.principal.sender())
        else {
            throw Refusal.notFound
        }
        return upload
    }

    /// Records that all bytes have come, after permission has been asked for again; repeating is harmless.
    ///
    /// Throws `uploadTakenOver` if a newer beginning has replaced the upload.
    func setWhole(_ kind: UploadKind, size: Int, _ act: Act) async throws {
        // The permission locks the guest's place in the group before the upload, in the order of an erasure.
        try await kind.finish(self, act)
        guard try await act.tx.first(UploadSQL.locked(id)) != nil else { throw Refusal.uploadTakenOver }
        try await act.tx.run(UploadSQL.setWhole(id, size: size, at: act.now))
    }

    /// Records the size that the client has announced after the beginning.
    func setSize(_ size: Int, _ act: Act) async throws {
        try await act.tx.run(UploadSQL.setSize(of: id, size))
    }

    /// Ends an upload whose bytes nobody may have; nothing happens if another request has made it whole.
    ///
    /// - Returns: whether the upload has ended, so that its bytes can go.
    func end(_ act: Act) async throws -> Bool {
        try await act.tx.run(UploadSQL.endUnfinished(id, at: act.now)) > 0
    }

    /// Ends an upload that its sender does not want.
    ///
    /// - Throws: `uploadComplete` once all bytes have come, because a job passes them on.
    static func cancel(_ id: Upload.ID, _ act: Act) async throws {
        guard let upload = try await act.tx.first(UploadSQL.locked(id)), upload.sender == (try act.principal.sender())
        else {
            throw Refusal.notFound
        }
        guard !upload.isWhole else { throw Refusal.uploadComplete }
        try await act.tx.run(UploadSQL.endUnfinished(id, at: act.now))
    }
}

/// Writes the bytes of a request into a staged file.
struct StagingWriter: Sendable {
    /// The number of bytes after which they are written to the disk, so that a crash costs at most as many.
    private static let portion = 1024 * 1024

    let writer: StagedFile.Writer
    /// The place of the first byte of this request, which is the number of durable bytes before it.
    let offset: Int
    let maximum: Int

    /// Takes a staged file over.
    ///
    /// - Returns: nil if the file is gone.
    static func begin(_ file: StagedFile, maximum: Int) async throws -> StagingWriter? {
        let begun: (StagedFile.Writer, Int)? = try await Files.run {
            guard let writer = try file.takeOver() else { return nil }
            return (writer, try writer.synchronize())
        }
        return begun.map { StagingWriter(writer: $0.0, offset: $0.1, maximum: maximum) }
    }

    /// The error of a body with more bytes than the upload may have.
    struct TooLong: Error {}

    /// Writes a body, as far as it comes.
    ///
    /// - Returns: the number of durable bytes, and whether the body came whole.
    func receive(_ body: IncomingBody) async throws -> (durable: Int, isWhole: Bool) {
        var received = offset
        var loose = 0
        var synced = ContinuousClock.now
        var isWhole = true
        do {
            try await body.read { buffer in
                received += buffer.readableBytes
                guard received <= maximum else { throw TooLong() }
                loose += buffer.readableBytes
                let isDue = loose >= Self.portion || synced.duration(to: .now) >= .seconds(1)
                try await Files.run {
                    try writer.append(buffer)
                    if isDue { _ = try writer.synchronize() }
                }
                if isDue { (loose, synced) = (0, .now) }
            }
        } catch is BodyCutOff {
            isWhole = false
        }
        return (try await Files.run { try writer.synchronize() }, isWhole)
    }
}

/// The job that deletes the bytes of uploads that have ended, and ends those that nobody finishes.
///
/// The row of an upload and the file of a whole upload stay for an hour, so that a backup that began before has the files
/// of its rows.
struct ForgetUploads: Work {
    static let kind = "forgetUploads"
    static let queue = Job.Queue.objects
    static let delay: TimeInterval = 3600

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let before = app.now().addingTimeInterval(-Self.delay)
        let ended = try await app.look(as: .job(Self.kind)) { try await $0.reader.all(UploadSQL.ended(before: before)) }
        try await Files.run {
            for id in ended { try StagedFile(id.uuid, in: app.settings.stateFolder).remove() }
        }
        try await app.act(as: .job(Self.kind)) { try await $0.tx.run(UploadSQL.delete(ended)) }
    }

    func finish(_ act: Act) async throws {
        try await act.tx.run(UploadSQL.endOld(at: act.now))
    }
}

extension PersonalData {
    /// The bytes of a guest that are on their way.
    static let uploads = PersonalData(
        name: "uploads",
        export: { guest, act in try await act.tx.all(UploadSQL.uploads(of: guest)) },
        erase: { guest, act in try await act.tx.run(UploadSQL.end(allOf: guest, at: act.now)) }
    )
}
