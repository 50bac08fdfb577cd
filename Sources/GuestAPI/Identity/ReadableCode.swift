/// Texts that somebody reads from one place and types in another.
enum ReadableCode {
    /// The 32 letters and digits of codes, without I, O, 0 and 1, which people mix up.
    static let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")

    static func random(_ length: Int) -> String {
        var random = SystemRandomNumberGenerator()
        return String((0..<length).map { _ in alphabet.randomElement(using: &random) ?? "A" })
    }

    /// A typed code in capitals, without the blanks and hyphens that help reading.
    static func plain(_ typed: String) -> String {
        typed.uppercased().filter { $0 != "-" && $0 != " " }
    }

    /// A code for people to read, in groups of four letters.
    static func grouped(_ code: String) -> String {
        stride(from: 0, to: code.count, by: 4).map { String(code.dropFirst($0).prefix(4)) }.joined(separator: "-")
    }
}
