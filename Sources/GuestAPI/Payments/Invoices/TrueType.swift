import Foundation

/// The data of a TrueType font that a PDF needs (ISO/IEC 14496-22): the glyph of each character, and its width.
struct TrueType: Sendable {
    /// The bytes of the font file.
    let bytes: [UInt8]
    /// The font's glyphs by the characters that they show.
    private let glyphs: [UInt32: UInt16]
    /// The width of each glyph, in thousandths of the font's size.
    private let widths: [UInt16]
    /// The edges of all glyphs together: left, bottom, right and top, in thousandths of the font's size.
    let box: [Int]
    /// The reach of the letters above and below the baseline, in thousandths of the font's size.
    let ascent: Int
    let descent: Int

    /// Noto Sans with the letters of Latin, Greek and Cyrillic scripts (SIL Open Font License, `Fonts/OFL.txt`).
    static let noto: TrueType = {
        // The font is part of the program, and a test reads it.
        guard let font = TrueType(PackageResources.NotoSans_ttf) else { preconditionFailure("the font cannot be read") }
        return font
    }()

    /// - Returns: nil if the file is no TrueType font, or has no character table in format 4.
    init?(_ bytes: [UInt8]) {
        let file = Reader(bytes: bytes)
        guard let count = file.short(4) else { return nil }
        var tables: [String: Int] = [:]
        for index in 0..<Int(count) {
            let entry = 12 + 16 * index
            guard entry + 16 <= bytes.count, let place = file.long(entry + 8) else { return nil }
            tables[String(decoding: bytes[entry..<entry + 4], as: UTF8.self)] = Int(place)
        }
        guard let head = tables["head"], let hhea = tables["hhea"], let hmtx = tables["hmtx"],
            let cmap = tables["cmap"],
            let maxp = tables["maxp"], let perEm = file.short(head + 18), perEm > 0,
            let metrics = file.short(hhea + 34), metrics > 0, let glyphCount = file.short(maxp + 4),
            let glyphs = Self.characters(file, cmap)
        else { return nil }
        func scaled(_ place: Int) -> Int { (file.signed(place) ?? 0) * 1000 / Int(perEm) }
        self.bytes = bytes
        self.glyphs = glyphs
        box = [36, 38, 40, 42].map { scaled(head + $0) }
        ascent = scaled(hhea + 4)
        descent = scaled(hhea + 6)
        widths = (0..<Int(glyphCount)).map { glyph in
            let width = Int(file.short(hmtx + 4 * min(glyph, Int(metrics) - 1)) ?? 0)
            return UInt16(width * 1000 / Int(perEm))
        }
    }

    /// The glyph of a character; nil if the font lacks the character.
    func glyph(of scalar: Unicode.Scalar) -> UInt16? { glyphs[scalar.value] }

    /// The width of a glyph, in thousandths of the font's size; 0 for an unknown glyph.
    func width(of glyph: UInt16) -> Int { widths.indices.contains(Int(glyph)) ? Int(widths[Int(glyph)]) : 0 }

    private static func characters(_ file: Reader, _ cmap: Int) -> [UInt32: UInt16]? {
        guard let count = file.short(cmap + 2) else { return nil }
        let tables = (0..<Int(count)).compactMap { file.long(cmap + 8 + 8 * $0).map { cmap + Int($0) } }
        guard let table = tables.first(where: { file.short($0) == 4 }), let doubled = file.short(table + 6) else {
            return nil
        }
        // The table has four lists with one number per segment: ends, starts, differences, and places of the glyph
        // lists.
        let size = Int(doubled)
        var glyphs: [UInt32: UInt16] = [:]
        for segment in stride(from: 0, to: size, by: 2) {
            let ends = table + 14 + segment
            let starts = ends + size + 2
            let (differences, offsets) = (starts + size, starts + 2 * size)
            guard let end = file.short(ends), let start = file.short(starts), let difference = file.short(differences),
                let offset = file.short(offsets), start <= end
            else { return nil }
            for character in start...end where character != 0xFFFF {
                var glyph = character &+ difference
                if offset != 0 {
                    let listed = file.short(offsets + Int(offset) + 2 * Int(character - start)) ?? 0
                    glyph = listed == 0 ? 0 : listed &+ difference
                }
                if glyph != 0 { glyphs[UInt32(character)] = glyph }
            }
        }
        return glyphs
    }

    private struct Reader {
        let bytes: [UInt8]

        func short(_ place: Int) -> UInt16? {
            guard place >= 0, place + 2 <= bytes.count else { return nil }
            return UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
        }

        func signed(_ place: Int) -> Int? { short(place).map { Int(Int16(bitPattern: $0)) } }

        func long(_ place: Int) -> UInt32? {
            guard let high = short(place), let low = short(place + 2) else { return nil }
            return UInt32(high) << 16 | UInt32(low)
        }
    }
}
