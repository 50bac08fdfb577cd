import Foundation
import GuestModels

/// Eight digits that a mail brings.
///
/// They are derived from what they are for, so nothing that is stored, in a table or in a queue, reveals them.
enum SignInCode {
    static func newest(_ purpose: String, _ text: String, _ secret: ServerSecret) -> String {
        digits(secret.digest(purpose, text))
    }

    /// Whether somebody was mailed that code, whichever key it was derived with.
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
