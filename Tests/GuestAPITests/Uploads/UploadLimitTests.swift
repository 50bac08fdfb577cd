import Foundation
import GuestModels
import Testing

@testable import GuestAPI

@Suite struct UploadLimitTests {
    /// Runs work while a guest sends that many uploads.
    private func sending(
        _ count: Int,
        as sender: UploadSender,
        _ limit: UploadLimit,
        _ work: () async throws -> Void
    ) async throws {
        guard count > 0 else { return try await work() }
        try await limit.run(for: sender) { try await sending(count - 1, as: sender, limit, work) }
    }

    @Test func `A guest sends at most three uploads at once`() async throws {
        let (limit, sender) = (UploadLimit(), UploadSender.guest(Guest.ID(UUID())))
        try await sending(3, as: sender, limit) {
            await #expect(throws: Refusal.tooManyUploads) { try await limit.run(for: sender) {} }
            try await limit.run(for: .guest(Guest.ID(UUID()))) {}
        }
        try await limit.run(for: sender) {}
    }

    @Test func `A process takes at most 200 uploads at once`() async throws {
        let limit = UploadLimit()
        func with(_ others: Int, _ work: () async throws -> Void) async throws {
            guard others > 0 else { return try await work() }
            try await limit.run(for: .guest(Guest.ID(UUID()))) { try await with(others - 1, work) }
        }
        try await with(200) {
            await #expect(throws: Refusal.tooManyUploads) { try await limit.run(for: .guest(Guest.ID(UUID()))) {} }
        }
    }
}
