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
    func `A byte range within the file selects that part of it`(_ text: String, _ part: Range<Int>) {
        #expect(range(text) == .part(part))
    }

    @Test(arguments: [
        "bytes=", "bytes=-", "bytes=9-5", "bytes=a-b", "bytes=0-1,5-6", "items=0-1", "0-5", "bytes=+1-5", "bytes= 1-5",
        "bytes=1--5",
    ])
    func `A Range header without one valid range is ignored`(_ text: String) { #expect(range(text) == .whole) }

    @Test(arguments: ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"])
    func `A byte range behind the file's end cannot be satisfied`(_ text: String) {
        #expect(range(text) == .unsatisfiable)
    }

    @Test(arguments: ["bytes=0-0", "bytes=0-", "bytes=-1"])
    func `No byte range of an empty file can be satisfied`(_ text: String) {
        #expect(range(text, size: 0) == .unsatisfiable)
    }

    @Test func `A HEAD request ignores the Range header`() { #expect(range("bytes=0-9", .head) == .whole) }

    @Test(arguments: [
        ("\"t\"", ByteRange.part(0..<10)), ("\"old\"", .whole), ("W/\"t\"", .whole), ("Sat, 28 Nov 2026", .whole),
    ])
    func `A byte range counts only if If-Range names the present file`(_ tag: String, _ expected: ByteRange) {
        #expect(range("bytes=0-9", ifRange: tag) == expected)
    }

    @Test(arguments: [
        ("\"t\"", ByteRange.unchanged), ("*", .unchanged), ("W/\"t\"", .unchanged),
        ("\"a\", \"t\" , \"b\"", .unchanged),
        ("\"a\"", .whole), ("t", .whole),
    ])
    func `A matching If-None-Match header means that the file is unchanged`(_ known: String, _ expected: ByteRange) {
        var headers = HTTPFields()
        headers[.ifNoneMatch] = known
        for method in [HTTPRequest.Method.get, .head] {
            #expect(ByteRange(method, headers, tag: "\"t\"", size: 100) == expected)
        }
    }
}
