import Foundation

extension String {
    /// The text in the form that is stored and searched.
    ///
    /// The stored text is composed (NFC), every line end is a line feed, and tabs are blanks. Characters that change
    /// the text direction are removed. Pasted text contains such characters; nothing visible is lost.
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

    /// Whether the text has no visible character.
    var isBlank: Bool {
        unicodeScalars.allSatisfy { scalar in
            let properties = scalar.properties
            // The empty Braille pattern is a character that shows nothing.
            return properties.isWhitespace || properties.isDefaultIgnorableCodePoint || scalar.value == 0x2800
        }
    }
}
