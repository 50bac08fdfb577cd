/// A HEIC file (ISO/IEC 23008-12) in memory, parsed far enough to hide what libheif before 1.18 refuses.
enum HEIF {
    /// Renames references of auxiliary images to several pictures, so that the reader passes over them.
    ///
    /// iPhones since iOS 18 refer a gain map to two pictures. libheif 1.15 and 1.17 allow one
    /// (https://github.com/strukturag/libheif/issues/1190). The gain map is not used here.
    static func hideSurplusReferences(in bytes: inout [UInt8]) {
        guard let meta = box("meta", in: bytes, 0..<bytes.count), meta.count > 4,
            let references = box("iref", in: bytes, meta.dropFirst(4)), references.count > 4
        else { return }
        // Versions other than 0 have identifiers of four bytes.
        let identifier = bytes[references.lowerBound] == 0 ? 2 : 4
        for (type, inside) in boxes(in: bytes, references.dropFirst(4)) where type == "auxl" {
            guard let count = number(at: inside.lowerBound + identifier, 2, in: bytes, inside), count > 1 else {
                continue
            }
            for (place, byte) in zip(inside.lowerBound - 4..<inside.lowerBound, "free".utf8) { bytes[place] = byte }
        }
    }

    /// The most pixels that any image of the file has by its header.
    ///
    /// libvips decodes a HEIC before it says how large the picture is.
    static func pixels(in bytes: [UInt8]) -> Int {
        guard let meta = box("meta", in: bytes, 0..<bytes.count), meta.count > 4,
            let properties = box("iprp", in: bytes, meta.dropFirst(4)), let all = box("ipco", in: bytes, properties)
        else { return 0 }
        return boxes(in: bytes, all).filter { $0.type == "ispe" }.map { _, inside in
            let width = number(at: inside.lowerBound + 4, 4, in: bytes, inside) ?? 0
            let height = number(at: inside.lowerBound + 8, 4, in: bytes, inside) ?? 0
            return width.multipliedReportingOverflow(by: height).overflow ? .max : width * height
        }.max() ?? 0
    }

    private static func box(_ type: String, in bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
        boxes(in: bytes, range).first { $0.type == type }?.inside
    }

    /// The boxes of a range, up to one whose length makes no sense.
    private static func boxes(in bytes: [UInt8], _ range: Range<Int>) -> [(type: String, inside: Range<Int>)] {
        var found: [(String, Range<Int>)] = []
        var place = range.lowerBound
        while let short = number(at: place, 4, in: bytes, range), range.upperBound - place >= 8 {
            let type = String(decoding: bytes[place + 4..<place + 8], as: UTF8.self)
            var head = 8
            var size = short
            if short == 1 {
                guard let long = number(at: place + 8, 8, in: bytes, range) else { break }
                (head, size) = (16, long)
            } else if short == 0 {
                size = range.upperBound - place
            }
            guard size >= head, size <= range.upperBound - place else { break }
            found.append((type, place + head..<place + size))
            place += size
        }
        return found
    }

    /// A big-endian number; nil if it does not lie within the range, or is too large.
    private static func number(at place: Int, _ count: Int, in bytes: [UInt8], _ range: Range<Int>) -> Int? {
        guard place >= range.lowerBound, place <= range.upperBound - count else { return nil }
        let value = bytes[place..<place + count].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(exactly: value)
    }
}
