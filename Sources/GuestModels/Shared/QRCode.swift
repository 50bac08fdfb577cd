/// A QR code of one text (ISO/IEC 18004:2015, model 2), in byte mode with UTF-8.
///
/// A module is one dark or light square. Readers also need a light border of four modules, which is not part of the
/// code.
public struct QRCode: Sendable, Equatable {
    /// The part of the code that may be unreadable.
    public enum Level: Int, CaseIterable, Sendable {
        /// Up to 15 % may be unreadable: for screens and letters. A text has at most 2,331 bytes.
        case medium
        /// Up to 25 % may be unreadable: for signs in the open. A text has at most 1,663 bytes.
        case quartile
    }

    /// Modules on each side, 21 to 177.
    public let size: Int
    private var modules: [Bool]

    /// - Returns: nil for a text that is too long for its level.
    public init?(_ text: String, level: Level = .medium) {
        let bytes = Array(text.utf8)
        guard let version = (1...40).first(where: { Self.room($0, level) >= bytes.count }) else { return nil }
        var drawing = Drawing(version: version)
        drawing.drawPatterns()
        drawing.draw(Self.codewords(bytes, version, level))
        self = drawing.masked(level)
    }

    fileprivate init(size: Int, modules: [Bool]) {
        self.size = size
        self.modules = modules
    }

    /// Whether a module is dark; outside the code every module is light.
    public func isDark(_ x: Int, _ y: Int) -> Bool {
        guard (0..<size).contains(x), (0..<size).contains(y) else { return false }
        return modules[y * size + x]
    }

    /// The dark modules as the `d` of an SVG path, one unit a module, with the border of four modules.
    ///
    /// The picture is `size + 8` units wide and high.
    public var path: String {
        var path = ""
        for y in 0..<size {
            var x = 0
            while x < size {
                let start = x
                while isDark(x, y) { x += 1 }
                if x > start { path += "M\(start + 4),\(y + 4)h\(x - start)v1h-\(x - start)z" }
                x += 1
            }
        }
        return path
    }

    // MARK: Codewords

    /// Tables 13 to 22 of the standard: error correction codewords a block, and blocks, for versions 1 to 40.
    private static let correction: [[Int]] = [
        [
            10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
            26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        ],
        [
            13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26, 24, 20, 30, 24, 28, 28, 26, 30,
            28, 30, 30, 30, 30, 28, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30,
        ],
    ]
    private static let blocks: [[Int]] = [
        [
            1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
            17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
        ],
        [
            1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20,
            23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68,
        ],
    ]

    /// The number of codewords in a QR code of a version (its size), of data and of error correction together.
    private static func capacity(_ version: Int) -> Int {
        var modules = (16 * version + 128) * version + 64
        if version >= 2 {
            let aligned = version / 7 + 2
            modules -= (25 * aligned - 10) * aligned - 55
            if version >= 7 { modules -= 36 }
        }
        return modules / 8
    }

    private static func dataCapacity(_ version: Int, _ level: Level) -> Int {
        capacity(version) - correction[level.rawValue][version - 1] * blocks[level.rawValue][version - 1]
    }

    /// The bytes of text that fit; four bits give the mode, and 8 or 16 bits the length.
    private static func room(_ version: Int, _ level: Level) -> Int {
        dataCapacity(version, level) - (version < 10 ? 2 : 3)
    }

    private static func codewords(_ text: [UInt8], _ version: Int, _ level: Level) -> [UInt8] {
        var bits: [Bool] = []
        func append(_ value: Int, _ count: Int) {
            for bit in (0..<count).reversed() { bits.append(value >> bit & 1 == 1) }
        }
        append(0b0100, 4)
        append(text.count, version < 10 ? 8 : 16)
        for byte in text { append(Int(byte), 8) }
        let capacity = dataCapacity(version, level)
        append(0, min(4, capacity * 8 - bits.count))
        append(0, (8 - bits.count % 8) % 8)
        var data = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        for index in 0..<(capacity - data.count) { data.append(index % 2 == 0 ? 0xEC : 0x11) }
        return interleaved(data, version, level)
    }

    /// Splits the data into blocks with their correction, and interleaves the blocks.
    private static func interleaved(_ data: [UInt8], _ version: Int, _ level: Level) -> [UInt8] {
        let count = blocks[level.rawValue][version - 1]
        let degree = correction[level.rawValue][version - 1]
        let shortLength = capacity(version) / count - degree
        let shortBlocks = count - capacity(version) % count
        let divisor = ReedSolomon.divisor(degree: degree)
        var parts: [[UInt8]] = []
        var start = 0
        for index in 0..<count {
            let length = shortLength + (index < shortBlocks ? 0 : 1)
            parts.append(Array(data[start..<start + length]))
            start += length
        }
        let corrections = parts.map { ReedSolomon.remainder($0, divisor) }
        var dealt: [UInt8] = []
        for place in 0...shortLength { dealt += parts.compactMap { place < $0.count ? $0[place] : nil } }
        for place in 0..<degree { dealt += corrections.map { $0[place] } }
        return dealt
    }
}

/// Arithmetic over GF(2⁸) modulo x⁸ + x⁴ + x³ + x² + 1.
private enum ReedSolomon {
    static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var product = 0
        for bit in (0..<8).reversed() {
            product = product << 1 ^ (product >> 7) * 0x11D
            product ^= Int(right >> bit & 1) * Int(left)
        }
        return UInt8(truncatingIfNeeded: product)
    }

    /// The polynomial (x − 1)(x − 2)(x − 4)… without its leading term.
    static func divisor(degree: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: degree - 1) + [1]
        var root: UInt8 = 1
        for _ in 0..<degree {
            for place in 0..<degree {
                result[place] = product(result[place], root)
                if place + 1 < degree { result[place] ^= result[place + 1] }
            }
            root = product(root, 2)
        }
        return result
    }

    static func remainder(_ data: [UInt8], _ divisor: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: divisor.count)
        for byte in data {
            let factor = byte ^ result.removeFirst()
            result.append(0)
            for place in result.indices { result[place] ^= product(divisor[place], factor) }
        }
        return result
    }
}

/// A code while it is drawn: the dark modules, and the pattern modules that stay unmasked.
private struct Drawing {
    let version: Int
    let size: Int
    private var modules: [Bool]
    private var isPattern: [Bool]

    init(version: Int) {
        self.version = version
        size = version * 4 + 17
        modules = Array(repeating: false, count: size * size)
        isPattern = modules
    }

    private mutating func set(_ x: Int, _ y: Int, _ isDark: Bool) {
        modules[y * size + x] = isDark
        isPattern[y * size + x] = true
    }

    mutating func drawPatterns() {
        for place in 0..<size {
            set(6, place, place % 2 == 0)
            set(place, 6, place % 2 == 0)
        }
        for (x, y) in [(3, 3), (size - 4, 3), (3, size - 4)] { drawFinder(x, y) }
        let centres = self.centres
        for (row, y) in centres.enumerated() {
            for (column, x) in centres.enumerated() {
                let corners = [(0, 0), (0, centres.count - 1), (centres.count - 1, 0)]
                if corners.contains(where: { $0 == (row, column) }) { continue }
                for dy in -2...2 {
                    for dx in -2...2 { set(x + dx, y + dy, max(abs(dx), abs(dy)) != 1) }
                }
            }
        }
        // Reserves the place of the format, which is known only with the mask.
        drawFormat(0)
        drawVersion()
    }

    private mutating func drawFinder(_ x: Int, _ y: Int) {
        for dy in -4...4 {
            for dx in -4...4 where (0..<size).contains(x + dx) && (0..<size).contains(y + dy) {
                let distance = max(abs(dx), abs(dy))
                set(x + dx, y + dy, distance != 2 && distance != 4)
            }
        }
    }

    /// Rows and columns of the alignment patterns' centres (annex E).
    private var centres: [Int] {
        guard version > 1 else { return [] }
        let count = version / 7 + 2
        let step = (version * 8 + count * 3 + 5) / (count * 4 - 4) * 2
        return [6] + (0..<count - 1).reversed().map { size - 7 - $0 * step }
    }

    private mutating func drawVersion() {
        guard version >= 7 else { return }
        var rest = version
        for _ in 0..<12 { rest = rest << 1 ^ (rest >> 11) * 0x1F25 }
        let bits = version << 12 | rest
        for bit in 0..<18 {
            let isDark = bits >> bit & 1 == 1
            set(size - 11 + bit % 3, bit / 3, isDark)
            set(bit / 3, size - 11 + bit % 3, isDark)
        }
    }

    /// - Parameter data: five bits: two for the level and three for the mask.
    private mutating func drawFormat(_ data: Int) {
        var rest = data
        for _ in 0..<10 { rest = rest << 1 ^ (rest >> 9) * 0x537 }
        let bits = (data << 10 | rest) ^ 0x5412
        func isDark(_ bit: Int) -> Bool { bits >> bit & 1 == 1 }
        for bit in 0..<6 { set(8, bit, isDark(bit)) }
        set(8, 7, isDark(6))
        set(8, 8, isDark(7))
        set(7, 8, isDark(8))
        for bit in 9..<15 { set(14 - bit, 8, isDark(bit)) }
        for bit in 0..<8 { set(size - 1 - bit, 8, isDark(bit)) }
        for bit in 8..<15 { set(8, size - 15 + bit, isDark(bit)) }
        set(8, size - 8, true)
    }

    /// Draws the codewords in a zigzag, two columns at a time from the right.
    mutating func draw(_ codewords: [UInt8]) {
        var bit = 0
        for pair in 0..<(size - 1) / 2 {
            let beforeTiming = size - 1 - pair * 2
            let right = beforeTiming <= 6 ? beforeTiming - 1 : beforeTiming
            let isUpward = (right + 1) & 2 == 0
            for step in 0..<size {
                let y = isUpward ? size - 1 - step : step
                for x in [right, right - 1] where !isPattern[y * size + x] && bit < codewords.count * 8 {
                    modules[y * size + x] = codewords[bit / 8] >> (7 - bit % 8) & 1 == 1
                    bit += 1
                }
            }
        }
    }

    /// The finished code, with the mask that is easiest to read.
    func masked(_ level: QRCode.Level) -> QRCode {
        let codes = (0..<8).map { mask in
            var drawing = self
            drawing.apply(mask)
            drawing.drawFormat((level == .medium ? 0b00 : 0b11) << 3 | mask)
            return QRCode(size: size, modules: drawing.modules)
        }
        return codes.min { $0.penalty < $1.penalty } ?? codes[0]
    }

    private mutating func apply(_ mask: Int) {
        for y in 0..<size {
            for x in 0..<size where !isPattern[y * size + x] {
                let inverts =
                    switch mask {
                    case 0: (x + y) % 2 == 0
                    case 1: y % 2 == 0
                    case 2: x % 3 == 0
                    case 3: (x + y) % 3 == 0
                    case 4: (x / 3 + y / 2) % 2 == 0
                    case 5: x * y % 2 + x * y % 3 == 0
                    case 6: (x * y % 2 + x * y % 3) % 2 == 0
                    default: ((x + y) % 2 + x * y % 3) % 2 == 0
                    }
                if inverts { modules[y * size + x].toggle() }
            }
        }
    }
}

extension QRCode {
    /// How hard the code is to read (section 7.8.3).
    fileprivate var penalty: Int {
        var penalty = 0
        for line in 0..<size {
            penalty += linePenalty((0..<size).map { isDark($0, line) })
            penalty += linePenalty((0..<size).map { isDark(line, $0) })
        }
        for y in 0..<size - 1 {
            for x in 0..<size - 1
            where isDark(x, y) == isDark(x + 1, y) && isDark(x, y) == isDark(x, y + 1)
                && isDark(x, y) == isDark(x + 1, y + 1)
            {
                penalty += 3
            }
        }
        let dark = modules.count { $0 }
        // The penalty is ten points for every full 5 % by which the dark modules differ from half.
        penalty += abs(dark * 20 - modules.count * 10) / modules.count * 10
        return penalty
    }

    /// The penalty for runs of five or more equal modules, and for finder-like patterns beside four light modules.
    private func linePenalty(_ line: [Bool]) -> Int {
        var penalty = 0
        var run = 0
        for (index, isDark) in line.enumerated() {
            run = index > 0 && line[index - 1] == isDark ? run + 1 : 1
            if run == 5 { penalty += 3 } else if run > 5 { penalty += 1 }
        }
        let finder = [true, false, true, true, true, false, true]
        func isLight(_ places: Range<Int>) -> Bool { places.allSatisfy { !line.indices.contains($0) || !line[$0] } }
        for start in 0..<max(0, line.count - 6) where Array(line[start..<start + 7]) == finder {
            if isLight(start - 4..<start) { penalty += 40 }
            if isLight(start + 7..<start + 11) { penalty += 40 }
        }
        return penalty
    }
}
