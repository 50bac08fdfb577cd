import HTTPTypes

/// A response, whole.
struct Answer: Sendable {
    var status: HTTPResponse.Status
    var headers: [HTTPField]
    var body: [UInt8]

    static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok, version: Int? = nil) throws -> Answer
    {
        var answer = Answer(status: status, headers: [], body: try ResponseEncoder.encode(value))
        answer.headers.append(HTTPField(name: .contentType, value: "application/json"))
        answer.headers.append(HTTPField(name: .cacheControl, value: "no-store"))
        if let version { answer.headers.append(HTTPField(name: .eTag, value: "\"\(version)\"")) }
        return answer
    }

    static let noContent = Answer(status: .noContent, headers: [], body: [])
}

/// A page of a list, and how to ask for the next one.
struct Page<Item: Encodable & Sendable>: Encodable, Sendable {
    let items: [Item]
    /// Pass as `cursor`; nil on the last page.
    let next: String?
}
