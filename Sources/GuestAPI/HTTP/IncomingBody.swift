import HTTPTypes
import Hummingbird
import NIOCore

/// A request's question to its connection about the body; `ConnectionGuard` answers.
enum BodyQuestion: Sendable {
    /// The service is about to read the body, so a client that expects `100 Continue` gets it.
    ///
    /// - isFlowing: true for a body of bytes, which may take any time.
    case wanted(isFlowing: Bool)
    /// Sends an informational answer, such as 104, before the final one.
    case interim(HTTPResponse)
    /// Succeeds if the whole body has come, and fails with `BodyCutOff` if its connection broke off before.
    case hasEnded
}

/// The error of a connection that broke off before the end of its request's body.
struct BodyCutOff: Error {}

/// The body of a request to a route that takes bytes.
///
/// Nothing of it has been read when the handler begins, so permission comes before the first byte.
struct IncomingBody: Sendable {
    /// The size in bytes that the client has announced; nil if it is not known beforehand.
    let length: Int?
    private let body: RequestBody
    private let channel: any Channel

    init(of request: Request, _ channel: any Channel) {
        // A request with neither header has no body.
        length =
            request.headers[.contentLength].map { Int($0) } ?? (request.headers[.transferEncoding] == nil ? 0 : nil)
        body = request.body
        self.channel = channel
    }

    /// Reads the body, piece by piece; may be called once.
    ///
    /// - Throws: `BodyCutOff` after the last piece if the connection broke off, and errors of `take`.
    func read(_ take: (ByteBuffer) async throws -> Void) async throws {
        try? await channel.triggerUserOutboundEvent(BodyQuestion.wanted(isFlowing: true)).get()
        var count = 0
        for try await buffer in body {
            count += buffer.readableBytes
            try await take(buffer)
        }
        guard count != length else { return }
        do { try await channel.triggerUserOutboundEvent(BodyQuestion.hasEnded).get() } catch { throw BodyCutOff() }
    }

    /// Sends an informational answer before the final one.
    func send(interim head: HTTPResponse) async {
        try? await channel.triggerUserOutboundEvent(BodyQuestion.interim(head)).get()
    }
}
