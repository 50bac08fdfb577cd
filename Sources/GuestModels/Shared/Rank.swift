/// The place of an entry in a list that several people order.
///
/// Between any two ranks there is room for another, so no other entry must move. A rank is a text that sorts by its
/// bytes. Its first letter gives the length of its whole number, and the base-62 digits after that number are a
/// fraction. A list that grows at its ends therefore keeps short ranks (the idea is David Greenspan's,
/// https://observablehq.com/@dgreensp/implementing-fractional-indexing). If two people put entries in the same place at
/// the same time, the ranks are equal and the ids decide.
public struct Rank: Hashable, Sendable {
    public let text: String

    /// The least and the most characters of a rank.
    public static let lengths = 2...100
    private static let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let zero = UInt8(ascii: "0")

    /// Reads a rank; nil when the text is not one.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard Self.lengths.contains(bytes.count), bytes.allSatisfy(Self.digits.contains),
            let count = bytes.first.flatMap(Self.integerLength), bytes.count >= count,
            bytes.count == count || bytes.last != Self.zero
        else { return nil }
        self.text = text
    }

    private init(_ bytes: [UInt8]) { text = String(decoding: bytes, as: UTF8.self) }

    /// The rank of the first entry in a list.
    public static let first = Rank([UInt8(ascii: "a"), zero])

    /// A rank after `lower` and before `upper`; nil means an end of the list.
    ///
    /// Throws `noRoom` unless `lower` is before `upper`, and when the rank would be too long. Then the list must be
    /// numbered anew.
    public static func between(_ lower: Rank?, _ upper: Rank?) throws(Refusal) -> Rank {
        let low = lower.map { Array($0.text.utf8) }
        let high = upper.map { Array($0.text.utf8) }
        if let lower, let upper, lower >= upper { throw .noRoom }
        let found: [UInt8]
        switch (low, high) {
        case (nil, nil): return .first
        case (nil, let high?): found = before(high)
        case (let low?, nil): found = behind(low)
        case (let low?, let high?): found = between(low, high)
        }
        guard let rank = Rank(String(decoding: found, as: UTF8.self)) else { throw .noRoom }
        return rank
    }

    private static func before(_ high: [UInt8]) -> [UInt8] {
        let (whole, fraction) = parts(high)
        if !fraction.isEmpty { return step(whole, by: -1) == nil ? whole + middle([], fraction) : whole }
        // No rank is before the least whole number.
        return step(whole, by: -1) ?? []
    }

    private static func behind(_ low: [UInt8]) -> [UInt8] {
        let (whole, fraction) = parts(low)
        return step(whole, by: 1) ?? whole + middle(fraction, nil)
    }

    private static func between(_ low: [UInt8], _ high: [UInt8]) -> [UInt8] {
        let (whole, fraction) = parts(low)
        let (highWhole, highFraction) = parts(high)
        if whole == highWhole { return whole + middle(fraction, highFraction) }
        if let next = step(whole, by: 1), next.lexicographicallyPrecedes(high) { return next }
        return whole + middle(fraction, nil)
    }

    /// Splits the bytes of a rank into the whole number and the digits of the fraction.
    private static func parts(_ bytes: [UInt8]) -> (whole: [UInt8], fraction: [UInt8]) {
        let count = bytes.first.flatMap(integerLength) ?? bytes.count
        return (Array(bytes.prefix(count)), Array(bytes.dropFirst(count)))
    }

    private static func integerLength(_ head: UInt8) -> Int? {
        switch head {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(head - UInt8(ascii: "a")) + 2
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(UInt8(ascii: "Z") - head) + 2
        default: nil
        }
    }

    private static func value(_ digit: UInt8) -> Int { digits.firstIndex(of: digit) ?? 0 }

    /// The next or the previous whole number; nil when there is none.
    private static func step(_ whole: [UInt8], by direction: Int) -> [UInt8]? {
        var whole = whole
        var place = whole.count - 1
        while place > 0 {
            let next = value(whole[place]) + direction
            if digits.indices.contains(next) {
                whole[place] = digits[next]
                return whole
            }
            whole[place] = direction > 0 ? digits[0] : digits[61]
            place -= 1
        }
        let wrapped = direction > 0 ? digits[0] : digits[61]
        switch (whole[0], direction > 0) {
        case (UInt8(ascii: "Z"), true): return [UInt8(ascii: "a"), wrapped]
        case (UInt8(ascii: "a"), false): return [UInt8(ascii: "Z"), wrapped]
        case (UInt8(ascii: "z"), true), (UInt8(ascii: "A"), false): return nil
        case (let head, let isForward):
            let next = isForward ? head + 1 : head - 1
            let count = integerLength(next) ?? 2
            return [next] + Array(repeating: wrapped, count: count - 1)
        }
    }

    /// The digits of a fraction between `low` and `high`; a `high` of nil means one.
    private static func middle(_ low: [UInt8], _ high: [UInt8]?) -> [UInt8] {
        var found: [UInt8] = []
        var low = low[...]
        var high = high.map { $0[...] }
        while true {
            if let upper = high {
                let shared = zip(upper, Array(low) + Array(repeating: zero, count: max(0, upper.count - low.count)))
                    .prefix { $0 == $1 }.count
                found += upper.prefix(shared)
                low = low.dropFirst(shared)
                high = upper.dropFirst(shared)
            }
            let lowest = low.first.map(value) ?? 0
            let highest = high?.first.map(value) ?? 62
            if highest - lowest > 1 { return found + [digits[(lowest + highest + 1) / 2]] }
            if let upper = high, upper.count > 1, let first = upper.first { return found + [first] }
            found.append(digits[lowest])
            low = low.dropFirst()
            high = nil
            // Every round adds a digit; a result that is too long is not a rank.
            guard found.count <= lengths.upperBound else { return found }
        }
    }
}

extension Rank: Comparable {
    public static func < (first: Rank, second: Rank) -> Bool {
        first.text.utf8.lexicographicallyPrecedes(second.text.utf8)
    }
}

extension Rank: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let rank = Rank(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "must be a rank")
        }
        self = rank
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension Refusal {
    /// The ranks of the two neighbours are in the wrong order, or leave no rank short enough between them.
    public static let noRoom = Refusal(
        .conflict,
        "no_room",
        en: "There is no room between these two; put the list in order anew.",
        nl: "Daartussen is geen plaats; zet de lijst opnieuw op volgorde.",
        de: "Dazwischen ist kein Platz; ordne die Liste neu."
    )
}
