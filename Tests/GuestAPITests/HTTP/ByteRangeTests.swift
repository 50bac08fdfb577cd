import HTTPTypes
import Testing

@testable import GuestAPI

/// The ranges of RFC 9110, section 14, of a file of 100 bytes.
@Suite struct ByteRangeTests {
    private func range(
        _ text: String,
        _ method: HTTPRequest.Method = .get,
        ifRange: String? = nil,
        size: Int = 100
    ) -> ByteRange {
        var headers = HTTPFields()
        headers[.range] = text
        headers[.ifRange] = ifRange
        return ByteRange(method, headers, tag: "\"t\"", size: size)
    }

    @Test(arguments: [
        ("bytes=0-9", 0..<10), ("bytes=90-", 90..<100), ("bytes=-5", 95..<100), ("bytes=-500", 0..<100),
        ("bytes=0-99999999999999999999999", 0..<100), ("BYTES=99-99", 99..<100), ("bytes=0-", 0..<100),
    ])
    func `A range within the file is a part`(_ text: String, _ part: Range<Int>) {
        #expect(range(text) == .part(part))
    }

    @Test(arguments: [
        "bytes=", "bytes=-", "bytes=9-5", "bytes=a-b", "bytes=0-1,5-6", "items=0-1", "0-5", "bytes=+1-5", "bytes= 1-5",
        "bytes=1--5",
    ])
    func `A text that is no single range is ignored`(_ text: String) { #expect(range(text) == .whole) }

    @Test(arguments: ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"])
    func `A range behind the end cannot be satisfied`(_ text: String) { #expect(range(text) == .unsatisfiable) }

    @Test(arguments: ["bytes=0-0", "bytes=0-", "bytes=-1"])
    func `An empty file has no range`(_ text: String) { #expect(range(text, size: 0) == .unsatisfiable) }

    @Test func `HEAD has no range`() { #expect(range("bytes=0-9", .head) == .whole) }

    @Test(arguments: [
        ("\"t\"", ByteRange.part(0..<10)), ("\"old\"", .whole), ("W/\"t\"", .whole), ("Sat, 28 Nov 2026", .whole),
    ])
    func `A range holds for the file that the client has`(_ tag: String, _ expected: ByteRange) {
        #expect(range("bytes=0-9", ifRange: tag) == expected)
    }

    @Test(arguments: [
        ("\"t\"", ByteRange.unchanged), ("*", .unchanged), ("W/\"t\"", .unchanged),
        ("\"a\", \"t\" , \"b\"", .unchanged),
        ("\"a\"", .whole), ("t", .whole),
    ])
    func `A client that has the file gets nothing`(_ known: String, _ expected: ByteRange) {
        var headers = HTTPFields()
        headers[.ifNoneMatch] = known
        for method in [HTTPRequest.Method.get, .head] {
            #expect(ByteRange(method, headers, tag: "\"t\"", size: 100) == expected)
        }
    }
}
