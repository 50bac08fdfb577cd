import Crypto
import Foundation
import GuestModels
import Postgres
import SyncMessages

/// A photo in a message, such as a photo of a problem.
enum MessagePhoto {
    private static let maximumInGroup = 500
    /// The most photos that one guest may send, in all groups together.
    private static let maximumOfGuest = 2_000

    /// The name of a photo in the object store.
    ///
    /// Each upload has an object of its own, so removing one never removes another of the same photo.
    ///
    /// - Parameter object: nil for a photo of former versions, whose object has the photo's name.
    static func object(_ object: UUID?, of name: PhotoName, in group: TravelGroup.ID) -> String {
        "messages/\(group)/\(object?.lowercasedText ?? name.description)"
    }

    /// Receives the next part of a photo.
    ///
    /// After the last part the photo is checked, and a job stores it. A repeated part is answered with how much has
    /// arrived.
    ///
    /// - Returns: nil when all parts have come, but the photo does not match its name or is no picture. The upload must
    ///   begin anew then.
    static func receive(
        _ part: PhotoPart,
        of name: PhotoName,
        in group: TravelGroup.ID,
        _ act: Act
    ) async throws -> PhotoReceipt? {
        let own = try await TravelGroup.require(.member, in: group, staying: true, act)
        guard let bytes = Data(base64Encoded: part.bytes), !bytes.isEmpty else {
            throw BadRequest("/bytes", "must be base64")
        }
        let (_, sizes, begun, counts) = try await act.tx.all(
            PhotoSQL.lock(name, in: group),
            PhotoSQL.size(name, in: group),
            PhotoSQL.begun(name, in: group),
            PhotoSQL.count(in: group)
        )
        if sizes.first != nil { return PhotoReceipt(received: part.of, isThere: true) }
        let (received, size) = begun.first ?? (0, part.of)
        guard part.of == size else { throw Refusal.partMisplaced.at("/of") }
        guard part.from <= received, part.from + bytes.count <= size else { throw Refusal.partMisplaced.at("/from") }
        if part.from < received { return PhotoReceipt(received: received, isThere: received == size) }
        guard !begun.isEmpty || (counts.first ?? 0) < maximumInGroup else { throw Refusal.tooManyPhotos }
        if begun.isEmpty, let guest = act.principal.guestID {
            guard try await act.tx.first(PhotoSQL.count(of: guest)) ?? 0 < maximumOfGuest else {
                throw Refusal.tooManyPhotos
            }
        }
        let arrived = received + bytes.count
        let object = arrived == size ? act.app.ids.uuid(at: act.now) : nil
        act.tx.later([PhotoSQL.insert(part, bytes, of: name, in: group, as: object, by: own.id, at: act.now)])
        guard let object else { return PhotoReceipt(received: arrived, isThere: false) }
        let whole = try await act.tx.all(PhotoSQL.parts(of: name, in: group)).reduce(into: [UInt8]()) { $0 += $1 }
        guard SHA256.hash(data: whole).hexadecimal == name.description, (try? JPEG(withoutMetadata: whole)) != nil
        else {
            act.tx.later([PhotoSQL.deleteParts(of: name, in: group)])
            return nil
        }
        try Job.enqueue(StorePhoto(groupId: group, name: name, object: object), at: act.now, act)
        return PhotoReceipt(received: size, isThere: true)
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

/// The job that stores a photo whose parts have all come, and shows it to phones.
struct StorePhoto: Work {
    static let kind = "storePhoto"
    static let queue = Job.Queue.objects
    static let patience = Job.patienceWithObjects

    let groupId: TravelGroup.ID
    let name: PhotoName
    /// The object of this upload; the upload's last part names it too.
    let object: UUID

    private var place: String { MessagePhoto.object(object, of: name, in: groupId) }

    func deliver(_ job: Job.ID, _ app: AppEnvironment) async throws {
        let (uploads, parts) = try await app.look(as: .job(Self.kind)) {
            try await $0.reader.all(PhotoSQL.upload(self), PhotoSQL.parts(of: name, in: groupId))
        }
        // An erasure may have deleted the parts, and another upload of the photo may have begun since.
        guard !uploads.isEmpty else { return }
        let picture = try JPEG(withoutMetadata: parts.reduce(into: []) { $0 += $1 })
        try await app.objects.put(picture.bytes, as: place)
    }

    func finish(_ act: Act) async throws {
        if let sender = try await act.tx.first(PhotoSQL.upload(self))?.sender {
            // An erasure of the sender waits for this transaction, or has deleted the parts before the next look.
            try await act.tx.run(GroupSQL.hold(traveller: sender))
        }
        _ = try await act.tx.all(PhotoSQL.lock(name, in: groupId))
        let (uploads, stored) = try await act.tx.all(PhotoSQL.upload(self), PhotoSQL.size(name, in: groupId))
        guard let upload = uploads.first, stored.isEmpty else {
            // The photo was erased, or stored by another upload, so the object belongs to no photo.
            let work = RemovePhoto(groupId: groupId, name: name, object: object)
            return try Job.enqueue(work, at: act.now.addingTimeInterval(RemovePhoto.delay), act)
        }
        act.tx.later([
            PhotoSQL.insert(name, size: upload.size, as: object, in: groupId, by: upload.sender, at: act.now),
            PhotoSQL.deleteParts(of: name, in: groupId),
        ])
        for message in try await act.tx.all(PhotoSQL.messages(with: name, in: groupId)) {
            act.tx.publish(message, .message, to: .group(groupId))
        }
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
