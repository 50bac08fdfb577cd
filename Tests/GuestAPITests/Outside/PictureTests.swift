import CVips
import Foundation
import GuestModels
import TestKit
import Testing

@testable import GuestAPI
@testable import photo_worker

/// Pictures that the program `photo-worker` makes of files; the files are described in Tests/Pictures/README.md.
@Suite struct PictureTests {
    private static let isStarted = picture_start() == 0
    private static let program = ServiceProcess.product("photo-worker").path(percentEncoded: false)

    /// A worker process of this test alone.
    private let workers = PictureWorkers(Self.program, processes: 1)

    static func file(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: projectFolder.appending(path: "Tests/Pictures/\(name)")))
    }

    private struct Made {
        let facts: Picture.Made
        let copies: [Picture.Size: [UInt8]]
    }

    /// The copies of a file; nil if no picture can be made of it.
    private func make(_ bytes: [UInt8]) async throws -> Made? {
        let folder = URL(filePath: NSTemporaryDirectory()).appending(path: "voorpret-pictures-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let source = folder.appending(path: "source")
        try Data(bytes).write(to: source)
        let order = Picture.Order(source: source.path(), folder: folder.path())
        guard let facts = try await workers.carryOut(order).made else { return nil }
        var copies: [Picture.Size: [UInt8]] = [:]
        for size in Picture.Size.allCases {
            copies[size] = try [UInt8](Data(contentsOf: folder.appending(path: size.rawValue)))
        }
        return Made(facts: facts, copies: copies)
    }

    private struct Pixels {
        let width: Int
        let height: Int
        private let bytes: [UInt8]

        /// Decodes a JPEG as it is coded, without its orientation.
        init(_ jpeg: [UInt8]) throws {
            try #require(PictureTests.isStarted)
            (width, height, bytes) = try jpeg.withUnsafeBytes { jpeg in
                let image = try Image(jpeg, .jpeg)
                return (image.width, image.height, try image.pixels())
            }
        }

        private func colour(_ x: Int, _ y: Int) -> [Int] {
            let place = 3 * (y * width + x)
            return bytes[place..<place + 3].map { Int($0) }
        }

        /// The colours of the four quarters, from the upper left to the lower right.
        var quarters: [[Int]] {
            [height / 4, height * 3 / 4].flatMap { y in [width / 4, width * 3 / 4].map { x in colour(x, y) } }
        }

        /// The names of the quarters' colours, such as `rgbw`.
        var names: String {
            quarters.map { colour in
                switch (colour[0] > 127, colour[1] > 127, colour[2] > 127) {
                case (true, false, false): "r"
                case (false, true, false): "g"
                case (false, false, true): "b"
                case (true, true, true): "w"
                default: "?"
                }
            }.joined()
        }
    }

    @Test(arguments: ["p3.jpg", "sample.png", "sample.webp", "sample.avif", "gainmap.heic"])
    func `A picture of each format keeps its quarters`(_ name: String) async throws {
        let made = try #require(try await make(Self.file(name)))

        #expect(made.facts.width == 64 && made.facts.height == 48)
        for size in Picture.Size.allCases {
            let pixels = try Pixels(try #require(made.copies[size]))
            #expect(pixels.width == 64 && pixels.height == 48 && pixels.names == "rgbw")
        }
    }

    @Test func `A large picture becomes a chain of smaller ones`() async throws {
        let made = try #require(try await make(Self.black(width: 2000, height: 1500)))

        let sizes = try Picture.Size.allCases.map { size in try Pixels(try #require(made.copies[size])).width }
        #expect(sizes == [2000, 1440, 512, 256])
    }

    @Test(arguments: ["p3.jpg", "sample.png", "sample.webp", "sample.avif", "sample.heic", "gainmap.heic"])
    func `No copy has what the camera wrote`(_ name: String) async throws {
        let trailer = name == "p3.jpg" ? Array("SECRETTRAILER".utf8) : []
        let original = try Self.file(name) + trailer
        #expect(holds(original, "SECRET"))

        let made = try #require(try await make(original))

        for copy in made.copies.values {
            for word in ["SECRET", "Exif", "xap", "Photoshop", "MPF"] { #expect(!holds(copy, word)) }
        }
    }

    private func holds(_ bytes: [UInt8], _ word: String) -> Bool { Data(bytes).range(of: Data(word.utf8)) != nil }

    /// The quarters of a picture whose Exif has each of the eight orientations (TIFF 6.0, Orientation).
    private static let turned = ["rgbw", "grwb", "wbgr", "bwrg", "rbgw", "brwg", "wgbr", "gwrb"]

    @Test(arguments: 1...8) func `A photo is upright by its Exif orientation`(_ orientation: Int) async throws {
        var bytes = try Self.file("p3.jpg")
        let place = try #require(Self.orientation(in: bytes))
        bytes[place] = UInt8(orientation)

        let made = try #require(try await make(bytes))

        let isTurned = orientation > 4
        #expect(made.facts.width == (isTurned ? 48 : 64) && made.facts.height == (isTurned ? 64 : 48))
        for size in [Picture.Size.large, .medium, .small] {
            #expect(try Pixels(try #require(made.copies[size])).names == Self.turned[orientation - 1])
        }
        // The master's coded pixels stay as they are.
        #expect(try Pixels(try #require(made.copies[.master])).names == "rgbw")
    }

    /// The place of the orientation's value in Exif with the most significant byte first.
    private static func orientation(in bytes: [UInt8]) -> Int? {
        Data(bytes).range(of: Data([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0])).map { $0.upperBound }
    }

    @Test func `The turn of a HEIC counts and its Exif does not`() async throws {
        let made = try #require(try await make(Self.file("sample.heic")))

        #expect(made.facts.width == 48 && made.facts.height == 64)
        for copy in made.copies.values { #expect(try Pixels(copy).names == "brwg") }
    }

    @Test func `A wide colour space becomes sRGB in the copies and stays in the master`() async throws {
        let made = try #require(try await make(Self.file("p3.jpg")))

        let (master, small) = (try #require(made.copies[.master]), try #require(made.copies[.small]))
        #expect(holds(master, "ICC_PROFILE") && !holds(small, "ICC_PROFILE"))
        // This green of Display P3 lies outside of sRGB, so its red is zero there.
        #expect(try Pixels(master).quarters[1][0] > 20)
        #expect(try Pixels(small).quarters[1][0] < 10)
    }

    @Test(arguments: ["p3.jpg", "sample.heic", "sample.webp"])
    func `The time of a photo comes with its offset`(_ name: String) async throws {
        let facts = try #require(try await make(Self.file(name))).facts

        #expect(facts.takenAt == "2027:05:14 16:32:07" && facts.takenOffset == "+02:00")
    }

    /// Files of which no picture can be made.
    private static func broken() throws -> [String: [UInt8]] {
        let jpeg = try file("p3.jpg")
        let svg = #"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>"#
        return [
            "nothing": [], "many pixels, PNG": try file("huge.png"), "many pixels, HEIC": try file("huge.heic"),
            "a cut JPEG": Array(jpeg.prefix(jpeg.count - 100)),
            "a cut HEIC": try Array(file("sample.heic").prefix(1500)),
            "SVG": Array(svg.utf8), "TIFF": [0x49, 0x49, 0x2a, 0, 8, 0, 0, 0, 0, 0], "GIF": Array("GIF89a;".utf8),
            "a PDF behind a JPEG's first bytes": [0xff, 0xd8, 0xff] + Array("%PDF-1.7".utf8),
        ]
    }

    @Test func `Files of no picture are unreadable and do not end the process`() async throws {
        for (what, bytes) in try Self.broken() {
            #expect(try await make(bytes) == nil, "\(what)")
            #expect(try await make(Self.file("sample.png")) != nil, "after \(what)")
        }
    }

    @Test func `A fault of the machine is not the file's`() async throws {
        let order = Picture.Order(source: "/nowhere", folder: "/nowhere")
        for _ in 0..<2 { await #expect(throws: PictureWorker.Unable.self) { try await workers.carryOut(order) } }
        #expect(try await make(Self.file("sample.png")) != nil)
    }

    @Test func `A picture of 16 bits with transparency is on white paper`() async throws {
        let made = try #require(try await make(Self.file("alpha16.png")))

        for copy in made.copies.values { #expect(try Pixels(copy).names == "wwww") }
    }

    @Test func `A program that does not start breaks no file`() async throws {
        let order = Picture.Order(source: "/dev/null", folder: "/")
        let broken = PictureWorkers("/bin/false", processes: 1)
        for _ in 0..<2 { await #expect(throws: PictureWorker.Unable.self) { try await broken.carryOut(order) } }
        let missing = PictureWorkers("/nowhere/photo-worker", processes: 1)
        await #expect(throws: ChildProcess.Failed.self) { try await missing.carryOut(order) }
    }

    @Test func `Bytes at random never break the parser of HEIC`() throws {
        var random = SeededGenerator(seed: 17)
        let sample = try Self.file("gainmap.heic")
        for _ in 0..<2000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<400, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = HEIF.pixels(in: bytes)
            HEIF.hideSurplusReferences(in: &bytes)
            #expect(bytes.count == sample.count)
        }
    }

    /// A black JPEG.
    private static func black(width: Int, height: Int) throws -> [UInt8] {
        try #require(isStarted)
        let bytes = [UInt8](repeating: 0, count: width * height * 3)
        return try Image { image in
            image.pointee = vips_image_new_from_memory_copy(
                bytes,
                bytes.count,
                Int32(width),
                Int32(height),
                3,
                VIPS_FORMAT_UCHAR
            )
            return 0
        }.jpeg(quality: 90, isBare: true)
    }
}

extension Image {
    /// The decoded pixels, three bytes each.
    fileprivate func pixels() throws -> [UInt8] {
        var count = 0
        guard bands == 3, let memory = vips_image_write_to_memory(image, &count) else { throw Failed() }
        defer { g_free(memory) }
        return Array(UnsafeRawBufferPointer(start: memory, count: count))
    }
}
