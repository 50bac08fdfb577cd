/// A JPEG file (ISO/IEC 10918-1), parsed far enough to remove a camera's metadata.
public struct JPEG: Sendable {
    public let bytes: [UInt8]

    /// The bytes are not a JPEG that the service keeps.
    public struct Malformed: Error, Hashable, Sendable {}

    /// Keeps the picture and the data that shows it rightly: tables, colours and orientation.
    ///
    /// Removed are Exif with its places and times, thumbnails, comments, names, and all bytes after the end.
    ///
    /// - Throws: `Malformed` when the bytes are no complete JPEG, or the picture has no width or height.
    public init(withoutMetadata original: [UInt8]) throws(Malformed) {
        var reader = Reader(bytes: original)
        guard reader.take() == 0xff, reader.take() == Marker.start else { throw Malformed() }
        var kept: [UInt8] = [0xff, Marker.start]
        var orientation: UInt8 = 1
        var place: Int?
        var hasFrame = false
        var hasScan = false
        while true {
            guard reader.take() == 0xff, var marker = reader.take() else { throw Malformed() }
            // Any number of fill bytes may precede a marker.
            while marker == 0xff {
                guard let next = reader.take() else { throw Malformed() }
                marker = next
            }
            switch marker {
            case Marker.end:
                guard hasFrame, hasScan else { throw Malformed() }
                kept += [0xff, Marker.end]
                if orientation != 1 { kept.insert(contentsOf: Self.exif(orientation), at: place ?? 2) }
                bytes = kept
                return
            case 0x01, 0xd0...0xd7:
                throw Malformed()
            default: break
            }
            guard let segment = reader.segment() else { throw Malformed() }
            switch marker {
            case 0xe1:
                orientation = Self.orientation(segment) ?? orientation
                continue
            // The segments of JFIF, the colour profile and Adobe's colour transform are kept.
            case 0xe0,
                0xe2 where segment.starts(with: Array("ICC_PROFILE\0".utf8)), 0xee:
                break
            // Comments and the data of other applications are dropped.
            case 0xe2...0xef, 0xfe: continue
            // A frame header has the picture's width and height; a picture without them is malformed.
            case 0xc0...0xc3, 0xc5...0xc7, 0xc9...0xcb, 0xcd...0xcf:
                guard segment.count >= 6, segment[1...2] != [0, 0], segment[3...4] != [0, 0], !hasFrame else {
                    throw Malformed()
                }
                hasFrame = true
            case 0xc4, 0xcc, 0xdb, 0xdd: break
            case Marker.scan:
                guard hasFrame else { throw Malformed() }
                hasScan = true
            default: throw Malformed()
            }
            if marker != 0xe0, place == nil { place = kept.count }
            kept += [0xff, marker, UInt8((segment.count + 2) >> 8), UInt8((segment.count + 2) & 0xff)]
            kept += marker == 0xe0 ? Self.withoutThumbnail(segment, &kept) : segment[...]
            if marker == Marker.scan { kept += reader.scan() }
        }
    }

    private enum Marker {
        static let start: UInt8 = 0xd8
        static let end: UInt8 = 0xd9
        static let scan: UInt8 = 0xda
    }

    private struct Reader {
        let bytes: [UInt8]
        var place = 0

        mutating func take() -> UInt8? {
            guard place < bytes.count else { return nil }
            defer { place += 1 }
            return bytes[place]
        }

        /// The contents of a segment, after its length.
        mutating func segment() -> [UInt8]? {
            guard let high = take(), let low = take() else { return nil }
            let length = Int(high) << 8 + Int(low) - 2
            guard length >= 0, length <= bytes.count - place else { return nil }
            defer { place += length }
            return Array(bytes[place..<place + length])
        }

        /// The coded pixels, up to the next marker that does not belong to them.
        mutating func scan() -> ArraySlice<UInt8> {
            let start = place
            while place + 1 < bytes.count {
                let next = bytes[place + 1]
                if bytes[place] == 0xff, next != 0, !(0xd0...0xd7).contains(next), next != 0xff { break }
                place += 1
            }
            return bytes[start..<place]
        }
    }

    /// Removes the small picture of JFIF, which may show parts that the large picture no longer has.
    private static func withoutThumbnail(_ segment: [UInt8], _ kept: inout [UInt8]) -> ArraySlice<UInt8> {
        guard segment.starts(with: Array("JFIF\0".utf8)), segment.count >= 14 else {
            // The segment is no complete JFIF segment, so an empty segment replaces it.
            kept.removeLast(2)
            kept += [0, 2]
            return []
        }
        kept.removeLast(2)
        kept += [0, 16]
        return segment[0..<12] + [0, 0]
    }

    /// The orientation, 1 to 8, from tag 0x0112 of the first directory.
    private static func orientation(_ segment: [UInt8]) -> UInt8? {
        guard segment.starts(with: Array("Exif\0\0".utf8)) else { return nil }
        let tiff = Array(segment.dropFirst(6))
        guard tiff.count >= 8 else { return nil }
        let isLittle = tiff[0] == UInt8(ascii: "I")
        func number(_ place: Int, _ count: Int) -> Int? {
            guard place >= 0, place + count <= tiff.count else { return nil }
            let part = tiff[place..<place + count]
            return (isLittle ? part.reversed() : Array(part)).reduce(0) { $0 << 8 + Int($1) }
        }
        guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
        for index in 0..<entries {
            let entry = directory + 2 + 12 * index
            guard let tag = number(entry, 2) else { return nil }
            if tag == 0x0112, let value = number(entry + 8, 2), (1...8).contains(value) { return UInt8(value) }
        }
        return nil
    }

    /// The smallest Exif segment that holds the orientation.
    private static func exif(_ orientation: UInt8) -> [UInt8] {
        let tiff: [UInt8] =
            Array("MM".utf8) + [
                0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0,
            ]
        let segment = Array("Exif\0\0".utf8) + tiff
        return [0xff, 0xe1, 0, UInt8(segment.count + 2)] + segment
    }
}
