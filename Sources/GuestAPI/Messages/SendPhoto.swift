import Crypto
import Foundation
import GuestModels
import Postgres
import SyncMessages

/// A photo in a message, such as a photo of a problem.
enum MessagePhoto {
    private static let maximumInGroup = 500
    /// The limit of one guest, over all groups.
    private static let maximumOfGuest = 2_000

    /// The name of the stored file.
    ///
    /// The name consists of checked ids, never of a client's own file name.
    static func object(_ name: PhotoName, in group: TravelGroup.ID) -> String { "messages/\(group)/\(name)" }

    /// Receives the next part of a photo.
    ///
    /// After the last part the photo is checked, its metadata is removed, and phones show it. A repeated part is
    /// answered with how much has arrived.
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
        if part.from < received { return PhotoReceipt(received: received, isThere: false) }
        guard !begun.isEmpty || (counts.first ?? 0) < maximumInGroup else { throw Refusal.tooManyPhotos }
        if begun.isEmpty, let guest = act.principal.guestID {
            guard try await act.tx.first(PhotoSQL.count(of: guest)) ?? 0 < maximumOfGuest else {
                throw Refusal.tooManyPhotos
            }
        }
        let arrived = received + bytes.count
        act.tx.later([PhotoSQL.insert(part, bytes, of: name, in: group, by: own.id, at: act.now)])
        guard arrived == size else { return PhotoReceipt(received: arrived, isThere: false) }
        let whole = try await act.tx.all(PhotoSQL.parts(of: name, in: group)).reduce(into: Data()) { $0 += $1 }
        act.tx.later([PhotoSQL.deleteParts(of: name, in: group)])
        let digest = SHA256.hash(data: whole).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        guard digest == name.description, let picture = try? JPEG(withoutMetadata: Array(whole)) else { return nil }
        try await act.app.objects.put(picture.bytes, as: object(name, in: group))
        act.tx.later([PhotoSQL.insert(name, size: size, in: group, by: own.id, at: act.now)])
        for message in try await act.tx.all(PhotoSQL.messages(with: name, in: group)) {
            act.tx.publish(message, .message, to: .group(group))
        }
        return PhotoReceipt(received: size, isThere: true)
    }

    /// Queues the removal of photo files, and publishes the messages that had them.
    ///
    /// The files stay for an hour, so that a backup that began before has the files of its rows.
    static func forget(_ gone: [(group: TravelGroup.ID, name: PhotoName)], _ act: Act) async throws {
        for (group, name) in gone {
            try Job.enqueue(RemovePhoto(groupId: group, name: name), at: act.now.addingTimeInterval(3600), act)
            for message in try await act.tx.all(PhotoSQL.messages(with: name, in: group)) {
                act.tx.publish(message, .message, to: .group(group))
            }
        }
    }
}

/// Takes away the file of a photo that is gone.
struct RemovePhoto: Work {
    static let kind = "removePhoto"
    static let queue = Job.Queue.effects

    let groupId: TravelGroup.ID
    let name: PhotoName

    /// Removes the file under the photo's lock, and leaves it if the photo has been sent again.
    func finish(_ act: Act) async throws {
        let (_, sizes) = try await act.tx.all(PhotoSQL.lock(name, in: groupId), PhotoSQL.size(name, in: groupId))
        guard sizes.isEmpty else { return }
        try await act.app.objects.remove(MessagePhoto.object(name, in: groupId))
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
