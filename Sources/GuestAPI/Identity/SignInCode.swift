import Foundation
import GuestModels

/// The eight-digit code in a mail.
///
/// A code is derived from its purpose, so no table and no queue reveals it.
enum SignInCode {
    static func newest(_ purpose: String, _ text: String, _ secret: ServerSecret) -> String {
        digits(secret.digest(purpose, text))
    }

    /// Whether a code was mailed for a text; the code may be derived with any key.
    static func isAny(_ code: String, _ purpose: String, _ text: String, _ secret: ServerSecret) -> Bool {
        let given = Token(code).hash
        func isAmongThem() -> Bool {
            secret.digests(purpose, text).contains { Token(digits($0)).hash == given }
        }
        return isAmongThem() || secret.lookAgain() && isAmongThem()
    }

    private static func digits(_ digest: Data) -> String {
        let number = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % 100_000_000
        let digits = String(number)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
