import CVips
import Foundation
import GuestModels

/// An image of libvips, which is decoded when its pixels are needed.
final class Image {
    /// libvips could not do it; `vips_error_buffer` says why.
    struct Failed: Error {}

    let image: UnsafeMutablePointer<VipsImage>

    /// - Parameter make: a call of libvips that makes an image and answers 0.
    init(_ make: (UnsafeMutablePointer<UnsafeMutablePointer<VipsImage>?>) -> Int32) throws {
        var made: UnsafeMutablePointer<VipsImage>?
        guard make(&made) == 0, let made else { throw Failed() }
        image = made
    }

    /// Opens a file by the loader of its format.
    ///
    /// - Parameters:
    ///   - bytes: must live as long as the image.
    ///   - shrink: how much smaller a JPEG is decoded: 1, 2, 4 or 8.
    convenience init(_ bytes: UnsafeRawBufferPointer, _ format: Picture.Format, shrink: Int = 1) throws {
        let (start, count) = (bytes.baseAddress, bytes.count)
        try self.init { out in
            switch format {
            case .jpeg: picture_load_jpeg(start, count, Int32(shrink), out)
            case .png: picture_load_png(start, count, out)
            case .webp: picture_load_webp(start, count, out)
            case .heic, .avif: picture_load_heif(start, count, out)
            }
        }
    }

    deinit { g_object_unref(image) }

    var width: Int { Int(image.pointee.Xsize) }
    var height: Int { Int(image.pointee.Ysize) }
    var bands: Int { Int(image.pointee.Bands) }
    /// The orientation by Exif, 1 to 8.
    var orientation: Int { Int(vips_image_get_orientation(image)) }

    /// An Exif field's text; nil if the picture has none, or a longer one than the standard allows.
    func exif(_ field: String, atMost count: Int) -> String? {
        var text: UnsafePointer<CChar>?
        let name = "exif-ifd2-\(field)"
        guard vips_image_get_typeof(image, name) != 0, vips_image_get_string(image, name, &text) == 0, let text else {
            return nil
        }
        // libvips puts a description of the value behind it, in brackets.
        let whole = String(cString: text)
        let value = whole.range(of: " (", options: .backwards).map { String(whole[..<$0.lowerBound]) } ?? whole
        return value.unicodeScalars.count <= count ? value : nil
    }

    /// The picture upright, at most as long as `side`, in sRGB and on white.
    func shrunk(to side: Int) throws -> Image {
        try Image { picture_shrink(image, Int32(side), $0) }.flat()
    }

    /// The picture upright, with its own colours, on white.
    func upright() throws -> Image {
        try Image { picture_upright(image, $0) }.flat()
    }

    private func flat() throws -> Image {
        vips_image_hasalpha(image) == 0 ? self : try Image { picture_flatten(image, $0) }
    }

    /// The picture as a JPEG; a bare one has no metadata and no colour profile.
    func jpeg(quality: Int, isBare: Bool) throws -> [UInt8] {
        var bytes: UnsafeMutableRawPointer?
        var count = 0
        guard picture_save(image, Int32(quality), isBare ? 1 : 0, &bytes, &count) == 0, let bytes else {
            throw Failed()
        }
        defer { g_free(bytes) }
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
