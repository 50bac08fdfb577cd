import GuestModels
import Synchronization

/// Counts the uploads that flow at this moment in this process.
final class UploadLimit: Sendable {
    /// The most uploads that the process takes at the same time.
    private static let maximum = 200
    private let flowing = Mutex<[UploadSender: Int]>([:])

    /// Runs work as one of the sender's uploads.
    ///
    /// - Throws: `tooManyUploads` if the sender or the process has too many at this moment.
    func run<Value>(for sender: UploadSender, _ work: () async throws -> Value) async throws -> Value {
        try flowing.withLock { flowing throws(Refusal) in
            let all = flowing.values.reduce(0, +)
            guard flowing[sender, default: 0] < Upload.maximumAtOnce, all < Self.maximum else { throw .tooManyUploads }
            flowing[sender, default: 0] += 1
        }
        defer {
            flowing.withLock { flowing in
                let left = flowing[sender, default: 1] - 1
                flowing[sender] = left > 0 ? left : nil
            }
        }
        return try await work()
    }
}
