import Foundation
import NIOCore
import Testing

@testable import GuestAPI

@Suite struct StagedFileTests {
    private let state = NSTemporaryDirectory() + "voorpret-staged-" + UUID().uuidString

    @Test func `A staged file that was not made cannot be taken over`() throws {
        #expect(try StagedFile(UUID(), in: state).takeOver() == nil)
    }

    @Test func `A replaced writer writes no more`() throws {
        defer { try? FileManager.default.removeItem(atPath: state) }
        let file = StagedFile(UUID(), in: state)
        try file.make()
        let older = try #require(try file.takeOver())
        try older.append(ByteBuffer(string: "older"))
        #expect(try older.synchronize() == 5)

        let newer = try #require(try file.takeOver())

        #expect(throws: StagedFile.TakenOver.self) { try older.append(ByteBuffer(string: "!")) }
        #expect(throws: StagedFile.TakenOver.self) { try older.synchronize() }
        try newer.append(ByteBuffer(string: " and newer"))
        #expect(try newer.synchronize() == 15)
        #expect(try file.read(100) == Array("older and newer".utf8))
    }

    @Test func `The writer of a removed staged file writes no more`() throws {
        defer { try? FileManager.default.removeItem(atPath: state) }
        let file = StagedFile(UUID(), in: state)
        try file.make()
        let writer = try #require(try file.takeOver())

        try file.remove()

        #expect(throws: StagedFile.TakenOver.self) { try writer.append(ByteBuffer(string: "x")) }
        try file.remove()
    }
}
