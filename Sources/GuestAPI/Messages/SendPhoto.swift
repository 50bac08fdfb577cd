import Crypto
import Foundation
import GuestModels
import Postgres
import SyncMessages

/// A photo in a message, such as a photo of a problem.
enum MessagePhoto {
    fileprivate static let maximumInGroup = 500
    /// The most photos that one guest may send, in all groups together.
    fileprivate static let maximumOfGuest = 2_000

    /// The name of a photo in the object store.
    ///
    /// Each upload has an object of its own, so removing one never removes another of the same photo.
    ///
    /// - Parameter object: nil for a photo of former versions, whose object has the photo's name.
    static func object(_ object: UUID?, of name: PhotoName, in group: TravelGroup.ID) -> String {
        "messages/\(group)/\(object?.lowercasedText ?? name.description)"
    }

    /// The group and the name of a photo, from its upload.
    fileprivate static func target(_ owner: UUID, _ text: String) throws -> (TravelGroup.ID, PhotoName) {
        guard let name = PhotoName(text) else { throw Inconsistency("an upload has no photo's name: \(text)") }
        return (TravelGroup.ID(owner), name)
    }

    /// Shows a photo whose object has been stored.
    ///
    /// - Parameter whole: the photo's size and sender; nil if it was erased meanwhile, so that the object belongs to no
    ///   photo. The same is true if another upload has stored the photo.
    fileprivate static func show(
        _ name: PhotoName,
        in group: TravelGroup.ID,
        as object: UUID,
        _ whole: (size: Int, sender: Traveller.ID)?,
        _ act: Act
    ) async throws {
        guard let whole, try await act.tx.first(PhotoSQL.size(name, in: group)) == nil else {
            let work = RemovePhoto(groupId: group, name: name, object: object)
            return try Job.enqueue(work, at: act.now.addingTimeInterval(RemovePhoto.delay), act)
        }
        act.tx.later([
            PhotoSQL.insert(name, size: whole.size, as: object, in: group, by: whole.sender, at: act.now)
        ])
        for message in try await act.tx.all(PhotoSQL.messages(with: name, in: group)) {
            act.tx.publish(message, .message, to: .group(group))
        }
    }

    /// Queues the removal of photo files, and publishes the messages that had them.
    ///
    /// The files stay for an hour, so that a backup that began before has the files of its rows.
    static func forget(_ gone: [PhotoSQL.Stored], _ act: Act) async throws {
        for photo in gone {
            let (group, name) = (photo.group, photo.name)
            let work = RemovePhoto(groupId: group, name: name, object: photo.object)
            try Job.enqueue(work, at: act.now.addingTimeInterval(RemovePhoto.delay), act)
            for message in try await act.tx.all(PhotoSQL.messages(with: name, in: group)) {
                act.tx.publish(message, .message, to: .group(group))
            }
        }
    }
}

extension UploadKind {
    /// The photo of a message; its owner is the group, and its name the SHA-256 of its bytes.
    static let messagePhoto = UploadKind(
        name: "messagePhoto",
        maximum: PhotoName.maximumBytes,
        allow: { owner, text, act in
            let (group, name) = try MessagePhoto.target(owner, text)
            _ = try await TravelGroup.require(.member, in: group, staying: true, act)
            return try await act.tx.first(PhotoSQL.size(name, in: group)) == nil
        },
        limit: { owner, act in
            let guest = try act.principal.guest()
            let (inGroup, sent) = try await act.tx.all(
                PhotoSQL.count(in: TravelGroup.ID(owner)),
                PhotoSQL.count(of: guest)
            )
            guard inGroup.first ?? 0 < MessagePhoto.maximumInGroup, sent.first ?? 0 < MessagePhoto.maximumOfGuest else {
                throw Refusal.tooManyPhotos
            }
        },
        check: { upload, file, size in
            let bytes = try file.read(size)
            guard SHA256.hash(data: bytes).hexadecimal == upload.name, (try? JPEG(withoutMetadata: bytes)) != nil else {
                throw Refusal.photoUnreadable
            }
        },
        finish: { upload, act in
            let (group, name) = try MessagePhoto.target(upload.owner, upload.name)
            _ = try await TravelGroup.require(.member, in: group, staying: true, act)
            let work = StorePhoto(groupId: group, name: name, uploadId: upload.id)
            // Two last requests of one upload queue one job.
            try Job.enqueue(work, key: "\(upload.id)", at: act.now, act)
        }
    )
}

/// The job that stores a photo whose bytes have all come, and shows it to phones.
struct StorePhoto: Work {
    static let kind = "storeUploadedPhoto"
    static let queue = Job.Queue.objects
    static let patience = Job.patienceWithObjects

    let groupId: TravelGroup.ID
    let name: PhotoName
    /// The upload, which gives its name to the object.
    let uploadId: Upload.ID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let upload = try await app.look(as: .job(Self.kind)) { try await $0.reader.first(UploadSQL.upload(uploadId)) }
        // An erasure may have ended the upload.
        guard let size = upload?.size else { return }
        let file = StagedFile(uploadId.uuid, in: app.settings.stateFolder)
        let picture = try JPEG(withoutMetadata: try await Files.run { try file.read(size) })
        try await app.objects.put(picture.bytes, as: MessagePhoto.object(uploadId.uuid, of: name, in: groupId))
    }

    func finish(_ act: Act) async throws {
        var sender: Traveller.ID?
        if case .guest(let guest)? = try await act.tx.first(UploadSQL.upload(uploadId))?.sender {
            sender = try await act.tx.first(PhotoSQL.traveller(of: guest, in: groupId))
        }
        // An erasure of the sender waits for this transaction, or has ended the upload before the next look.
        if let sender { try await act.tx.run(GroupSQL.hold(traveller: sender)) }
        _ = try await act.tx.all(PhotoSQL.lock(name, in: groupId))
        let size = try await act.tx.first(UploadSQL.locked(uploadId))?.size
        act.tx.later([UploadSQL.end(uploadId, at: act.now)])
        let whole = size.flatMap { size in sender.map { (size: size, sender: $0) } }
        try await MessagePhoto.show(name, in: groupId, as: uploadId.uuid, whole, act)
    }
}

/// The job that stores a photo from the parts that the version before has received.
struct StorePhotoParts: Work {
    static let kind = "storePhoto"
    static let queue = Job.Queue.objects
    static let patience = Job.patienceWithObjects

    let groupId: TravelGroup.ID
    let name: PhotoName
    /// The object of this upload; the upload's last part names it too.
    let object: UUID

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let (uploads, parts) = try await app.look(as: .job(Self.kind)) {
            try await $0.reader.all(PhotoSQL.lastPart(self), PhotoSQL.parts(of: name, in: groupId))
        }
        // An erasure may have deleted the parts.
        guard !uploads.isEmpty else { return }
        let picture = try JPEG(withoutMetadata: parts.reduce(into: []) { $0 += $1 })
        try await app.objects.put(picture.bytes, as: MessagePhoto.object(object, of: name, in: groupId))
    }

    func finish(_ act: Act) async throws {
        if let sender = try await act.tx.first(PhotoSQL.lastPart(self))?.sender {
            // An erasure of the sender waits for this transaction, or has deleted the parts before the next look.
            try await act.tx.run(GroupSQL.hold(traveller: sender))
        }
        _ = try await act.tx.all(PhotoSQL.lock(name, in: groupId))
        let whole = try await act.tx.first(PhotoSQL.lastPart(self))
        act.tx.later([PhotoSQL.deleteParts(of: name, in: groupId)])
        try await MessagePhoto.show(name, in: groupId, as: object, whole.map { ($0.size, $0.sender) }, act)
    }
}

/// The job that removes a photo's object from the object store.
struct RemovePhoto: Work {
    static let kind = "removePhoto"
    static let queue = Job.Queue.objects
    static let patience = Job.patienceWithObjects
    /// Seconds between a photo's end and the removal of its object.
    ///
    /// A backup that has begun has the objects of its rows, and a slow `put` of the object is over.
    static let delay: TimeInterval = 3600

    let groupId: TravelGroup.ID
    let name: PhotoName
    /// nil for a photo of former versions.
    let object: UUID?

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        // A node of the version before may have stored the photo again under its name.
        let stored = try await app.look(as: .job(Self.kind)) {
            try await $0.reader.all(PhotoSQL.stored(name, in: groupId))
        }
        guard stored.allSatisfy({ $0.object != object }) else { return }
        try await app.objects.remove(MessagePhoto.object(object, of: name, in: groupId))
    }
}

/// Forgets photos whose message has not come within a week, and parts of unfinished photos.
struct ForgetPhotos: Work {
    static let kind = "forgetPhotos"
    static let queue = Job.Queue.effects

    func finish(_ act: Act) async throws {
        let before = act.now.addingTimeInterval(-7 * 86400)
        try await act.tx.run(PhotoSQL.deleteParts(before: before))
        for (group, name) in try await act.tx.all(PhotoSQL.unused(before: before)) {
            let (_, gone) = try await act.tx.all(PhotoSQL.lock(name, in: group), PhotoSQL.dropUnused(name, in: group))
            try await MessagePhoto.forget(gone, act)
        }
    }
}
