package import Foundation

extension UUID {
    /// The UUID as the usual 36 characters, in lower case.
    ///
    /// Foundation uses `printf`, which would take a tenth of the time that the service needs for a group's page.
    package var lowercasedText: String {
        withUnsafeBytes(of: uuid) { bytes in
            String(unsafeUninitializedCapacity: 36) { text in
                var position = 0
                for (index, byte) in bytes.enumerated() {
                    if index == 4 || index == 6 || index == 8 || index == 10 {
                        text[position] = UInt8(ascii: "-")
                        position += 1
                    }
                    text[position] = Self.digit(byte >> 4)
                    text[position + 1] = Self.digit(byte & 15)
                    position += 2
                }
                return 36
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? value + 48 : value + 87
    }

    /// Reads exactly the usual 36 characters, in either case.
    package init?(text bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 36 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        var index = 0
        while index < 36 {
            let byte = bytes[index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                index += 1
                continue
            }
            let value: UInt8
            switch byte {
            case 48...57: value = byte - 48
            case 97...102: value = byte - 87
            case 65...70: value = byte - 55
            default: return nil
            }
            // The first sixteen digits stand before the character at 19.
            if index < 19 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
            index += 1
        }
        let words = (high.bigEndian, low.bigEndian)
        self = withUnsafeBytes(of: words) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    package init?(text: String) {
        var text = text
        guard let uuid = text.withUTF8({ UUID(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = uuid
    }
}
