import Crypto
import Foundation
import GuestModels
import NIOCore
import TestKit
import Testing

@testable import GuestAPI

/// Every object store keeps the same contract: files on this machine, and a bucket of SeaweedFS.
@Suite(.timeLimit(.minutes(10))) struct ObjectStoreTests {
    enum Kind: String, CaseIterable {
        case disk, s3
    }

    private static let settings: Settings.Objects? = ProcessInfo.processInfo.environment["VOORPRET_TEST_S3"].map {
        Settings.Objects(url: "\($0)/voorpret", region: "us-east-1", key: "voorpret", secret: "a secret for tests")
    }

    private static let kinds = Kind.allCases.filter { $0 == .disk || settings != nil }

    /// Lends a store, and a folder of names that no other test has.
    private func with(_ kind: Kind, _ body: (any ObjectStore, String) async throws -> Void) async throws {
        let names = "tests/\(UUID().uuidString)"
        if kind == .s3, let settings = Self.settings {
            let bucket = Settings.Objects(
                url: String(settings.url.dropLast("/voorpret".count)),
                region: settings.region,
                key: settings.key,
                secret: settings.secret
            )
            // Each test makes the bucket, so that the order of tests does not matter.
            try? await S3Objects(bucket).put([], as: "voorpret")
            return try await body(S3Objects(settings), names)
        }
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-objects-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(DiskObjects(folder), names)
    }

    /// Bytes that are nowhere the same.
    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

    @Test(arguments: kinds) func `A stored object is read back with the same bytes`(_ kind: Kind) async throws {
        try await with(kind) { store, names in
            let stored = bytes(700_000)
            try await store.put(stored, as: "\(names)/a.jpg")

            let object = try #require(try await store.open("\(names)/a.jpg"))

            #expect(object.size == stored.count)
            #expect(try await object.bytes() == stored)
        }
    }

    @Test(arguments: kinds) func `Reading a range of a stored object gives exactly its bytes`(_ kind: Kind) async throws
    {
        try await with(kind) { store, names in
            let stored = bytes(700_000)
            try await store.put(stored, as: "\(names)/a")
            let object = try #require(try await store.open("\(names)/a"))

            for range in [0..<1, 262_143..<262_146, 699_999..<700_000, 5..<5] {
                var read: [UInt8] = []
                try await object.read(range) { read += $0.readableBytesView }
                #expect(read == Array(stored[range]))
            }
        }
    }

    @Test(arguments: kinds) func `Storing an object under the same name replaces the first one`(
        _ kind: Kind
    ) async throws {
        try await with(kind) { store, names in
            for text in ["first", "second"] { try await store.put(Array(text.utf8), as: "\(names)/a") }

            #expect(try await store.open("\(names)/a")?.bytes() == Array("second".utf8))
        }
    }

    @Test(arguments: kinds) func `A removed object is gone`(_ kind: Kind) async throws {
        try await with(kind) { store, names in
            try await store.put([1], as: "\(names)/a")

            for _ in 0..<2 { try await store.remove("\(names)/a") }

            #expect(try await store.open("\(names)/a") == nil)
        }
    }

    @Test(arguments: kinds) func `Parallel puts of one object name leave one whole object`(_ kind: Kind) async throws {
        try await with(kind) { store, names in
            let all = (0..<8).map { index in [UInt8](repeating: UInt8(index), count: 100_000) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for one in all { group.addTask { try await store.put(one, as: "\(names)/a") } }
                try await group.waitForAll()
            }

            let left = try #require(try await store.open("\(names)/a")).bytes
            #expect(all.contains(try await left()))
        }
    }

    @Test(arguments: kinds) func `A list has the objects of a folder and no others`(_ kind: Kind) async throws {
        try await with(kind) { store, names in
            for (index, name) in ["a", "b/c", "b/d.jpg", "ab"].enumerated() {
                try await store.put([UInt8](repeating: 1, count: index + 1), as: "\(names)/x/\(name)")
            }
            try await store.put([1], as: "\(names)/xy")

            let listed = try await store.list("\(names)/x")

            let expected = [("a", 1), ("ab", 4), ("b/c", 2), ("b/d.jpg", 3)].map { name, size in
                ListedObject(name: "\(names)/x/\(name)", size: size)
            }
            #expect(listed.sorted { $0.name < $1.name } == expected)
            #expect(try await store.list("\(names)/nothing") == [])
            // A bucket gives long lists in pages.
            if let bucket = store as? S3Objects {
                #expect(try await bucket.list("\(names)/x", page: 3).sorted { $0.name < $1.name } == expected)
            }
        }
    }

    // MARK: Files

    @Test func `Storing an object on disk leaves no unfinished file`() async throws {
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-objects-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }

        try await DiskObjects(folder).put([1, 2, 3], as: "a/b/c")

        let unfinished = folder.appending(path: "unfinished")
        #expect(try FileManager.default.contentsOfDirectory(atPath: unfinished.path()) == [])
    }

    @Test func `Old unfinished files of the object store are deleted`() async throws {
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-objects-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = DiskObjects(folder)
        try await store.put([1], as: "a")
        let unfinished = folder.appending(path: "unfinished")
        try Data("half".utf8).write(to: unfinished.appending(path: "left"))

        try await Files.forgetUnfinished(in: folder, before: Date().addingTimeInterval(-60))
        #expect(try FileManager.default.contentsOfDirectory(atPath: unfinished.path()) == ["left"])
        try await Files.forgetUnfinished(in: folder, before: Date().addingTimeInterval(60))

        #expect(try FileManager.default.contentsOfDirectory(atPath: unfinished.path()) == [])
        #expect(try await store.open("a")?.bytes() == [1])
    }

    @Test func `An opened object stays readable after its removal`() async throws {
        try await with(.disk) { store, names in
            try await store.put([7, 8, 9], as: "\(names)/a")
            let object = try #require(try await store.open("\(names)/a"))

            try await store.remove("\(names)/a")

            #expect(try await object.bytes() == [7, 8, 9])
        }
    }

    @Test func `An object store folder that cannot be created is reported as unavailable`() async throws {
        let file = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-objects-\(UUID())")
        try Data("a file".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }

        await #expect(throws: ObjectsUnavailable.self) { try await DiskObjects(file).put([1], as: "a") }
    }

    // MARK: S3

    @Test func `An unreachable object store is reported as unavailable`() async throws {
        let nowhere = Settings.Objects(url: "http://127.0.0.1:1/voorpret", region: "x", key: "k", secret: "s")

        await #expect(throws: ObjectsUnavailable.self) { try await S3Objects(nowhere).put([1], as: "a") }
        await #expect(throws: ObjectsUnavailable.self) { try await S3Objects(nowhere).open("a") }
    }

    @Test(.enabled(if: settings != nil)) func `A wrong object store secret is reported as unavailable`() async throws {
        var settings = try #require(Self.settings)
        settings.secret = "another"
        let store = S3Objects(settings)

        await #expect(throws: ObjectsUnavailable.self) { try await store.put([1], as: "a") }
    }

    /// The last example of Amazon's page on the signature, "GET Bucket (List Objects)".
    @Test func `Amazon's example list gets the documented signature`() throws {
        let signing = SignedRequest(
            region: "us-east-1",
            key: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        )
        let headers = signing.headers(
            "GET",
            "/",
            query: "max-keys=2&prefix=J",
            ["host": "examplebucket.s3.amazonaws.com"],
            payload: SHA256.hash(data: []).hexadecimal,
            at: Date(timeIntervalSince1970: 1_369_353_600)
        )
        #expect(
            headers["authorization"]?.hasSuffix("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
                == true
        )
    }

    /// The first example of Amazon's page on the signature, "GET Object".
    @Test func `Amazon's example request gets the documented signature`() throws {
        let signing = SignedRequest(
            region: "us-east-1",
            key: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        )
        let headers = signing.headers(
            "GET",
            "/test.txt",
            ["host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9"],
            payload: SHA256.hash(data: []).hexadecimal,
            at: Date(timeIntervalSince1970: 1_369_353_600)
        )
        #expect(headers["x-amz-date"] == "20130524T000000Z")
        #expect(
            headers["authorization"]?.hasSuffix("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
                == true
        )
    }
}
