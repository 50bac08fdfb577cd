import Crypto
import Foundation
import GuestModels

/// One plain-text message (RFC 5322), UTF-8.
struct MailMessage: Sendable {
    let id: String
    let from: String
    let to: String
    let subject: String
    let body: String
    let date: Date

    /// The text of the message, with CRLF line ends.
    ///
    /// Line breaks are removed from header values, so that no value can add a header.
    var text: String {
        func clean(_ value: String) -> String { value.filter { !$0.isNewline } }
        let encodedSubject = "=?UTF-8?B?\(Data(clean(subject).utf8).base64EncodedString())?="
        let headers = [
            "From: \(clean(from))", "To: \(clean(to))", "Subject: \(encodedSubject)",
            "Date: \(Self.text(of: date))", "Message-ID: <\(id)@voorpret>",
            "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64",
        ]
        let encoded = Data(body.utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ])
        return (headers + ["", encoded, ""]).joined(separator: "\r\n")
    }

    /// The date as in RFC 5322, section 3.3, in UTC.
    ///
    /// A `DateFormatter` for each mail took a tenth of the time of a thousand sign-ins.
    private static func text(of instant: Date) -> String {
        let date = LocalDate(daysSince1970: Int((instant.timeIntervalSince1970 / 86400).rounded(.down)))
        let seconds = Int(instant.timeIntervalSince1970.rounded(.down)) - date.daysSince1970 * 86400
        let (year, month, day) = date.components
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map(two).joined(separator: ":")
        let weekday = date.weekday.rawValue.prefix(3).capitalized
        return "\(weekday), \(two(day)) \(months[month - 1]) \(year) \(time) +0000"
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    var address: String {
        guard let open = to.lastIndex(of: "<") else { return to }
        return String(to[to.index(after: open)...].dropLast())
    }
}
