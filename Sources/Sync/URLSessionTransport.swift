public import Foundation
import SyncMessages

#if canImport(FoundationNetworking)
public import FoundationNetworking
#endif

/// Sends requests to the service through `URLSession`, for apps.
///
/// Each request is short and complete, so it fits into the time of a background task.
public struct URLSessionTransport: SyncTransport {
    /// The address of the service, such as `https://park.example.org`.
    private let service: URL
    private let session: URLSession
    private let token: @Sendable () async throws -> String

    /// - Parameters:
    ///   - service: scheme, host and port.
    ///   - session: by default a session that keeps nothing on disk.
    ///   - token: returns the guest's current access token; the app renews it when the engine reports status 401.
    public init(
        service: URL,
        session: URLSession = URLSession(configuration: .ephemeral),
        token: @escaping @Sendable () async throws -> String
    ) {
        self.service = service
        self.session = session
        self.token = token
    }

    /// - Throws: `URLError` for network failures and for a cancelled task; also errors of `token`.
    public func send(
        _ method: String,
        _ path: String,
        headers: [String: String],
        body: Data?
    ) async throws -> SyncAnswer {
        guard let url = URL(string: path, relativeTo: service) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        // The timeout is longer than the service may wait for new rows.
        request.timeoutInterval = Double(SyncRequest.longestWait) + 15
        request.setValue("Bearer \(try await token())", forHTTPHeaderField: "authorization")
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        request.httpBody = body
        let (data, response) = try await session.data(for: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var told: [String: String] = [:]
        for case (let name as String, let value as String) in response.allHeaderFields {
            told[name.lowercased()] = value
        }
        return SyncAnswer(status: response.statusCode, headers: told, body: data)
    }
}
