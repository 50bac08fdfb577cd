import Foundation

/// One page of text as a PDF 1.4 file (ISO 32000-1), A4, in the Helvetica that every reader has.
///
/// These fonts know the letters of Western Europe (Windows-1252); others appear without their accents, or as `?`.
struct PDFPage: Sendable {
    /// Points: a seventy-second of an inch; the origin is at the bottom left.
    static let width = 595.0
    static let height = 842.0

    enum Font: String, Sendable {
        case plain = "F1"
        case bold = "F2"
    }

    private var content = ""

    /// - Parameters:
    ///   - x: where the text begins, from the left.
    ///   - y: its baseline, from the top.
    mutating func text(_ text: String, x: Double, y: Double, _ font: Font = .plain, size: Double = 10) {
        let hex = Self.windows1252(text).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
        content += "BT /\(font.rawValue) \(size) Tf \(x) \(Self.height - y) Td <\(hex)> Tj ET\n"
    }

    /// A number that ends at `x`, so that digits stand below each other.
    mutating func number(_ number: String, right x: Double, y: Double, _ font: Font = .plain, size: Double = 10) {
        // Helvetica's digits are 0.556 wide in both weights, point, comma and blank half of that.
        let width = number.reduce(0.0) { width, character in
            width + (character.isNumber ? 0.556 : character == "-" ? 0.333 : 0.278)
        }
        text(number, x: x - width * size, y: y, font, size: size)
    }

    mutating func line(y: Double, from left: Double, to right: Double) {
        content += "0.5 w \(left) \(Self.height - y) m \(right) \(Self.height - y) l S\n"
    }

    /// The file.
    ///
    /// - Parameter title: what a reader shows in its window.
    func file(title: String) -> [UInt8] {
        let name = Self.windows1252(title).map { $0 < 128 && $0 != 40 && $0 != 41 && $0 != 92 ? $0 : 63 }
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            """
            << /Type /Page /Parent 2 0 R /MediaBox [0 0 \(Int(Self.width)) \(Int(Self.height))] /Contents 4 0 R \
            /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>
            """,
            "<< /Length \(content.utf8.count) >>\nstream\n\(content)endstream",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
            "<< /Title (\(String(decoding: name, as: UTF8.self))) /Producer (Voorpret) >>",
        ]
        var file = "%PDF-1.4\n"
        var offsets: [Int] = []
        for (index, object) in objects.enumerated() {
            offsets.append(file.utf8.count)
            file += "\(index + 1) 0 obj\n\(object)\nendobj\n"
        }
        let table = file.utf8.count
        file += "xref\n0 \(objects.count + 1)\n0000000000 65535 f \n"
        for offset in offsets {
            let digits = String(offset)
            file += String(repeating: "0", count: max(0, 10 - digits.count)) + digits + " 00000 n \n"
        }
        file += "trailer\n<< /Size \(objects.count + 1) /Root 1 0 R /Info 7 0 R >>\nstartxref\n\(table)\n%%EOF\n"
        return Array(file.utf8)
    }

    /// The characters from 0x80 to 0x9F, where Windows-1252 is not Latin-1.
    private static let special: [Unicode.Scalar: UInt8] = [
        "€": 0x80, "‚": 0x82, "ƒ": 0x83, "„": 0x84, "…": 0x85, "Š": 0x8A, "‹": 0x8B, "Œ": 0x8C, "Ž": 0x8E, "‘": 0x91,
        "’": 0x92, "“": 0x93, "”": 0x94, "•": 0x95, "–": 0x96, "—": 0x97, "š": 0x9A, "›": 0x9B, "œ": 0x9C, "ž": 0x9E,
        "Ÿ": 0x9F,
    ]

    /// Letters whose stroke is no accent that Unicode takes off.
    private static let stroked: [Unicode.Scalar: Unicode.Scalar] = [
        "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h", "ı": "i", "Ŧ": "T", "ŧ": "t",
    ]

    static func windows1252(_ text: String) -> [UInt8] {
        text.precomposedStringWithCanonicalMapping.unicodeScalars.flatMap { scalar -> [UInt8] in
            if let byte = byte(of: scalar) { return [byte] }
            let plain = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars.first ?? "?"
            return [byte(of: plain) ?? 63]
        }
    }

    private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0xFF: UInt8(scalar.value)
        default: special[scalar] ?? stroked[scalar].map { UInt8(truncatingIfNeeded: $0.value) }
        }
    }
}
