import Foundation
import Testing

@testable import GuestAPI

@Suite struct PDFPageTests {
    /// The text that a reader copies from the page: its glyphs, by the file's own map to characters.
    private func copied(_ file: [UInt8]) -> String {
        let text = String(decoding: file, as: Unicode.ASCII.self)
        var characters: [Substring: Unicode.Scalar] = [:]
        for block in text.matches(of: /beginbfchar\n((?:<[0-9a-f]+> <[0-9a-f]+>\n)+)endbfchar/) {
            for line in block.1.split(separator: "\n") {
                let parts = line.split(separator: " ").map { $0.dropFirst().dropLast() }
                characters[parts[0]] = UInt32(parts[1], radix: 16).flatMap { Unicode.Scalar($0) }
            }
        }
        var copied = ""
        for shown in text.matches(of: /<([0-9a-f]+)> Tj/) {
            var rest = shown.1
            while !rest.isEmpty {
                if let scalar = characters[rest.prefix(4)] { copied.unicodeScalars.append(scalar) }
                rest = rest.dropFirst(4)
            }
            copied += "\n"
        }
        return copied
    }

    @Test(arguments: [
        "Łukasz Ćwik, Straße 7", "Nguyễn Thị Ánh", "Αθηνά Παπαδοπούλου", "Наталья Иванова", "€ 12.50 – 21 %",
        "Zoe\u{308}",
    ])
    func `A text can be copied unchanged from a PDF page`(_ text: String) {
        var page = PDFPage(.noto)
        page.text(text, x: 60, y: 70)
        #expect(copied(page.file(title: "1")) == text.precomposedStringWithCanonicalMapping + "\n")
    }

    @Test func `A letter missing in the PDF font shows as a replacement sign`() {
        #expect(PDFPage.shows("Ελλάδα\nNL", in: .noto))
        #expect(!PDFPage.shows("王", in: .noto) && !PDFPage.shows("\u{1F3E1}", in: .noto))
        var page = PDFPage(.noto)
        page.text("a王b", x: 60, y: 70)
        #expect(copied(page.file(title: "1")) == "a\u{FFFD}b\n")
    }

    @Test func `Numbers on a PDF page are aligned at their right ends`() throws {
        func start(_ number: String) throws -> Double {
            var page = PDFPage(.noto)
            page.number(number, right: 500, y: 70)
            let file = String(decoding: page.file(title: "1"), as: Unicode.ASCII.self)
            return try #require(file.firstMatch(of: /Tr ([0-9.]+) 772/).flatMap { Double($0.1) })
        }
        // A digit of Noto Sans is 572 thousandths of the font size wide.
        #expect(abs(try start("1") - (500 - 5.72)) < 0.01)
        #expect(abs(try start("1234") - (500 - 4 * 5.72)) < 0.01)
    }

    @Test func `A file that is not a font is refused`() {
        #expect(TrueType([]) == nil)
        #expect(TrueType(Array(repeating: 0xFF, count: 500)) == nil)
        for length in [10, 200, 2_000, 20_000] { _ = TrueType(Array(TrueType.noto.bytes.prefix(length))) }
    }
}
