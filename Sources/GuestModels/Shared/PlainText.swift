import Foundation

extension String {
    /// A text that came from outside, as it is kept and searched: composed (NFC), with line feeds for every sign that ends a
    /// line, blanks for tabs, and without the signs that turn the direction of what follows.
    ///
    /// Pasted text brings such characters along; nothing that can be seen is lost.
    public var tidied: String {
        if utf8.allSatisfy({ $0 >= 32 && $0 < 127 || $0 == 10 }) { return self }
        var scalars = String.UnicodeScalarView()
        var wasReturn = false
        for scalar in unicodeScalars {
            defer { wasReturn = scalar == "\r" }
            switch scalar.value {
            case 0x0A where wasReturn: break
            case 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029: scalars.append("\n")
            case 0x09: scalars.append(" ")
            case 0x202A...0x202E, 0x2066...0x2069: break
            default: scalars.append(scalar)
            }
        }
        return String(scalars).precomposedStringWithCanonicalMapping
    }

    /// True where nobody can see anything of it.
    var isBlank: Bool {
        unicodeScalars.allSatisfy { scalar in
            let properties = scalar.properties
            // The empty pattern of Braille is a sign that shows nothing.
            return properties.isWhitespace || properties.isDefaultIgnorableCodePoint || scalar.value == 0x2800
        }
    }
}
