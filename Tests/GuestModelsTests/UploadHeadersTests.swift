import GuestModels
import Testing

@Suite struct UploadHeadersTests {
    private func read(_ headers: [String: String]) throws -> UploadHeaders {
        try UploadHeaders { headers[$0] }
    }

    @Test func `A request without upload headers brings all its bytes`() throws {
        let plain = try read([:])
        #expect(plain.dialect == nil && plain.isComplete)
    }

    @Test(arguments: [(6, UploadHeaders.Dialect.draft6), (8, .draft8)])
    func `Both versions of the draft are understood`(_ number: Int, _ dialect: UploadHeaders.Dialect) throws {
        let headers = try read(["Upload-Draft-Interop-Version": "\(number)", "Upload-Complete": "?0"])
        #expect(headers.dialect == dialect && !headers.isComplete)
    }

    @Test func `A request without a version speaks the standard`() throws {
        let headers = try read(["Upload-Complete": "?1", "Upload-Length": "12", "Upload-Offset": "5"])
        #expect(headers.dialect == .standard && headers.isComplete)
        #expect(headers.length == 12 && headers.offset == 5)
    }

    @Test func `A beginning that does not say otherwise brings all its bytes`() throws {
        #expect(try read(["Upload-Length": "12"]).isComplete)
        #expect(try read(["Upload-Draft-Interop-Version": "8"]).isComplete)
    }

    @Test func `A whole upload in another version is taken without the protocol`() throws {
        let headers = try read(["Upload-Draft-Interop-Version": "3", "Upload-Complete": "?1"])
        #expect(headers.dialect == nil && headers.isComplete)
    }

    @Test func `A beginning in another version brings all its bytes`() throws {
        #expect(try read(["Upload-Draft-Interop-Version": "5", "Upload-Offset": "0"]).isComplete)
    }

    @Test func `A part of an upload in another version is refused`() {
        #expect(throws: UploadHeaders.Unreadable.self) {
            try read(["Upload-Draft-Interop-Version": "5", "Upload-Complete": "?0"])
        }
    }

    @Test(arguments: [
        ("Upload-Offset", "-1"), ("Upload-Offset", "1e3"), ("Upload-Length", ""), ("Upload-Length", "9999999999999999"),
        ("Upload-Complete", "true"), ("Upload-Draft-Interop-Version", "six"),
    ])
    func `A header that cannot be read is named`(_ name: String, _ value: String) throws {
        let error = #expect(throws: UploadHeaders.Unreadable.self) { try read([name: value]) }
        #expect(error?.name == name)
    }

    @Test func `Version 6 says expires, and later versions say max-age`() {
        func limit(_ dialect: UploadHeaders.Dialect) -> String? {
            UploadHeaders.answer(in: dialect, received: 3, length: nil, isComplete: false, maximum: 9, seconds: 60)
                .first { $0.name == "Upload-Limit" }?.value
        }
        #expect(limit(.draft6) == "max-size=9, expires=60")
        #expect(limit(.draft8) == "max-size=9, max-age=60")
        #expect(limit(.standard) == "max-size=9, max-age=60")
    }
}
