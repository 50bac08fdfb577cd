import Configuration
import Foundation

/// Reads settings from the environment, and remembers what it read.
struct SettingsReader {
    private let config: ConfigReader
    private(set) var inForce: [(name: String, value: String)] = []

    init(_ config: ConfigReader) {
        self.config = config
    }

    /// The environment variable of a setting: `VOORPRET_ADMIN_PORT` of `admin.port`.
    static func name(_ key: String) -> String { "VOORPRET_\(key.uppercased().replacing(".", with: "_"))" }

    /// Whether a setting has a value that is not empty.
    func has(_ key: String) -> Bool { !(config.string(forKey: ConfigKey(key)) ?? "").isEmpty }

    /// Reads the text of a setting; nil if it is not set or empty.
    mutating func text(_ key: String, isSecret: Bool = false) -> String? {
        let text = config.string(forKey: ConfigKey(key), isSecret: isSecret)
        guard let text, !text.isEmpty else {
            note(key, "")
            return nil
        }
        note(key, isSecret ? "(set)" : text)
        return text
    }

    mutating func text(_ key: String, default standard: String) -> String {
        let text = config.string(forKey: ConfigKey(key)).flatMap { $0.isEmpty ? nil : $0 } ?? standard
        note(key, text)
        return text
    }

    mutating func number(_ key: String, _ range: ClosedRange<Int>, default standard: Int) throws -> Int {
        let text = text(key, default: String(standard))
        guard let number = Int(text), range.contains(number) else {
            throw SettingsError(key, "must be a number from \(range.lowerBound) to \(range.upperBound)", text)
        }
        return number
    }

    /// Whether a setting is `on`; it is `off` unless told.
    mutating func isOn(_ key: String) throws -> Bool {
        let text = text(key, default: "off")
        guard ["on", "off"].contains(text) else { throw SettingsError(key, "must be on or off", text) }
        return text == "on"
    }

    /// An address of HTTP, without a slash at its end.
    mutating func address(_ key: String, default standard: String) throws -> String {
        let text = text(key, default: standard)
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host()?.isEmpty == false else {
            throw SettingsError(key, "must be an address such as https://guests.example.org", text)
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private mutating func note(_ key: String, _ value: String) {
        inForce.append((Self.name(key), value))
    }
}
