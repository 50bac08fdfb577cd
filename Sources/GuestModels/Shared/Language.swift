/// The languages of the service.
///
/// Every text for a person exists in all three.
public enum Language: String, Codable, CaseIterable, Sendable {
    case english = "en"
    case dutch = "nl"
    case german = "de"

    /// The supported language with the highest weight in an `Accept-Language` header (RFC 9110, 12.5.4); nil if none.
    public init?(acceptLanguage header: String) {
        let ranges = header.split(separator: ",").prefix(20).enumerated().map { index, item in
            let parts = item.split(separator: ";")
            let tag = parts.first?.trimmed.lowercased().prefix(2) ?? ""
            let weight = parts.dropFirst().lazy.map(\.trimmed).first { $0.hasPrefix("q=") }
            return (tag: String(tag), weight: weight.flatMap { Double($0.dropFirst(2)) } ?? 1, index: index)
        }
        let sorted = ranges.sorted { ($1.weight, $0.index) < ($0.weight, $1.index) }
        guard let found = sorted.lazy.compactMap({ $0.weight > 0 ? Language(rawValue: $0.tag) : nil }).first else {
            return nil
        }
        self = found
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = self
        while rest.first?.isWhitespace ?? false { rest = rest.dropFirst() }
        while rest.last?.isWhitespace ?? false { rest = rest.dropLast() }
        return rest
    }
}

extension [String: [String: String]] {
    /// Reduces texts by language and key to one text per key, for a reader of `language`.
    ///
    /// A key without a text in that language gets the English text, or else the text of any language.
    public func chosen(for language: Language) -> Self {
        var texts: [String: String] = [:]
        let others = keys.sorted().filter { $0 != language.rawValue && $0 != Language.english.rawValue }
        for name in others + [Language.english.rawValue, language.rawValue] {
            texts.merge(self[name] ?? [:]) { _, better in better }
        }
        return texts.isEmpty ? [:] : [language.rawValue: texts]
    }
}

/// A sentence for a person, in every language of the service.
public struct LocalizedText: Hashable, Sendable {
    public var english: String
    public var dutch: String
    public var german: String

    public init(en: String, nl: String, de: String) {
        english = en
        dutch = nl
        german = de
    }

    public subscript(_ language: Language) -> String {
        switch language {
        case .english: english
        case .dutch: dutch
        case .german: german
        }
    }
}
