import GuestModels
import HTTPTypes
import Testing

@testable import GuestAPI

@Suite struct HTMLTests {
    @Test func `A text interpolated into HTML is escaped`() {
        let name = #"<b onclick="x()">Bos & 'Zoon'</b>"#
        let html: HTML = "<p title=\"\(name)\">\(name)</p>"
        let escaped = "&lt;b onclick=&quot;x()&quot;&gt;Bos &amp; &#39;Zoon&#39;&lt;/b&gt;"
        #expect(html.markup == "<p title=\"\(escaped)\">\(escaped)</p>")
    }

    @Test func `An HTML special character with a combining accent is still escaped`() {
        let html: HTML = "<p>\("<\u{301}b \"\u{301}")</p>"
        #expect(html.markup == "<p>&lt;\u{301}b &quot;\u{301}</p>")
    }

    @Test func `HTML interpolated into other HTML is inserted unchanged`() {
        let (inner, none): (HTML, HTML?) = ("<b>\(3)</b>", nil)
        let html: HTML = "<p>\(inner)\(none)</p>"
        #expect(html.markup == "<p><b>3</b></p>")
    }

    @Test func `An HTML page has an escaped title and strict headers`() throws {
        let page = Answer.page("<Title>", "<p>text</p>", in: .dutch, .gone)
        let text = String(decoding: page.body, as: UTF8.self)
        #expect(text.contains("<title>&lt;Title&gt;</title>") && text.contains("<html lang=\"nl\">"))
        #expect(page.status == .gone)
        #expect(page.headers.contains { $0.name == .referrerPolicy && $0.value == "no-referrer" })
        let policy = try #require(page.headers.first { $0.name == .contentSecurityPolicy })
        #expect(policy.value.hasPrefix("default-src 'none'"))
    }

    @Test func `A QR code in a page has a description for screen readers`() throws {
        let html = try #require(HTML.code(of: "https://voorpret.example", described: "open \"this\""))
        #expect(html.markup.contains("aria-label=\"open &quot;this&quot;\""))
        #expect(HTML.code(of: String(repeating: "x", count: 2332), described: "too long") == nil)
    }
}
