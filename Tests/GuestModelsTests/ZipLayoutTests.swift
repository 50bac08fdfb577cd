import Foundation
import GuestModels
import Testing

/// Archives whose layout is known ahead; Python's `zipfile` reads them.
@Suite struct ZipLayoutTests {
    private static let day = LocalDate("2027-05-14")

    private func entry(_ name: String, _ bytes: [UInt8]) throws -> ZipLayout.Entry {
        let date = try #require(Self.day)
        return .init(name: name, size: bytes.count, crc32: CRC32.of(bytes), date: date, seconds: 59_527)
    }

    private func bytes(_ layout: ZipLayout, _ files: [[UInt8]], _ range: Range<Int>? = nil) -> [UInt8] {
        layout.pieces(range ?? 0..<layout.size).flatMap { piece in
            switch piece {
            case .bytes(let bytes): bytes
            case .file(let place, let part): Array(files[place][part])
            }
        }
    }

    /// Runs Python on a file; returns what it prints.
    private func python(_ program: String, _ path: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program, path]
        process.standardOutput = output
        try process.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func temporary() -> String { NSTemporaryDirectory() + "voorpret-zip-\(UUID())" }

    @Test func `The checksum of the standard's example is right`() {
        #expect(CRC32.of(Array("123456789".utf8)) == 0xcbf4_3926)
        #expect(CRC32.of([]) == 0)
    }

    @Test func `Another program reads an archive with its names and times`() throws {
        let files = [Array("one".utf8), [], (0..<70_000).map { UInt8($0 % 251) }]
        let layout = ZipLayout(try zip(["a.jpg", "leeg.jpg", "Zoë 🌲.jpg"], files).map(entry))
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes(layout, files)).write(to: URL(filePath: path))

        let program = """
            import sys, zipfile
            z = zipfile.ZipFile(sys.argv[1])
            print(z.testzip(), [(i.filename, i.file_size, i.date_time) for i in z.infolist()])
            """
        let said = try python(program, path)

        #expect(
            said == "None [('a.jpg', 3, (2027, 5, 14, 16, 32, 6)), ('leeg.jpg', 0, (2027, 5, 14, 16, 32, 6)), "
                + "('Zoë 🌲.jpg', 70000, (2027, 5, 14, 16, 32, 6))]"
        )
    }

    @Test func `Any part of an archive is the same bytes as in the whole`() throws {
        let files = [Array("one".utf8), [], Array("three and more".utf8)]
        let layout = ZipLayout(try zip(["a", "b", "c"], files).map(entry))
        let whole = bytes(layout, files)
        #expect(whole.count == layout.size)
        for start in 0...layout.size {
            for end in Set([start, min(start + 1, layout.size), min(start + 50, layout.size), layout.size]) {
                #expect(bytes(layout, files, start..<end) == Array(whole[start..<end]))
            }
        }
    }

    @Test func `An archive beyond 4 GiB is read with ZIP64`() throws {
        let last = Array("the last file".utf8)
        let date = try #require(Self.day)
        let large = (1...5).map { number in
            ZipLayout.Entry(name: "\(number)", size: 1 << 30, crc32: 0, date: date, seconds: 0)
        }
        let layout = ZipLayout(large + [try entry("last", last)])
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data().write(to: URL(filePath: path))
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        // The large files stay holes.
        for piece in layout.pieces(0..<layout.size) {
            switch piece {
            case .bytes(let bytes): try file.write(contentsOf: Data(bytes))
            case .file(5, let part): try file.write(contentsOf: Data(last[part]))
            case .file(_, let part): try file.seek(toOffset: file.offset() + UInt64(part.count))
            }
        }
        try file.close()

        let program = """
            import sys, zipfile
            z = zipfile.ZipFile(sys.argv[1])
            print(len(z.infolist()), z.infolist()[-1].header_offset > 1 << 32, z.read('last').decode())
            """
        #expect(try python(program, path) == "6 True the last file")
    }

    @Test func `An archive of 70,000 files is read`() throws {
        let date = try #require(Self.day)
        let layout = ZipLayout(
            (0..<70_000).map { .init(name: "\($0)", size: 0, crc32: 0, date: date, seconds: 0) }
        )
        let path = temporary()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(bytes(layout, [])).write(to: URL(filePath: path))

        #expect(try python("import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))", path) == "70000")
    }

    @Test func `Photos are named by the park's time and the member, each name once`() throws {
        let clock = try #require(ParkClock(timeZone: "Europe/Amsterdam"))
        let taken = Date(timeIntervalSince1970: 1_810_305_127)
        let names = ZipLayout.Entry.photos(
            [
                (taken, "Anna", 1, 0), (taken, "Anna", 1, 0),
                (taken.addingTimeInterval(1), "../../e:tc/passwd\n", 1, 0),
                (taken, nil, 1, 0), (taken, String(repeating: "ë", count: 100), 1, 0),
            ],
            on: clock
        ).map(\.name)

        #expect(names.prefix(2) == ["2027-05-14 16.32.07 Anna.jpg", "2027-05-14 16.32.07 Anna (2).jpg"])
        #expect(names[2] == "2027-05-14 16.32.08 ....etcpasswd.jpg")
        #expect(names[3] == "2027-05-14 16.32.07.jpg")
        #expect(names[4].utf8.count < 200)
    }
}
