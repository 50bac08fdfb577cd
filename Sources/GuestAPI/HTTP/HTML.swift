import GuestModels
import HTTPTypes

/// A piece of an HTML page.
///
/// Literal text is markup and stands as it is written. A text that is interpolated is escaped, for an element's content and
/// for an attribute value in quotes; a piece of HTML that is interpolated goes in as it is.
struct HTML: ExpressibleByStringInterpolation, Sendable {
    let markup: String

    init(stringLiteral markup: String) {
        self.markup = markup
    }

    init(stringInterpolation: StringInterpolation) {
        markup = stringInterpolation.markup
    }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity)
        }

        mutating func appendLiteral(_ literal: String) {
            markup += literal
        }

        mutating func appendInterpolation(_ text: String) {
            for scalar in text.unicodeScalars {
                switch scalar {
                case "&": markup += "&amp;"
                case "<": markup += "&lt;"
                case ">": markup += "&gt;"
                case "\"": markup += "&quot;"
                case "'": markup += "&#39;"
                default: markup.unicodeScalars.append(scalar)
                }
            }
        }

        mutating func appendInterpolation(_ number: Int) {
            markup += String(number)
        }

        /// Adds markup; nil adds nothing.
        mutating func appendInterpolation(_ html: HTML?) {
            markup += html?.markup ?? ""
        }
    }

    /// A QR code of a text, as a picture in the page; nil for a text that is too long for one.
    static func code(of text: String, described description: String) -> HTML? {
        guard let code = QRCode(text) else { return nil }
        let side = code.size + 8
        return """
            <svg role="img" aria-label="\(description)" viewBox="0 0 \(side) \(side)" width="220" height="220">\
            <path fill="#fff" d="M0,0h\(side)v\(side)h-\(side)z"/><path d="\(code.path)"/></svg>
            """
    }
}

extension Answer {
    /// A page of ours for a browser.
    ///
    /// The page loads nothing and runs nothing, and browsers do not pass its address on.
    ///
    /// - Parameter body: the content below the title; the title is also the page's heading.
    static func page(
        _ title: String,
        _ body: HTML,
        in language: Language,
        _ status: HTTPResponse.Status = .ok
    ) -> Answer {
        let page: HTML = """
            <!doctype html><html lang="\(language.rawValue)"><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1"><title>\(title)</title>
            <style>
            body { font: 18px/1.5 system-ui, sans-serif; max-width: 28rem; margin: 3rem auto; padding: 0 1rem }
            button { font: inherit; padding: .6rem 1.6rem }
            code { font-size: 1.6rem; letter-spacing: .1rem; white-space: nowrap }
            svg { max-width: 100%; height: auto }
            </style>
            <h1>\(title)</h1>\(body)</html>

            """
        return Answer(
            status: status,
            headers: [
                HTTPField(name: .contentType, value: "text/html; charset=utf-8"),
                HTTPField(name: .contentLanguage, value: language.rawValue),
                HTTPField(name: .cacheControl, value: "no-store"),
                // The address of the page may be a secret, so browsers must not send it to other sites.
                HTTPField(name: .referrerPolicy, value: "no-referrer"),
                HTTPField(
                    name: .contentSecurityPolicy,
                    // No `form-action`, because browsers apply it also to the redirect of a form, such as to the
                    // payment provider.
                    value: "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
                ),
            ],
            body: Array(page.markup.utf8)
        )
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name(constant: "Referrer-Policy")
}
