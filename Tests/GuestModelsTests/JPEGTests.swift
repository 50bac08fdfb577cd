import Foundation
import GuestModels
import Testing

@Suite struct JPEGTests {
    /// A grey picture of 8 by 8 pixels, with a comment, and with Exif that says it lies on its side.
    private func sample(exif: [UInt8], between: [UInt8] = []) -> [UInt8] {
        let tables: [UInt8] = [0xff, 0xdb, 0, 67, 0] + [UInt8](repeating: 1, count: 64)
        let frame: [UInt8] = [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]
        let codes: [UInt8] = [0xff, 0xc4, 0, 20, 0, 1] + [UInt8](repeating: 0, count: 15) + [0]
        let scan: [UInt8] = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56]
        return [0xff, 0xd8] + segment(0xe1, exif) + segment(0xfe, Array("SECRET".utf8)) + tables + frame + codes + scan
            + between + [0xff, 0xd9] + Array("SECRET".utf8)
    }

    private func segment(_ marker: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [0xff, marker, UInt8((bytes.count + 2) >> 8), UInt8((bytes.count + 2) & 0xff)] + bytes
    }

    private let sideways: [UInt8] =
        Array("Exif\0\0II".utf8) + [42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
        + Array("SECRET".utf8)

    private func holds(_ bytes: [UInt8], _ word: String) -> Bool {
        Data(bytes).range(of: Data(word.utf8)) != nil
    }

    @Test func `A picture loses its camera metadata but keeps its orientation`() throws {
        let kept = try JPEG(withoutMetadata: sample(exif: sideways)).bytes
        #expect(!holds(kept, "SECRET"))
        #expect(holds(kept, "Exif\0\0MM"))
        // The frame, the codes and the scan are kept byte for byte.
        let scan: [UInt8] = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xd9]
        #expect(kept.suffix(scan.count) == scan[...])
        // A second run finds nothing to remove.
        #expect(try JPEG(withoutMetadata: kept).bytes == kept)
        let upright = try JPEG(withoutMetadata: sample(exif: Array("http://ns.adobe.com/xap".utf8))).bytes
        #expect(!holds(upright, "Exif") && !holds(upright, "adobe"))
        // Data between scans is removed too.
        let late = try JPEG(withoutMetadata: sample(exif: [], between: segment(0xe5, Array("SECRET".utf8)))).bytes
        #expect(!holds(late, "SECRET"))
    }

    @Test func `An incomplete or foreign picture is refused`() {
        let whole = sample(exif: sideways)
        let picture = whole.dropLast(6)
        for length in 0..<picture.count {
            #expect(throws: JPEG.Malformed.self) { try JPEG(withoutMetadata: Array(picture.prefix(length))) }
        }
        for junk in ["GIF89a", "<svg onload=alert(1)>", "\u{89}PNG\r\n"] {
            #expect(throws: JPEG.Malformed.self) { try JPEG(withoutMetadata: Array(junk.utf8)) }
        }
        // The file shows nothing: it has no frame and no scan.
        #expect(throws: JPEG.Malformed.self) { try JPEG(withoutMetadata: [0xff, 0xd8, 0xff, 0xd9]) }
    }

    @Test func `Random bytes never crash the JPEG reader`() {
        var random = SeededGenerator(seed: 9)
        let whole = sample(exif: sideways)
        var kept = 0
        for _ in 0..<30_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                }
            }
            if let answer = try? JPEG(withoutMetadata: bytes) {
                kept += 1
                #expect(answer.bytes.count <= bytes.count + 36)
                #expect((try? JPEG(withoutMetadata: answer.bytes))?.bytes == answer.bytes)
            }
        }
        #expect(kept > 1_000)
    }
}
