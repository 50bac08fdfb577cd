import Foundation
import GuestModels
import SyncMessages
import Testing

/// The protocol's page, for whoever writes the other half in another language.
@Suite struct SyncPageTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/Sync/Sync.docc/Sync.md")

    /// The cells of the rows of the table that begins with this head.
    private func table(_ head: String) throws -> [[String]] {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let start = try #require(text.range(of: "| \(head) |"))
        return text[start.lowerBound...].split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
            .prefix { $0.hasPrefix("|") }
            .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " `")) } }
    }

    @Test func `The sync protocol page's test vectors have their stated hashes`() throws {
        let vectors = try table("Kind | Id | Body | Hash")
        var digest: UInt64 = 0
        for vector in vectors {
            try #require(vector.count == 4)
            let id = try #require(UUID(uuidString: vector[1]))
            let hash = SyncRow.hash(kind: vector[0], id: id, body: vector[2])
            #expect(hash == UInt64(vector[3], radix: 16))
            digest ^= hash
        }

        #expect(vectors.count == 2)
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        #expect(text.contains("digest `\(String(digest, radix: 16))`"))
    }
}
