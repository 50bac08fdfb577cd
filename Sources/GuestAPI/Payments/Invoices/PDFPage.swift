import Foundation

/// One page of text as a PDF 1.7 file (ISO 32000-1), A4, in an embedded font with the letters of Latin, Greek and Cyrillic
/// scripts.
struct PDFPage: Sendable {
    /// The size of the page in points of a seventy-second of an inch; the origin is at the bottom left.
    static let width = 595.0
    static let height = 842.0

    enum Weight: Sendable {
        case plain, bold
    }

    private let font: TrueType
    private var content = ""
    /// The characters that the page shows, by glyph.
    private var used: [UInt16: Unicode.Scalar] = [:]

    init(_ font: TrueType) {
        self.font = font
    }

    /// Whether every letter of a text can be shown.
    static func shows(_ text: String, in font: TrueType) -> Bool {
        scalars(of: text).allSatisfy { $0 == "\n" || font.glyph(of: $0) != nil }
    }

    /// Writes a text on the page.
    ///
    /// - Parameters:
    ///   - x: the distance in points from the left edge to the beginning of the text.
    ///   - y: the distance in points from the top edge to the baseline.
    mutating func text(_ text: String, x: Double, y: Double, _ weight: Weight = .plain, size: Double = 10) {
        let hex = glyphs(of: text).map { glyph in
            let digits = String(glyph, radix: 16)
            return String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
        // Bold letters are filled and drawn around.
        let drawing = weight == .bold ? "2 Tr \(size / 28) w" : "0 Tr"
        content += "BT /F1 \(size) Tf \(drawing) \(x) \(Self.height - y) Td <\(hex)> Tj ET\n"
    }

    /// Writes a number that ends at `x`, so that the digits of several numbers stand below each other.
    mutating func number(_ number: String, right x: Double, y: Double, _ weight: Weight = .plain, size: Double = 10) {
        let width = glyphs(of: number).reduce(0) { $0 + font.width(of: $1) }
        text(number, x: x - Double(width) * size / 1000, y: y, weight, size: size)
    }

    mutating func line(y: Double, from left: Double, to right: Double) {
        content += "0.5 w \(left) \(Self.height - y) m \(right) \(Self.height - y) l S\n"
    }

    /// The glyphs of a text; a letter that the font lacks is shown as the replacement character.
    private mutating func glyphs(of text: String) -> [UInt16] {
        Self.scalars(of: text).map { scalar in
            let known = font.glyph(of: scalar) == nil ? "\u{FFFD}" : scalar
            let glyph = font.glyph(of: known) ?? 0
            used[glyph] = known
            return glyph
        }
    }

    private static func scalars(of text: String) -> String.UnicodeScalarView {
        text.precomposedStringWithCanonicalMapping.unicodeScalars
    }

    /// The page as the bytes of a PDF file.
    ///
    /// - Parameter title: the title that a PDF reader shows in its window.
    func file(title: String) -> [UInt8] {
        let name = (["\u{FEFF}"] + title.unicodeScalars.map(String.init)).joined().utf16.map { unit in
            let digits = String(unit, radix: 16)
            return String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
        let widths = used.keys.sorted().map { "\($0) [\(font.width(of: $0))]" }.joined(separator: " ")
        let box = font.box.map(String.init).joined(separator: " ")
        let page = """
            << /Type /Page /Parent 2 0 R /MediaBox [0 0 \(Int(Self.width)) \(Int(Self.height))] /Contents 4 0 R \
            /Resources << /Font << /F1 5 0 R >> >> >>
            """
        let descendant = """
            << /Type /Font /Subtype /CIDFontType2 /BaseFont /NotoSans /FontDescriptor 7 0 R /CIDToGIDMap /Identity \
            /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 600 /W [\(widths)] >>
            """
        let descriptor = """
            << /Type /FontDescriptor /FontName /NotoSans /Flags 32 /FontBBox [\(box)] /ItalicAngle 0 \
            /Ascent \(font.ascent) /Descent \(font.descent) /CapHeight 714 /StemV 80 /FontFile2 8 0 R >>
            """
        let objects: [[UInt8]] = [
            Array("<< /Type /Catalog /Pages 2 0 R >>".utf8),
            Array("<< /Type /Pages /Kids [3 0 R] /Count 1 >>".utf8),
            Array(page.utf8),
            Self.stream(Array(content.utf8)),
            Array(
                """
                << /Type /Font /Subtype /Type0 /BaseFont /NotoSans /Encoding /Identity-H /DescendantFonts [6 0 R] \
                /ToUnicode 9 0 R >>
                """.utf8
            ),
            Array(descendant.utf8),
            Array(descriptor.utf8),
            Self.stream(font.bytes, "/Length1 \(font.bytes.count) "),
            Self.stream(Array(toUnicode.utf8)),
            Array("<< /Title <\(name)> /Producer (Voorpret) >>".utf8),
        ]
        // The bytes of the second line tell file transfer programs that the file is binary.
        var file = Array("%PDF-1.7\n%".utf8) + [0xE2, 0xE3, 0xCF, 0xD3, 0x0A]
        var offsets: [Int] = []
        for (index, object) in objects.enumerated() {
            offsets.append(file.count)
            file += Array("\(index + 1) 0 obj\n".utf8) + object + Array("\nendobj\n".utf8)
        }
        let table = file.count
        var end = "xref\n0 \(objects.count + 1)\n0000000000 65535 f \n"
        for offset in offsets {
            let digits = String(offset)
            end += String(repeating: "0", count: max(0, 10 - digits.count)) + digits + " 00000 n \n"
        }
        end += "trailer\n<< /Size \(objects.count + 1) /Root 1 0 R /Info 10 0 R >>\nstartxref\n\(table)\n%%EOF\n"
        return file + Array(end.utf8)
    }

    private static func stream(_ bytes: [UInt8], _ more: String = "") -> [UInt8] {
        Array("<< \(more)/Length \(bytes.count) >>\nstream\n".utf8) + bytes + Array("\nendstream".utf8)
    }

    /// The map by which readers find and copy text (section 9.10.3), in blocks of at most a hundred.
    private var toUnicode: String {
        var map = """
            /CIDInit /ProcSet findresource begin 12 dict begin begincmap
            /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
            /CMapName /Adobe-Identity-UCS def /CMapType 2 def
            1 begincodespacerange <0000> <FFFF> endcodespacerange

            """
        func hex(_ number: UInt32) -> String {
            let digits = String(number, radix: 16)
            return "<" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ">"
        }
        let pairs = used.sorted { $0.key < $1.key }
        for start in stride(from: 0, to: pairs.count, by: 100) {
            let block = pairs[start..<min(start + 100, pairs.count)]
            map += "\(block.count) beginbfchar\n"
            for (glyph, scalar) in block { map += "\(hex(UInt32(glyph))) \(hex(scalar.value))\n" }
            map += "endbfchar\n"
        }
        return map + "endcmap CMapName currentdict /CMap defineresource pop end end"
    }
}
