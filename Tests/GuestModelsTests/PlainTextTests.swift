import GuestModels
import Testing

/// Texts as people paste them.
@Suite struct PlainTextTests {
    @Test(arguments: [
        ("Hi,\r\n\r\nBye", "Hi,\n\nBye"), ("a\rb", "a\nb"),
        ("a\u{0B}b\u{0C}c\u{85}d\u{2028}e\u{2029}", "a\nb\nc\nd\ne\n"),
        ("name\tpark", "name park"), ("e\u{308}", "\u{EB}"), ("\u{202E}evil\u{2066}", "evil"), ("\r\n\r\r\n", "\n\n\n"),
        ("plain\n", "plain\n"), ("👩‍👩‍👧 שלום\u{200F}", "👩‍👩‍👧 שלום\u{200F}"),
    ])
    func `A tidied text keeps all visible characters`(_ pasted: String, _ kept: String) {
        #expect(Array(pasted.tidied.utf8) == Array(kept.utf8))
        #expect(Array(kept.tidied.utf8) == Array(kept.utf8))
    }

    @Test(arguments: [
        "", " ", "\u{A0}\u{2003}", "\u{200B}", "\u{2060}", "\u{FEFF}", "\u{AD}", "\u{3164}", "\u{2800}", "\u{200E}",
        "\u{E0020}", "\u{FE0F}\u{200D}",
    ])
    func `A text of invisible characters counts as blank`(_ text: String) {
        var check = Check()
        check.text(text, "/name", length: 1...10)
        #expect(check.errors.contains { $0.detail == "must not be blank" })
    }

    @Test(arguments: ["\u{1}", "a\nb", "a\u{9F}", "\u{7F}b"])
    func `Control characters are refused`(_ text: String) {
        var check = Check()
        check.text(text, "/name", length: 1...10)
        #expect(check.errors.contains { $0.detail == "must not have control characters" })
    }

    @Test func `A birth date must lie between 1900 and today`() throws {
        let today = try #require(LocalDate("2026-11-27"))
        for (day, isBirth) in [
            ("0027-05-01", false), ("1899-12-31", false), ("1900-01-01", true), ("2026-11-27", true),
            ("2026-11-28", false), ("2999-05-01", false),
        ] {
            var check = Check(today: today)
            check.birth(LocalDate(day), "/birthDate")
            #expect(check.errors.isEmpty == isBirth, "\(day)")
        }
    }

    @Test func `An Apple push token is hexadecimal`() {
        for (token, isRight) in [("0a1B", true), ("ExponentPushToken:abc_-", false)] {
            var check = Check()
            PushToken(service: .apns, token: token).check(&check)
            #expect(check.errors.isEmpty == isRight)
            var other = Check()
            PushToken(service: .fcm, token: token).check(&other)
            #expect(other.errors.isEmpty)
        }
    }
}
