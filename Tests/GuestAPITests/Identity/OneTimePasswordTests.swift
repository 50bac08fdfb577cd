import Foundation
import GuestAPI
import Testing

@Suite struct OneTimePasswordTests {
    /// The values of RFC 6238, appendix B, for SHA-1; only the last six of eight digits.
    @Test(arguments: [
        (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"),
        (2_000_000_000, "279037"), (20_000_000_000, "353130"),
    ])
    func `One-time passwords equal the examples of RFC 6238`(_ second: Int, _ code: String) {
        let password = OneTimePassword(secret: Data("12345678901234567890".utf8))
        let step = OneTimePassword.step(at: Date(timeIntervalSince1970: Double(second)))
        #expect(password.code(at: step) == code)
    }

    /// The values of RFC 4648, section 10.
    @Test(arguments: [("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")])
    func `The secret of a one-time password is written in base32`(_ text: String, _ base32: String) {
        #expect(OneTimePassword(secret: Data(text.utf8)).base32 == base32)
        #expect(OneTimePassword(base32: base32)?.secret == Data(text.utf8))
        #expect(OneTimePassword(base32: "1\(base32)") == nil)
    }
}
