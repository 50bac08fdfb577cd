import Foundation
import GRDB
import GuestModels
import SyncFaults
import SyncMessages
import Testing

@testable import Sync

/// The local store on a real file: when it checks its rows, and who may read it.
@Suite struct LocalStoreTests {
    private let path = NSTemporaryDirectory() + "store-\(UUID().uuidString).sqlite"
    private let guest = Guest.ID(UUID())
    private let group = TravelGroup.ID(UUID())

    private func store(
        of guest: Guest.ID? = nil,
        photoBudget: Int = 200 << 20,
        isForgetting: Bool = false
    ) throws -> LocalStore {
        try LocalStore(path: path, of: guest ?? self.guest, photoBudget: photoBudget, isForgetting: isForgetting)
    }

    /// An answer with one scope and some rows, and the answer that follows when nothing is new.
    private func answer(_ count: Int) throws -> (lines: [SyncLine], idle: SyncLine) {
        var lines: [SyncLine] = [.scope("group:\(group)")]
        var digest: UInt64 = 0
        for number in 0..<count {
            let id = UUID()
            let body = #"{"x":\#(number)}"#
            let hash = SyncRow.hash(kind: "row", id: id, body: body)
            digest ^= hash
            lines.append(.row(SyncRow(kind: "row", id: id, content: .init(hash: hash, body: body))))
        }
        let text = String(digest, radix: 16)
        let state = ScopeState(
            scope: "group:\(group)",
            version: 1,
            count: count,
            digest: String(repeating: "0", count: 16 - text.count) + text
        )
        let idle = SyncLine.complete(cursor: "c", [state])
        return (lines + [idle], idle)
    }

    /// The bytes of the file and its log; every write makes them grow.
    private var size: Int {
        ["", "-wal"].reduce(0) { sum, end in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path + end)
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }

    @Test func `A sync answer without news writes nothing to the store`() throws {
        let store = try store()
        let (lines, idle) = try answer(100)
        #expect(try store.apply(lines, since: nil) == (true, []))
        let before = size
        for _ in 0..<50 { #expect(try store.apply([idle], since: "c") == (true, [])) }
        #expect(size == before)
        try store.close()
        try LocalStore.remove(path: path)
    }

    @Test func `A row damaged by bad storage is found in the end`() throws {
        let store = try store()
        let (lines, idle) = try answer(100)
        _ = try store.apply(lines, since: nil)
        try store.damage(kind: "row")
        var answers = 0
        while try store.apply([idle], since: "c").damaged.isEmpty, answers < 1_000 { answers += 1 }
        #expect((LocalStore.answersBetweenChecks / 2...LocalStore.answersBetweenChecks).contains(answers))
        // A damaged scope is checked with every answer until its repair.
        #expect(try !store.apply([idle], since: "c").damaged.isEmpty)
        try store.close()
        try LocalStore.remove(path: path)
    }

    @Test func `Another guest on the phone cannot read the first one's data`() throws {
        let first = try store()
        try first.perform("note@1", ["text": "a secret between friends"], at: .now)
        try first.close()
        let other = Guest.ID(UUID())
        #expect(throws: LocalStore.OtherGuest(unsent: 1)) { try store(of: other) }
        // Nothing was deleted, so the owner of the data can continue.
        let again = try store()
        #expect(try again.pending().count == 1)
        try again.close()
        let second = try store(of: other, isForgetting: true)
        #expect(try second.pending().isEmpty)
        try second.close()
        for end in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + end) {
            let bytes = try Data(contentsOf: URL(filePath: path + end))
            #expect(bytes.range(of: Data("a secret between friends".utf8)) == nil)
        }
        try LocalStore.remove(path: path)
    }

    @Test func `A phone whose former guest had sent everything begins empty`() throws {
        let first = try store()
        _ = try first.apply(try answer(3).lines, since: nil)
        try first.close()
        let second = try store(of: Guest.ID(UUID()))
        #expect(try second.contents().isEmpty)
        try second.close()
        try LocalStore.remove(path: path)
    }

    @Test func `Fetched photos stay within their storage budget`() throws {
        let store = try store(photoBudget: 2_500)
        let photos = (0..<3).map { Data(repeating: UInt8($0), count: 1_000) }
        let names = try photos.map { try #require(PhotoName(of: $0)) }
        func at(_ second: Double) -> Date { Date(timeIntervalSince1970: second) }
        for (index, photo) in photos.prefix(2).enumerated() {
            try store.keepFetched(
                photo,
                as: .photo(names[index], in: group),
                of: .message(group),
                at: at(Double(index))
            )
        }
        try store.use(.photo(names[0], in: group), at: at(5))
        try store.keepFetched(photos[2], as: .photo(names[2], in: group), of: .message(group), at: at(6))
        #expect(try store.photo(names[0], in: group) != nil)
        #expect(try store.photo(names[1], in: group) == nil)
        #expect(try store.photo(names[2], in: group) != nil)
        // The guest's own unsent photos stay, however many they are.
        for index in 0..<4 { try store.keep(photo: Data(repeating: UInt8(10 + index), count: 1_000), in: group) }
        #expect(try store.unsentPhotos() == 4)
        try store.close()
        try LocalStore.remove(path: path)
    }

    /// Makes a file as the version before left it: with photos in the database.
    private func makeFormerStore(_ photos: [(bytes: Data, received: Int?)]) throws {
        let database = try DatabaseQueue(path: path)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: LocalStore.tables) }
        migrator.registerMigration("2") { try $0.execute(sql: LocalStore.photoTable + "DROP INDEX staged_by_key") }
        migrator.registerMigration("3") { try $0.execute(sql: LocalStore.photoTries) }
        try migrator.migrate(database)
        try database.write { database in
            for photo in photos {
                let name = try #require(PhotoName(of: photo.bytes))
                try database.execute(
                    sql: "INSERT INTO photo (groupId, name, bytes, received) VALUES (?, ?, ?, ?)",
                    arguments: [group.description, name.description, photo.bytes, photo.received]
                )
            }
            try database.execute(sql: "INSERT INTO state VALUES ('guest', ?)", arguments: [guest.description])
        }
        try database.close()
    }

    @Test func `Photos of the version before move from the database into files`() throws {
        let waiting = Data(repeating: 1, count: 300_000)
        let fetched = Data(repeating: 2, count: 300_000)
        try makeFormerStore([(waiting, 45_000), (fetched, nil)])

        let store = try store()

        #expect(try store.unsentPhotos() == 1)
        let next = try #require(try store.nextPortion(at: .now, atMost: 1_000))
        #expect(next.received == 0 && next.bytes == waiting.prefix(1_000))
        #expect(try store.photo(#require(PhotoName(of: waiting)), in: group) == waiting)
        // A fetched photo can be fetched again.
        #expect(try store.photo(#require(PhotoName(of: fetched)), in: group) == nil)
        try store.close()
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? .max
        #expect(size < 300_000)
        try LocalStore.remove(path: path)
    }

    @Test func `An upload of the version before goes on where it was`() throws {
        let photo = Data(repeating: 1, count: 9_000)
        let name = try #require(PhotoName(of: photo))
        try makeFormerStore([])
        let upload = Upload.ID(UUID())
        let files = PhotoFiles(besides: path)
        try files.write(photo, as: .photo(name, in: group))
        let database = try DatabaseQueue(path: path)
        var migrator = DatabaseMigrator()
        for number in 1...3 { migrator.registerMigration("\(number)") { _ in } }
        migrator.registerMigration("4") { try LocalStore.movePhotos(to: files, $0) }
        try migrator.migrate(database)
        try database.write { database in
            try database.execute(
                sql:
                    "INSERT INTO photo (groupId, name, size, received, keptAt, upload) VALUES (?, ?, 9000, 4000, 0, ?)",
                arguments: [group.description, name.description, upload.description]
            )
        }
        try database.close()

        let store = try store()

        let next = try #require(try store.nextPortion(at: .now, atMost: 10_000))
        #expect(next.upload == upload && next.received == 4_000 && next.bytes == photo.dropFirst(4_000))
        #expect(next.address == Paths.groupPhoto(group, name) && next.type == "image/jpeg")
        try store.close()
        try LocalStore.remove(path: path)
    }

    @Test func `A photo that was fetched before can be kept and sent`() throws {
        let store = try store()
        let photo = Data(repeating: 1, count: 2_000)
        let name = try #require(PhotoName(of: photo))
        // The service gives it without the data of the camera.
        try store.keepFetched(photo.prefix(1_500), as: .photo(name, in: group), of: .message(group), at: .now)

        try store.keep(photo: photo, in: group)

        let next = try #require(try store.nextPortion(at: .now, atMost: 5_000))
        #expect(next.size == 2_000 && next.bytes == photo && next.isLast)
        try store.close()
        try LocalStore.remove(path: path)
    }

    @Test func `Photos are sent in the order in which they were taken`() throws {
        let store = try store()
        let photos = (0..<5).map { Data(repeating: UInt8($0), count: 10 + $0) }
        for photo in photos { try store.keep(photo: photo, in: group) }

        for photo in photos {
            let next = try #require(try store.nextPortion(at: .now, atMost: 1_000))
            #expect(next.bytes == photo)
            try store.sent(next, received: nil, upload: nil)
        }

        try store.close()
        try LocalStore.remove(path: path)
    }

    @Test func `A file that a stop has left without a row is deleted`() throws {
        let photo = Data(repeating: 1, count: 10)
        let first = try store()
        let name = try first.keep(photo: photo, in: group)
        try first.database.write { try $0.execute(sql: "DELETE FROM photo") }
        try first.close()
        #expect(try PhotoFiles(besides: path).read(.photo(name, in: group)) == photo)

        let second = try store()

        #expect(try PhotoFiles(besides: path).read(.photo(name, in: group)) == nil)
        try second.close()
        try LocalStore.remove(path: path)
    }

    @Test func `A photo whose file is lost has no bytes to send`() throws {
        let store = try store()
        try store.keep(photo: Data(repeating: 1, count: 10), in: group)
        try PhotoFiles.remove(besides: path)

        let next = try #require(try store.nextPortion(at: .now, atMost: 1_000))

        #expect(next.bytes == nil)
        try store.close()
        try LocalStore.remove(path: path)
    }
}
