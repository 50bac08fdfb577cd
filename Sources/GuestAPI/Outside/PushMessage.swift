import AsyncHTTPClient
import Foundation
import GuestModels
import NIOCore
import NIOSSL
import Synchronization

/// A message for either push service.
struct PushMessage: Codable, Sendable {
    /// The id of the job that sends the message, so that a repeated message has the same id.
    let id: Job.ID
    let title: String
    let body: String
    /// The thread of the message; a later message of the same thread replaces it on the screen.
    let thread: String
    let notice: Notice
    let subject: Notice.Subject
    let expiresAt: Date

    enum Failure: Error {
        /// The phone has removed the app or has another token; `since` is the time of that, if the service says it.
        case unknownToken(since: Date?)
        /// The park's quiet hours have begun; the message is tried again later.
        case night
        /// The push service refused the message; the message is tried again later.
        case refused(status: Int, reason: String)
    }

    /// The data that the app gets beside the text: the kind of notice and ids, all as strings.
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
