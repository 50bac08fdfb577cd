import Crypto
import Foundation
import GuestModels

/// Amazon's signature version 4 for a request to S3, with all of its headers signed.
///
/// Source: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header".
struct SignedRequest {
    let region: String
    let key: String
    let secret: String

    /// The headers of a request with its authorization.
    ///
    /// - Parameters:
    ///   - path: begins with a slash, and has letters, digits, `-`, `.`, `_`, `~` and `/` alone.
    ///   - query: the parameters in the order of their names, with their values `encoded`.
    ///   - headers: the headers of the request, including `host`, by lower-case name.
    ///   - payload: SHA-256 of the body, in hexadecimal.
    func headers(
        _ method: String,
        _ path: String,
        query: String = "",
        _ headers: [String: String],
        payload: String,
        at now: Date
    ) -> [String: String] {
        let time = Self.time(now)
        let day = time.prefix(8)
        var headers = headers
        headers["x-amz-content-sha256"] = payload
        headers["x-amz-date"] = time
        let names = headers.keys.sorted()
        let signed = names.joined(separator: ";")
        let lines = names.map { "\($0):\(headers[$0] ?? "")\n" }.joined()
        let canonical = [method, path, query, lines, signed, payload].joined(separator: "\n")
        let scope = "\(day)/\(region)/s3/aws4_request"
        let text = ["AWS4-HMAC-SHA256", time, scope, SHA256.hash(data: Data(canonical.utf8)).hexadecimal].joined(
            separator: "\n"
        )
        var signing = SymmetricKey(data: Data("AWS4\(secret)".utf8))
        for part in [String(day), region, "s3", "aws4_request"] {
            signing = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: signing))
        }
        let signature = HMAC<SHA256>.authenticationCode(for: Data(text.utf8), using: signing).hexadecimal
        headers["authorization"] =
            "AWS4-HMAC-SHA256 Credential=\(key)/\(scope),SignedHeaders=\(signed),Signature=\(signature)"
        return headers
    }

    /// A value for a query: all characters but letters, digits, `-`, `.`, `_` and `~` are escaped.
    static func encoded(_ value: String) -> String {
        let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return value.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    /// An instant as the signature wants it, such as `20130524T000000Z`.
    private static func time(_ instant: Date) -> String {
        let text = instant.formatted(.iso8601.dateSeparator(.omitted).timeSeparator(.omitted))
        return text
    }
}
