public import Foundation

/// The path of a route, which prints the address of a thing and reads the things that an address names.
///
/// `Path("/v1/groups/{group}/options/{option}", TravelGroup.ID.self, StayOption.ID.self)` prints an address with
/// `path(group, option)`.
public struct Path<each Value: PathValue>: Sendable {
    /// The path with names in braces, as the documentation shows it.
    public let pattern: String

    /// - Parameter pattern: has a name in braces for each value, in the same order.
    public init(_ pattern: String, _ types: repeat (each Value).Type) {
        self.pattern = pattern
        var count = 0
        for _ in repeat each types { count += 1 }
        // All paths are constants, so a wrong path stops the first test. No input can make this check fail.
        precondition(pattern.split(separator: "/").count { $0.hasPrefix("{") } == count, "\(pattern) has other values")
    }

    /// The address of the things; it has no query.
    public func callAsFunction(_ values: repeat each Value) -> String {
        var segments: [String] = []
        for value in repeat each values { segments.append(value.segment) }
        return address(segments)
    }

    /// The address of things that are texts, such as ids in an answer.
    ///
    /// - Parameter texts: one for each name, in the order of the pattern.
    public func with(_ texts: String...) -> String { address(texts) }

    private func address(_ texts: [String]) -> String {
        var texts = texts.makeIterator()
        return pattern.split(separator: "/").map { segment in
            guard segment.hasPrefix("{") else { return "/\(segment)" }
            return "/" + ((texts.next() ?? "").addingPercentEncoding(withAllowedCharacters: .inSegments) ?? "")
        }.joined()
    }

    /// The things that an address names.
    ///
    /// - Parameter texts: the segments by their names, without percent encoding.
    /// - Returns: nil when one of them is missing or cannot be read.
    public func values(_ texts: [String: String]) -> (repeat each Value)? {
        var names = pattern.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
            .makeIterator()
        func next<One: PathValue>(_ type: One.Type) throws(Unreadable) -> One {
            guard let name = names.next(), let text = texts[String(name)], let value = One.reading(text) else {
                throw Unreadable()
            }
            return value
        }
        return try? (repeat next((each Value).self))
    }

    private struct Unreadable: Error {}
}

/// Something that stands in a path as one segment.
public protocol PathValue: Sendable {
    /// Reads a segment without percent encoding; nil when it is no such thing.
    static func reading(_ segment: String) -> Self?
    var segment: String { get }
}

extension String: PathValue {
    public static func reading(_ segment: String) -> String? { segment }
    public var segment: String { self }
}

extension UUID: PathValue {
    public static func reading(_ segment: String) -> UUID? { UUID(text: segment) }
    public var segment: String { lowercasedText }
}

extension Identifier: PathValue {
    public static func reading(_ segment: String) -> Identifier? { Identifier(segment) }
    public var segment: String { description }
}

extension CharacterSet {
    /// The characters that stand for themselves in a segment (RFC 3986, `pchar`).
    fileprivate static let inSegments = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: "/;"))
}

/// The paths of all routes, each beside the values that its feature is about.
public enum Paths {}
