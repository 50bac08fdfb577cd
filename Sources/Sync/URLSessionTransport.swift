public import Foundation
import SyncMessages

#if canImport(FoundationNetworking)
public import FoundationNetworking
#endif

/// Reaches the service through `URLSession`, as an app does.
///
/// Each request is short and whole, so it fits into the time that a background task is given.
public struct URLSessionTransport: SyncTransport {
    /// Such as `https://park.example.org`.
    private let service: URL
    private let session: URLSession
    private let token: @Sendable () async throws -> String

    /// - Parameters:
    ///   - service: scheme, host and port.
    ///   - session: by default one that keeps nothing on disk.
    ///   - token: the guest's access token as it is now; renewed by the app when the engine reports status 401.
    public init(
        service: URL,
        session: URLSession = URLSession(configuration: .ephemeral),
        token: @escaping @Sendable () async throws -> String
    ) {
        self.service = service
        self.session = session
        self.token = token
    }

    /// - Throws: `URLError` for whatever the network does, or a cancelled task.
    public func send(_ method: String, _ path: String, body: Data?) async throws -> SyncAnswer {
        guard let url = URL(string: path, relativeTo: service) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        // Longer than the service waits for something new.
        request.timeoutInterval = Double(SyncRequest.longestWait) + 15
        request.setValue("Bearer \(try await token())", forHTTPHeaderField: "authorization")
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "content-type")
            request.httpBody = body
        }
        let (data, response) = try await session.data(for: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        let retryAfter = response.value(forHTTPHeaderField: "retry-after").flatMap(TimeInterval.init)
        return SyncAnswer(status: response.statusCode, body: data, retryAfter: retryAfter)
    }
}
