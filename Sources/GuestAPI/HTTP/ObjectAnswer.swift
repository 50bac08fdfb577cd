import HTTPTypes

extension Answer {
    /// The bytes of an object that never changes, or the range that the request asks for.
    ///
    /// - Parameters:
    ///   - tag: names these bytes and no others; without quotes.
    ///   - type: the media type.
    ///   - caching: the value of `Cache-Control`.
    static func object(_ object: StoredObject, tag: String, type: String, caching: String, to call: Call) -> Answer {
        let tag = "\"\(tag)\""
        var headers = [
            HTTPField(name: .eTag, value: tag), HTTPField(name: .cacheControl, value: caching),
            HTTPField(name: .acceptRanges, value: "bytes"),
        ]
        var range = 0..<object.size
        var status = HTTPResponse.Status.ok
        switch ByteRange(call.method, call.headers, tag: tag, size: object.size) {
        case .unchanged: return Answer(status: .notModified, headers: headers, body: [])
        case .unsatisfiable:
            var answer = Problem.rangeNotSatisfiable.answer(in: call.language, instance: call.requestID)
            answer.headers.append(HTTPField(name: .contentRange, value: "bytes */\(object.size)"))
            return answer
        case .whole: break
        case .part(let part):
            range = part
            status = .partialContent
            let last = part.upperBound - 1
            headers.append(
                HTTPField(name: .contentRange, value: "bytes \(part.lowerBound)-\(last)/\(object.size)")
            )
        }
        headers.append(HTTPField(name: .contentType, value: type))
        let stream = Stream(length: range.count) { [range] send in try await object.read(range, send) }
        return Answer(status: status, headers: headers, body: [], stream: stream)
    }
}
