public import Foundation

/// The bytes of a ZIP file whose entries are stored as they are, known before any entry is read.
///
/// With the size and the CRC-32 of each entry, the whole layout is arithmetic: its length, and the bytes of any range.
/// Source: PKWARE's APPNOTE 6.3.10. Offsets beyond 4 GiB and more than 65,534 entries use ZIP64.
public struct ZipLayout: Sendable {
    /// A file in the archive.
    public struct Entry: Hashable, Sendable {
        /// The name, at most 200 bytes of UTF-8, without a path.
        public let name: String
        /// The number of bytes, less than 4 GiB.
        public let size: Int
        public let crc32: UInt32
        /// The time that is shown, on the clock of the place; years from 1980 to 2107.
        public let date: LocalDate
        /// The minutes and seconds since midnight.
        public let seconds: Int

        public init(name: String, size: Int, crc32: UInt32, date: LocalDate, seconds: Int) {
            self.name = name
            self.size = size
            self.crc32 = crc32
            self.date = date
            self.seconds = seconds
        }

        /// Date and time as MS-DOS counts them: days, and every other second.
        fileprivate var time: [UInt8] {
            let (year, month, day) = date.components
            let dosDate = min(max(year - 1980, 0), 127) << 9 | month << 5 | day
            let dosTime = (seconds / 3600) << 11 | (seconds / 60 % 60) << 5 | seconds % 60 / 2
            return ZipLayout.number(dosTime, 2) + ZipLayout.number(dosDate, 2)
        }
    }

    /// A part of the archive.
    public enum Piece: Hashable, Sendable {
        case bytes([UInt8])
        /// Bytes of an entry, by its place in `entries`.
        case file(Int, Range<Int>)
    }

    public let entries: [Entry]
    /// The place of each entry's header.
    private let offsets: [Int]
    private let end: [UInt8]
    /// The number of bytes of the whole archive.
    public let size: Int

    public init(_ entries: [Entry]) {
        self.entries = entries
        var (offsets, place) = ([Int](), 0)
        for entry in entries {
            offsets.append(place)
            place += Self.header(entry).count + entry.size
        }
        self.offsets = offsets
        end = Self.directory(entries, offsets, at: place)
        size = place + end.count
    }

    /// The pieces of a range of the archive, in order; the range is cut to the archive.
    public func pieces(_ range: Range<Int>) -> [Piece] {
        let range = range.clamped(to: 0..<size)
        var pieces: [Piece] = []
        func add(_ bytes: [UInt8], at place: Int) {
            let part = range.clamped(to: place..<place + bytes.count)
            if !part.isEmpty { pieces.append(.bytes(Array(bytes[part.lowerBound - place..<part.upperBound - place]))) }
        }
        for (index, entry) in entries.enumerated() {
            let header = Self.header(entry)
            let file = offsets[index] + header.count
            guard file + entry.size > range.lowerBound else { continue }
            guard offsets[index] < range.upperBound else { break }
            add(header, at: offsets[index])
            let part = range.clamped(to: file..<file + entry.size)
            if !part.isEmpty { pieces.append(.file(index, part.lowerBound - file..<part.upperBound - file)) }
        }
        add(end, at: size - end.count)
        return pieces
    }

    private static let most = 0xffff_ffff
    /// The names are UTF-8.
    private static let flags = number(0x0800, 2)

    fileprivate static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func header(_ entry: Entry) -> [UInt8] {
        let name = Array(entry.name.utf8)
        let sizes = number(Int(entry.crc32), 4) + number(entry.size, 4) + number(entry.size, 4)
        return [0x50, 0x4b, 3, 4] + number(10, 2) + flags + number(0, 2) + entry.time + sizes + number(name.count, 2)
            + number(0, 2) + name
    }

    /// The central directory, and the records behind it.
    private static func directory(_ entries: [Entry], _ offsets: [Int], at place: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for (entry, offset) in zip(entries, offsets) {
            let name = Array(entry.name.utf8)
            let isFar = offset >= most
            let extra = isFar ? number(1, 2) + number(8, 2) + number(offset, 8) : []
            bytes += [0x50, 0x4b, 1, 2] + number(3 << 8 | 45, 2) + number(isFar ? 45 : 10, 2) + flags + number(0, 2)
            bytes += entry.time + number(Int(entry.crc32), 4) + number(entry.size, 4) + number(entry.size, 4)
            // Without a comment, on the first disk, with a plain file's rights.
            bytes += number(name.count, 2) + number(extra.count, 2) + number(0, 2) + number(0, 2) + number(0, 2)
            bytes += number(0o100644 << 16, 4) + number(isFar ? most : offset, 4) + name + extra
        }
        let (count, size) = (entries.count, bytes.count)
        let isLarge = place >= most || size >= most || count >= 0xffff
        if isLarge {
            let record = place + size
            bytes += [0x50, 0x4b, 6, 6] + number(44, 8) + number(3 << 8 | 45, 2) + number(45, 2) + number(0, 4)
            bytes += number(0, 4) + number(count, 8) + number(count, 8) + number(size, 8) + number(place, 8)
            bytes += [0x50, 0x4b, 6, 7] + number(0, 4) + number(record, 8) + number(1, 4)
        }
        let shown = min(count, 0xffff)
        bytes += [0x50, 0x4b, 5, 6] + number(0, 4) + number(shown, 2) + number(shown, 2)
        bytes += number(min(size, most), 4) + number(min(place, most), 4) + number(0, 2)
        return bytes
    }
}

extension ZipLayout.Entry {
    /// Entries for photos, named by the local time and the member, such as `2027-05-14 16.32.07 Anna.jpg`.
    ///
    /// - Parameters:
    ///   - photos: what each is named by; a name that comes again gets a number.
    ///   - clock: the park's clock.
    public static func photos(
        _ photos: [(takenAt: Date, member: String?, size: Int, crc32: UInt32)],
        on clock: ParkClock
    ) -> [ZipLayout.Entry] {
        var used: [String: Int] = [:]
        return photos.map { photo in
            let (date, seconds) = clock.wall(at: photo.takenAt)
            let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
            let stem = "\(date) \(time.joined(separator: "."))" + plain(photo.member)
            used[stem, default: 0] += 1
            let number = used[stem, default: 1]
            return ZipLayout.Entry(
                name: stem + (number > 1 ? " (\(number))" : "") + ".jpg",
                size: photo.size,
                crc32: photo.crc32,
                date: date,
                seconds: seconds
            )
        }
    }

    /// A member's name as it may stand in a file's name, behind a space; empty if nothing of it may.
    private static func plain(_ member: String?) -> String {
        let allowed = (member ?? "").unicodeScalars.filter { scalar in
            !"\"*/:<>?\\|".unicodeScalars.contains(scalar) && scalar.properties.generalCategory != .control
        }
        var text = String(String.UnicodeScalarView(allowed)).trimmingCharacters(in: .whitespaces)
        while text.utf8.count > 100 { text.removeLast() }
        return text.isEmpty ? "" : " " + text
    }
}
