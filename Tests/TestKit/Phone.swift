public import Foundation
import GuestModels
public import Sync
import SyncMessages
import Synchronization

/// A guest's phone with the real engine, over the real network to the service under test.
public struct Phone: Sendable {
    public let owner: Given.Person
    public let store: LocalStore
    public let engine: SyncEngine
    public let line: Line
    public let path: String

    public init(
        of who: Given.Person,
        _ api: GuestAPITestService,
        path: String? = nil,
        rows: Int = 1_000,
        mutators: [String: Mutator] = [:]
    ) throws {
        owner = who
        let path = path ?? api.stateFolder + "-\(UUID().uuidString).sqlite"
        var limits = SyncEngine.Limits()
        limits.rows = rows
        store = try LocalStore(path: path, of: who.id(), mutators: mutators)
        line = Line(api: api, who: who)
        engine = SyncEngine(store, over: line, limits: limits, now: { api.now })
        self.path = path
    }

    /// The transport to the service, with faults.
    public final class Line: SyncTransport {
        public struct Lost: Error {}

        private let api: GuestAPITestService
        private let who: Given.Person
        private let faults = Mutex<[Fault]>([])
        private let exchanged = Mutex<[(sent: Int, received: Data)]>([])

        public enum Fault: Sendable {
            /// The request gets lost, its answer gets lost, or the request arrives twice at once.
            case requestLost, answerLost, doubled
        }

        init(api: GuestAPITestService, who: Given.Person) {
            self.api = api
            self.who = who
        }

        /// Sets the faults of the next requests, in order; later requests succeed.
        public func fail(_ next: [Fault]) { faults.withLock { $0 = next } }

        /// Every answer so far.
        public var answers: [Data] { exchanged.withLock { $0.map(\.received) } }
        /// Bytes of bodies in both directions.
        public var traffic: Int { exchanged.withLock { $0.reduce(0) { $0 + $1.sent + $1.received.count } } }

        public func send(
            _ method: String,
            _ path: String,
            headers: [String: String],
            body: Data?
        ) async throws -> SyncAnswer {
            let fault: Fault? = faults.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if fault == .requestLost { throw Lost() }
            if fault == .doubled {
                async let other = api.send(method, path, raw: body, as: who, headers: headers)
                _ = try await api.send(method, path, raw: body, as: who, headers: headers)
                _ = try await other
            }
            let response = try await api.send(method, path, raw: body, as: who, headers: headers)
            if fault == .answerLost { throw Lost() }
            exchanged.withLock { $0.append((body?.count ?? 0, response.body)) }
            return SyncAnswer(status: response.status, headers: response.headers, body: response.body)
        }
    }

    /// The rows on the phone as text; equal rows give equal text.
    public func shown() throws -> [String] { try store.contents() }
}
