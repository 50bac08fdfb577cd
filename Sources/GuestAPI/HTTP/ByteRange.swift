import HTTPTypes

/// The bytes that a request for a file asks for (RFC 9110, sections 13 and 14).
///
/// A file's bytes never change under its tag, so the tag is strong.
enum ByteRange: Equatable, Sendable {
    /// All bytes of the file: the answer is 200.
    case whole
    /// Some bytes of the file: the answer is 206. The range is not empty and lies within the file.
    case part(Range<Int>)
    /// The client has the file: the answer is 304.
    case unchanged
    /// The range begins behind the file's end: the answer is 416.
    case unsatisfiable

    /// - Parameters:
    ///   - tag: the file's entity tag, in quotes.
    ///   - size: bytes of the file.
    init(_ method: HTTPRequest.Method, _ headers: HTTPFields, tag: String, size: Int) {
        if headers.knows(tag) {
            self = .unchanged
            return
        }
        // A range is defined for GET alone. After a change of the file its range means nothing, so the whole file goes.
        guard method == .get, let text = headers[.range], headers[.ifRange].map({ $0 == tag }) ?? true else {
            self = .whole
            return
        }
        self = Self.range(text, size: size)
    }

    /// Reads the text of the header `Range`.
    ///
    /// Several ranges, another unit and a text that is no range give the whole file, as the RFC allows.
    private static func range(_ text: String, size: Int) -> ByteRange {
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, sides[0].lowercased() == "bytes" else { return .whole }
        let ends = sides[1].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Bound(ends[0]), let last = Bound(ends[1]) else { return .whole }
        switch (first.value, last.value) {
        case (nil, nil): return .whole
        case (nil, let count?):
            guard count > 0, size > 0 else { return .unsatisfiable }
            return .part(max(0, size - count)..<size)
        case (let first?, let last):
            if let last, last < first { return .whole }
            guard first < size else { return .unsatisfiable }
            return .part(first..<min(size, (last ?? size - 1).saturatingSuccessor))
        }
    }

    /// One end of a range in the header `Range`: digits, or an empty text.
    private struct Bound {
        /// The number of the bound; nil for an empty text, and the largest `Int` for a number that no `Int` holds.
        let value: Int?

        /// Reads a bound; nil if the text has anything but digits.
        init?(_ text: Substring) {
            guard text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
            value = text.isEmpty ? nil : Int(text) ?? .max
        }
    }
}

extension HTTPFields {
    /// Whether the client has the answer with this tag, which is in quotes (RFC 9110, section 13.1.2).
    func knows(_ tag: String) -> Bool {
        guard let list = self[.ifNoneMatch] else { return false }
        return list.split(separator: ",").contains { known in
            let known = known.trimmingPrefix { $0 == " " || $0 == "\t" }
            // The mark of a weak tag does not count.
            let bare = known.hasPrefix("W/") ? known.dropFirst(2) : known
            let text = String(bare.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
            return text == "*" || text == tag
        }
    }
}

extension Int {
    fileprivate var saturatingSuccessor: Int { self == .max ? .max : self + 1 }
}
