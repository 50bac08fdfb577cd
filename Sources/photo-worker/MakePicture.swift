import CVips
import Foundation
import GuestModels

/// Makes the master and the smaller copies of one file.
struct MakePicture {
    private let order: Picture.Order

    init(_ order: Picture.Order) {
        self.order = order
    }

    /// - Returns: nil if no picture can be made of the file.
    /// - Throws: errors of the disk.
    func run() throws -> Picture.Made? {
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: order.source)))
        guard bytes.count <= Picture.maximumBytes, let format = Picture.Format(firstBytes: bytes) else {
            return nil
        }
        if format == .heic || format == .avif {
            guard HEIF.pixels(in: bytes) <= format.maximumPixels else { return nil }
            HEIF.hideSurplusReferences(in: &bytes)
        }
        let pictures: (master: [UInt8], copies: [Picture.Size: [UInt8]], facts: Picture.Made)
        do {
            pictures = try make(bytes, format)
        } catch {
            vips_error_clear()
            return nil
        }
        try write(pictures.master, .master)
        for (size, copy) in pictures.copies { try write(copy, size) }
        return pictures.facts
    }

    private func write(_ bytes: [UInt8], _ size: Picture.Size) throws {
        try Data(bytes).write(to: URL(filePath: order.folder).appending(path: size.rawValue))
    }

    private func make(
        _ bytes: [UInt8],
        _ format: Picture.Format
    ) throws -> (master: [UInt8], copies: [Picture.Size: [UInt8]], facts: Picture.Made) {
        let (master, takenAt, takenOffset) = try bytes.withUnsafeBytes { bytes in
            let image = try Image(bytes, format)
            // The header's pixels count before anything is decoded.
            guard image.width * image.height <= format.maximumPixels else { throw Image.Failed() }
            let master = try Self.master(of: image, bytes, format)
            return (master, image.exif("DateTimeOriginal", atMost: 19), image.exif("OffsetTimeOriginal", atMost: 6))
        }
        return try master.withUnsafeBytes { bytes in
            // The decoder leaves out pixels that no copy needs.
            let whole = try Image(bytes, .jpeg)
            let large = try Image(bytes, .jpeg, shrink: Self.shrink(whole)).shrunk(to: 1440)
            let medium = try large.shrunk(to: 512)
            let small = try medium.shrunk(to: 256)
            let copies: [Picture.Size: [UInt8]] = [
                .large: try large.jpeg(quality: 80, isBare: true), .medium: try medium.jpeg(quality: 80, isBare: true),
                .small: try small.jpeg(quality: 80, isBare: true),
            ]
            let isTurned = whole.orientation > 4
            let facts = Picture.Made(
                width: isTurned ? whole.height : whole.width,
                height: isTurned ? whole.width : whole.height,
                size: master.count,
                crc32: CRC32.of(master),
                takenAt: takenAt,
                takenOffset: takenOffset
            )
            return (master, copies, facts)
        }
    }

    /// The coded pixels of a JPEG as they are; other pictures are coded anew.
    private static func master(
        of image: Image,
        _ bytes: UnsafeRawBufferPointer,
        _ format: Picture.Format
    ) throws -> [UInt8] {
        if format == .jpeg, image.bands != 4, let bare = try? JPEG(withoutMetadata: Array(bytes)) { return bare.bytes }
        // Browsers show a JPEG of four inks in odd colours.
        let upright = image.bands == 4 && format == .jpeg ? try image.shrunk(to: 16_000) : try image.upright()
        return try JPEG(withoutMetadata: upright.jpeg(quality: 92, isBare: false)).bytes
    }

    /// How much smaller a JPEG may be decoded, so that the largest copy still has twice as many pixels to be made of.
    private static func shrink(_ whole: Image) -> Int {
        let most = max(whole.width, whole.height) / (2 * 1440)
        return most >= 8 ? 8 : most >= 4 ? 4 : most >= 2 ? 2 : 1
    }
}
