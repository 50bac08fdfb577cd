import Foundation
import GuestModels

/// The rules of one kind of upload: permission, size, check, and the job that takes the bytes.
struct UploadKind: Sendable {
    /// The name in the table; waiting uploads have it, so a name never gets another meaning.
    let name: String
    /// The most bytes of an upload.
    let maximum: Int
    /// Throws unless the asker may send these bytes now; false if the service has them already.
    let allow: @Sendable (_ owner: UUID, _ name: String, Act) async throws -> Bool
    /// Throws if a new upload would be one too many.
    let limit: @Sendable (_ owner: UUID, Act) async throws -> Void
    /// Throws a refusal unless the whole bytes are what they should be; runs on a thread that may block.
    let check: @Sendable (StoredUpload, StagedFile, _ size: Int) throws -> Void
    /// Asks for permission again and queues the job that passes the bytes on; the job ends the upload.
    let finish: @Sendable (StoredUpload, Act) async throws -> Void
}

/// The person who sends an upload.
enum UploadSender: Hashable, Sendable {
    case guest(Guest.ID)
    /// A child with a phone that its guardian has admitted.
    case child(Traveller.ID)
}

extension Principal {
    /// Throws `forbidden` if the principal sends no uploads.
    func sender() throws(Refusal) -> UploadSender {
        switch self {
        case .guest(let id): .guest(id)
        case .child(let id, _): .child(id)
        case .nobody, .staff, .system, .job: throw .forbidden
        }
    }
}

/// An upload as the table has it.
struct StoredUpload: Sendable {
    let id: Upload.ID
    /// The name of the upload's kind.
    let kind: String
    /// The thing that the bytes belong to, such as a group.
    let owner: UUID
    /// The bytes' name at their owner.
    let name: String
    let sender: UploadSender
    /// The size in bytes; nil while the client has not said it.
    let size: Int?
    let begunAt: Date
    /// Whether all bytes have come and are what they should be.
    let isWhole: Bool
}
