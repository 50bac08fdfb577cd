import GuestModels
import Synchronization

/// Counts the uploads that flow at this moment in this process.
final class UploadLimit: Sendable {
    /// The most uploads that the process takes at the same time.
    private static let maximum = 200
    private let flowing = Mutex<[Guest.ID: Int]>([:])

    /// Runs work as one of the guest's uploads.
    ///
    /// - Throws: `tooManyUploads` if the guest or the process has too many at this moment.
    func run<Value>(for guest: Guest.ID, _ work: () async throws -> Value) async throws -> Value {
        try flowing.withLock { flowing throws(Refusal) in
            let all = flowing.values.reduce(0, +)
            guard flowing[guest, default: 0] < Upload.maximumAtOnce, all < Self.maximum else { throw .tooManyUploads }
            flowing[guest, default: 0] += 1
        }
        defer {
            flowing.withLock { flowing in
                let left = flowing[guest, default: 1] - 1
                flowing[guest] = left > 0 ? left : nil
            }
        }
        return try await work()
    }
}
