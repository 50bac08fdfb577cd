import GuestModels
import HTTPTypes
import NIOCore
import Postgres

/// A response: whole bytes, or bytes that are sent piece by piece.
struct Answer: Sendable {
    /// Takes the next piece of a body; returns when the client's line has room for more.
    typealias Send = (ByteBuffer) async throws -> Void

    /// A body that is written piece by piece, for any length of time.
    struct Stream: Sendable {
        /// The number of bytes that will be sent; nil if it is not known beforehand.
        var length: Int?
        var write: @Sendable (_ send: Send) async throws -> Void
    }

    var status: HTTPResponse.Status
    var headers: [HTTPField]
    var body: [UInt8]
    /// The stream that is sent in place of `body`; nil for an answer of whole bytes.
    var stream: Stream?

    static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok, version: Int? = nil) throws -> Answer
    {
        var answer = json(try ResponseEncoder.encode(value), status)
        if let version { answer.headers.append(HTTPField(name: .eTag, value: "\"\(version)\"")) }
        return answer
    }

    /// An answer from JSON that the database has made.
    static func json(_ text: JSONText, _ status: HTTPResponse.Status = .ok) -> Answer {
        let bytes: [UInt8] = Array(text.text.utf8)
        return json(bytes, status)
    }

    /// An answer from bytes that are JSON already.
    static func json(_ body: [UInt8], _ status: HTTPResponse.Status = .ok) -> Answer {
        let headers = [
            HTTPField(name: .contentType, value: "application/json"), HTTPField(name: .cacheControl, value: "no-store"),
        ]
        return Answer(status: status, headers: headers, body: body)
    }

    /// A page of published rows, or 304 for a reader who has it.
    static func published(_ page: PublishedPage) -> Answer {
        var answer = page.body.map { json($0) } ?? Answer(status: .notModified, headers: [], body: [])
        answer.headers.removeAll { $0.name == .cacheControl }
        answer.headers += [
            HTTPField(name: .eTag, value: page.tag), HTTPField(name: .cacheControl, value: "private, no-cache"),
        ]
        return answer
    }

    /// The answer to `OPTIONS` where uploads begin or go on; it depends on the path's form alone.
    static func uploadLimit(_ most: Int, allow: String) -> Answer {
        let limit = UploadHeaders.limit(maximum: most, seconds: Upload.daysKept * 86400, in: .standard)
        let fields = [("Allow", "\(allow), OPTIONS"), (limit.name, limit.value)]
        let headers = fields.compactMap { name, value in
            HTTPField.Name(name).map { HTTPField(name: $0, value: value) }
        }
        return Answer(status: .noContent, headers: headers, body: [])
    }

    static let noContent = Answer(status: .noContent, headers: [], body: [])
}

/// A page of a list, with the cursor of the next page.
struct Page<Item: Encodable & Sendable>: Encodable, Sendable {
    let items: [Item]
    /// The text with which a client asks for the next page, as parameter `cursor`; nil on the last page.
    let next: String?
}

extension Page {
    /// Makes a page from rows that were read with one row more than the limit.
    ///
    /// - Parameter cursor: makes the cursor of the next page from the last item of a page.
    init(_ rows: [Item], limit: Int, cursor: (Item) -> String) {
        let items = Array(rows.prefix(limit))
        self.init(items: items, next: rows.count > limit ? items.last.map(cursor) : nil)
    }
}

extension Page where Item: Identifiable, Item.ID: CustomStringConvertible {
    init(_ rows: [Item], limit: Int) {
        self.init(rows, limit: limit) { $0.id.description }
    }
}
