import Crypto
import Foundation

/// An opaque 256-bit token.
///
/// Only its hash is ever stored.
struct Token: Sendable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    init(derivedFrom digest: Data) {
        text = digest.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    var hash: Data { Data(SHA256.hash(data: Data(text.utf8))) }
}
