import HTTPTypes

/// A response, whole.
struct Answer: Sendable {
    var status: HTTPResponse.Status
    var headers: [HTTPField]
    var body: [UInt8]
    /// Writes a body that goes on for as long as it likes, piece by piece, instead of `body`.
    var stream: (@Sendable (_ send: (String) async throws -> Void) async throws -> Void)?

    static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok, version: Int? = nil) throws -> Answer
    {
        var answer = json(try ResponseEncoder.encode(value), status)
        if let version { answer.headers.append(HTTPField(name: .eTag, value: "\"\(version)\"")) }
        return answer
    }

    /// What is JSON already.
    static func json(_ body: [UInt8], _ status: HTTPResponse.Status = .ok) -> Answer {
        let headers = [
            HTTPField(name: .contentType, value: "application/json"), HTTPField(name: .cacheControl, value: "no-store"),
        ]
        return Answer(status: status, headers: headers, body: body)
    }

    static let noContent = Answer(status: .noContent, headers: [], body: [])
}

/// A page of a list, and how to ask for the next one.
struct Page<Item: Encodable & Sendable>: Encodable, Sendable {
    let items: [Item]
    /// Pass as `cursor`; nil on the last page.
    let next: String?
}

extension Page {
    /// A page of rows of which one more was asked for than the page has.
    ///
    /// - Parameter cursor: names the last item of a page that is not the last.
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
