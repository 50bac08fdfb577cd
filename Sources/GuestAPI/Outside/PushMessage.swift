import AsyncHTTPClient
import Foundation
import GuestModels
import NIOCore
import NIOSSL
import Synchronization

/// A message for either push service.
struct PushMessage: Codable, Sendable {
    /// The job's, so a repeat has the same.
    let id: Job.ID
    let title: String
    let body: String
    /// A later one of the same thread takes its place on the screen.
    let thread: String
    let notice: Notice
    let subject: Notice.Subject
    let expiresAt: Date

    enum Failure: Error {
        /// The phone has removed the app, or has another token by now; `since` when the service says so.
        case unknownToken(since: Date?)
        /// Guests sleep; it is tried again.
        case night
        /// Not now; it is tried again.
        case refused(status: Int, reason: String)
    }

    /// What the app is handed beside the text: ids and the kind, all texts.
    var data: [String: String] {
        var data = ["notice": notice.rawValue]
        data["groupId"] = subject.groupId?.description
        data["bookingId"] = subject.bookingId?.description
        data["topicId"] = subject.topicId?.description
        data["optionId"] = subject.optionId?.description
        return data
    }
}

/// HTTP clients for the life of the process: one that trusts what the machine trusts, and one for each file of
/// certificates.
///
/// A failed request is tried again by the next job, not by the client.
enum OutsideHTTP {
    private static let clients = Mutex<[String: HTTPClient]>([:])

    /// - Parameter trust: a PEM file of certificates to trust instead of the machine's.
    static func client(trusting trust: String? = nil) -> HTTPClient {
        clients.withLock { clients in
            if let client = clients[trust ?? ""] { return client }
            var configuration = HTTPClient.Configuration.singletonConfiguration
            configuration.timeout.connect = .seconds(5)
            configuration.connectionPool.retryConnectionEstablishment = false
            if let trust {
                var tls = TLSConfiguration.makeClientConfiguration()
                tls.trustRoots = .file(trust)
                configuration.tlsConfiguration = tls
            }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients[trust ?? ""] = client
            return client
        }
    }
}
