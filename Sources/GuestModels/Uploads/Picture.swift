/// A photo or another picture as the service keeps it: a master and three smaller copies, all JPEGs without metadata.
public enum Picture {
    /// The most bytes of a file that a guest sends.
    public static let maximumBytes = 40 * 1024 * 1024

    /// A copy of a picture.
    public enum Size: String, CaseIterable, Codable, Sendable {
        /// The picture with all its pixels and its own colours.
        case master
        /// Copies in sRGB, named by the most pixels of their longer side.
        case large = "1440"
        case medium = "512"
        case small = "256"

        /// The most pixels of the longer side; nil for the master.
        public var pixels: Int? { Int(rawValue) }
    }

    /// A format that the service reads, told apart by the first bytes and never by a name.
    public enum Format: String, CaseIterable, Codable, Sendable {
        case jpeg, png, webp, heic, avif

        /// The number of first bytes that tell the format.
        public static let telling = 64

        /// The format of a file; nil for all other formats.
        ///
        /// Sources: ISO/IEC 10918-1, the specifications of PNG and WebP, and ISO/IEC 14496-12 for HEIC and AVIF.
        public init?(firstBytes bytes: some Collection<UInt8>) {
            let bytes = Array(bytes.prefix(Self.telling))
            func has(_ text: String, at place: Int) -> Bool { bytes.dropFirst(place).starts(with: text.utf8) }
            if bytes.starts(with: [0xff, 0xd8, 0xff]) {
                self = .jpeg
            } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
                self = .png
            } else if has("RIFF", at: 0), has("WEBP", at: 8) {
                self = .webp
            } else if has("ftyp", at: 4), bytes.starts(with: [0, 0]) {
                // The brand, and behind its version the compatible brands.
                let end = min(bytes.count, Int(bytes[2]) << 8 + Int(bytes[3]))
                let brands = ([8] + Array(stride(from: 16, to: end, by: 4))).map { place in
                    String(decoding: bytes.dropFirst(place).prefix(4), as: UTF8.self)
                }
                if !Self.brandsOfAVIF.isDisjoint(with: brands) {
                    self = .avif
                } else if !Self.brandsOfHEIC.isDisjoint(with: brands) {
                    self = .heic
                } else {
                    return nil
                }
            } else {
                return nil
            }
        }

        private static let brandsOfAVIF: Set<String> = ["avif", "avis"]
        private static let brandsOfHEIC: Set<String> = ["heic", "heix", "heim", "heis"]

        /// The most pixels of a picture; a picture with more is not decoded.
        public var maximumPixels: Int { self == .avif ? 32_000_000 : 64_000_000 }
    }

    /// The task of a worker process: to make the copies of one file.
    public struct Order: Codable, Sendable {
        /// The path of the file.
        public let source: String
        /// The path of an empty folder, which gets a file for each `Size`.
        public let folder: String

        public init(source: String, folder: String) {
            self.source = source
            self.folder = folder
        }
    }

    /// The answer to an `Order`.
    public struct Report: Codable, Hashable, Sendable {
        /// nil if no picture can be made of the file: it is broken, has too many pixels, or has no format that is read.
        public let made: Made?
        /// The machine's fault that kept the process from its work, such as a full disk; nil if there was none.
        public let fault: String?

        public init(_ made: Made?, fault: String? = nil) {
            self.made = made
            self.fault = fault
        }
    }

    /// The line that a worker process writes once it can take orders.
    public static let ready = "ready"

    /// Facts about a picture whose copies have been made.
    public struct Made: Codable, Hashable, Sendable {
        /// The master's pixels, as it is shown upright.
        public let width: Int
        public let height: Int
        /// The master's bytes and their CRC-32.
        public let size: Int
        public let crc32: UInt32
        /// The camera's local date and time, as Exif has it: `2027:05:14 16:32:07`; at most 19 characters.
        public let takenAt: String?
        /// The time zone of `takenAt`, as Exif has it: `+02:00`; at most 6 characters.
        public let takenOffset: String?

        public init(width: Int, height: Int, size: Int, crc32: UInt32, takenAt: String?, takenOffset: String?) {
            self.width = width
            self.height = height
            self.size = size
            self.crc32 = crc32
            self.takenAt = takenAt
            self.takenOffset = takenOffset
        }
    }
}
